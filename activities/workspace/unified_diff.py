"""What differs between two trees as text that people read and `git apply` takes, and how much of it there is.

As git does it: a file that went and came again elsewhere with the same content is a rename, a hunk is headed by the
line that names what it is in, and what holds a zero byte is binary.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from activities.store.interface import Store
from activities.workspace.deltas import diff
from activities.workspace.line_matching import Block, blocks_of, counts_of, hunks_of
from activities.workspace.manifest import Entry, Manifest, is_git_path

LARGEST_TEXT = 1 << 20
"""Bigger files are named, not shown."""
_ABSENT = "/dev/null"
_TO_QUOTE = re.compile(rb'[\x00-\x1f"\\\x7f-\xff]')
_ESCAPES = {ord("\t"): r"\t", ord("\n"): r"\n", ord("\r"): r"\r", ord('"'): r"\"", ord("\\"): r"\\"}
_NAMES_SOMETHING = re.compile(r"[A-Za-z_$]")
_LONGEST_HEADING = 80
_NO_NEWLINE = "\\ No newline at end of file\n"

ChangeKind = Literal["added", "modified", "deleted", "renamed"]


class FileChange(NamedTuple):
    """A file or link that is different, before and after; a rename has both under different paths."""

    old: Entry | None
    new: Entry | None

    @property
    def path(self) -> str:
        """Where it is now, or was."""
        return self.new.path if self.new is not None else self.old.path if self.old is not None else ""

    @property
    def kind(self) -> ChangeKind:
        """What became of it."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "deleted"
        return "modified" if self.old.path == self.new.path else "renamed"


class FileCount(NamedTuple):
    """How much of a file is different; the lines of a binary one are not counted."""

    change: FileChange
    added: int = 0
    deleted: int = 0
    is_binary: bool = False


def unified_diff(store: Store, before: Manifest, after: Manifest) -> str:
    """Return the changes of all paths that are not ignored, in git's format. Blocks. Raises `BlobMissing`.

    Bytes that are not UTF-8 stand in it as surrogates.
    """
    return "".join(diff_lines(store, before, after))


def diff_lines(store: Store, before: Manifest, after: Manifest) -> Iterator[str]:
    """Yield what `unified_diff` returns, line by line."""
    changes = file_changes(before, after)
    _fetch(store, changes)
    for change in changes:
        if change.old is not None and change.new is not None and change.old.type != change.new.type:
            yield from _of_change(store, FileChange(change.old, None))
            yield from _of_change(store, FileChange(None, change.new))
        else:
            yield from _of_change(store, change)


def file_changes(before: Manifest, after: Manifest) -> list[FileChange]:
    """Return the files and links that differ and are not ignored, by path; git's own are no business of a reader's."""
    pairs = [
        FileChange(_without_folder(change.before), _without_folder(change.after))
        for change in diff(before, after)
        if not is_git_path(change.path)
    ]
    return sorted(_with_renames([pair for pair in pairs if pair != (None, None)]), key=lambda change: change.path)


def file_counts(store: Store, before: Manifest, after: Manifest) -> list[FileCount]:
    """Return how much of each file is different. Blocks. Raises `BlobMissing`."""
    changes = file_changes(before, after)
    _fetch(store, changes)
    return [_count(store, change) for change in changes]


def _fetch(store: Store, changes: list[FileChange]) -> None:
    """Have at hand what will be compared."""
    entries = [entry for change in changes if not _same_content(change) for entry in change if entry is not None]
    wanted = [entry.digest for entry in entries if entry.type == "f" and entry.size <= LARGEST_TEXT]
    if wanted:
        store.fetch(wanted)


def _with_renames(changes: list[FileChange]) -> list[FileChange]:
    gone: dict[tuple[str, bool], list[Entry]] = {}
    for old, new in reversed(changes):
        if old is not None and new is None and old.type == "f" and old.size:
            gone.setdefault((old.digest, old.executable), []).append(old)
    renamed: set[str] = set()
    found: list[FileChange] = []
    for change in changes:
        old, new = change
        origins = [] if old is not None or new is None else gone.get((new.digest, new.executable), [])
        if origins:
            origin = origins.pop()
            renamed.add(origin.path)
            found.append(FileChange(origin, new))
        else:
            found.append(change)
    return [change for change in found if change.new is not None or change.path not in renamed]


def _count(store: Store, change: FileChange) -> FileCount:
    if change.kind == "renamed" or _same_content(change):
        return FileCount(change)
    old_text, new_text = _text(store, change.old), _text(store, change.new)
    if old_text is None or new_text is None:
        return FileCount(change, is_binary=True)
    added, deleted = counts_of(blocks_of(_lines(old_text), _lines(new_text)))
    return FileCount(change, added, deleted)


def _same_content(change: FileChange) -> bool:
    old, new = change
    return old is not None and new is not None and (old.digest, old.target) == (new.digest, new.target)


def _of_change(store: Store, change: FileChange) -> Iterator[str]:
    old, new = change
    old_path, new_path = (old or new or _NOBODY).path, (new or old or _NOBODY).path
    old_name, new_name = quoted(f"a/{old_path}"), quoted(f"b/{new_path}")
    yield f"diff --git {old_name} {new_name}\n"
    yield from _mode_lines(old, new)
    if change.kind == "renamed":
        yield f"similarity index 100%\nrename from {quoted(old_path)}\nrename to {quoted(new_path)}\n"
        return
    if _same_content(change):
        return
    old_name = _ABSENT if old is None else old_name
    new_name = _ABSENT if new is None else new_name
    old_text, new_text = _text(store, old), _text(store, new)
    if old_text is None or new_text is None:
        yield f"Binary files {old_name} and {new_name} differ\n"
        return
    yield from _hunks(_lines(old_text), _lines(new_text), old_name, new_name)


def _hunks(old: list[str], new: list[str], old_name: str, new_name: str) -> Iterator[str]:
    hunks = hunks_of(blocks_of(old, new))
    if hunks:
        yield f"--- {old_name}{_after_name(old_name)}\n+++ {new_name}{_after_name(new_name)}\n"
    for hunk in hunks:
        first, last = hunk[0], hunk[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@{_heading(old, first[1])}\n"
        for block in hunk:
            yield from _block_lines(block, old, new)


def _block_lines(block: Block, old: list[str], new: list[str]) -> Iterator[str]:
    tag, i1, i2, j1, j2 = block
    if tag == "equal":
        yield from (_ended(f" {line}") for line in old[i1:i2])
        return
    yield from (_ended(f"-{line}") for line in old[i1:i2])
    yield from (_ended(f"+{line}") for line in new[j1:j2])


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}"


def _range(start: int, stop: int) -> str:
    count = stop - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _heading(old: list[str], start: int) -> str:
    """Return the nearest line above that names something (a function, a section), as git shows it."""
    for line in reversed(old[:start]):
        if _NAMES_SOMETHING.match(line):
            return f" {line.rstrip()[:_LONGEST_HEADING]}"
    return ""


def _after_name(name: str) -> str:
    """Return what ends a name with spaces, so that tools do not take them for the start of a date."""
    return "\t" if " " in name and not name.startswith('"') else ""


def _mode_lines(old: Entry | None, new: Entry | None) -> Iterator[str]:
    if old is None and new is not None:
        yield f"new file mode {_mode(new)}\n"
    elif new is None and old is not None:
        yield f"deleted file mode {_mode(old)}\n"
    elif old is not None and new is not None and _mode(old) != _mode(new):
        yield f"old mode {_mode(old)}\nnew mode {_mode(new)}\n"


def _mode(entry: Entry) -> str:
    if entry.type == "l":
        return "120000"
    return "100755" if entry.executable else "100644"


def _without_folder(entry: Entry | None) -> Entry | None:
    return None if entry is None or entry.type == "d" else entry


def _text(store: Store, entry: Entry | None) -> str | None:
    """Return an entry's text (of a link: its target); None where it is binary or too big to compare."""
    if entry is None:
        return ""
    if entry.type == "l":
        return entry.target
    if entry.size > LARGEST_TEXT:
        return None
    content = store.read_blob(entry.digest)
    return None if b"\0" in content else content.decode("utf-8", "surrogateescape")


def _lines(text: str) -> list[str]:
    """Split at line feeds only, as git does: a form feed or a lone carriage return ends no line."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def quoted(path: str) -> str:
    """Return a path as git writes it: in C quotes where a byte needs it."""
    raw = path.encode("utf-8", "surrogateescape")
    if not _TO_QUOTE.search(raw):
        return path
    return '"' + "".join(_quoted_byte(byte) for byte in raw) + '"'


def _quoted_byte(byte: int) -> str:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"


_NOBODY = Entry("", "f")
