"""What differs between two trees as text that people read and `git apply` takes."""

import difflib
import re
from collections.abc import Iterator

from activities.store.interface import Store
from activities.workspace.deltas import Change, diff
from activities.workspace.manifest import Entry, Manifest

LARGEST_TEXT = 1 << 20
"""Bigger files are named, not shown: comparing lines takes time by the square."""
_ABSENT = "/dev/null"
_TO_QUOTE = re.compile(rb'[\x00-\x1f"\\\x7f-\xff]')
_ESCAPES = {ord("\t"): r"\t", ord("\n"): r"\n", ord("\r"): r"\r", ord('"'): r"\"", ord("\\"): r"\\"}


def unified_diff(store: Store, before: Manifest, after: Manifest) -> str:
    """Return the changes of all paths that are not ignored, in git's format. Blocks. Raises `BlobMissing`."""
    return "".join(line for change in diff(before, after) for line in _of_change(store, change))


def _of_change(store: Store, change: Change) -> Iterator[str]:
    old = _without_folder(change.before)
    new = _without_folder(change.after)
    if old is None and new is None:
        return  # an empty folder, which git does not know
    if old is not None and new is not None and old.type != new.type:
        yield from _of_pair(store, change.path, old, None)
        yield from _of_pair(store, change.path, None, new)
        return
    yield from _of_pair(store, change.path, old, new)


def _of_pair(store: Store, path: str, old: Entry | None, new: Entry | None) -> Iterator[str]:
    old_name, new_name = quoted(f"a/{path}"), quoted(f"b/{path}")
    yield f"diff --git {old_name} {new_name}\n"
    yield from _mode_lines(old, new)
    old_name = _ABSENT if old is None else old_name
    new_name = _ABSENT if new is None else new_name
    if old is not None and new is not None and (old.digest, old.target) == (new.digest, new.target):
        return
    old_text, new_text = _text(store, old), _text(store, new)
    if old_text is None or new_text is None:
        yield f"Binary files {old_name} and {new_name} differ\n"
        return
    lines = difflib.unified_diff(_lines(old_text), _lines(new_text), old_name, new_name)
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


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
        return entry.target.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if entry.size > LARGEST_TEXT:
        return None
    content = store.read_blob(entry.digest)
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


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
