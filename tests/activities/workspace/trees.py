"""Trees for tests: written as `{path: text}`, made by hypothesis, read back from folders."""

import os
from collections.abc import Mapping
from pathlib import Path

from hypothesis import strategies

from activities.store.canonical_json import digest_of
from activities.store.interface import Store
from activities.workspace.manifest import Entry, Manifest, manifest_of, parents

NAMES = strategies.sampled_from(["a", "b", "c", ".git", "a.txt", "ü", "x\udcff", "-b", " ", "con"])
PATHS = strategies.lists(NAMES, min_size=1, max_size=3).map("/".join)


def make(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """Write files; `None` is an empty folder, a text `-> x` a link to x, a name ending in `*` a program."""
    for path, content in files.items():
        target = folder / path.rstrip("*")
        target.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            target.mkdir()
        elif isinstance(content, str) and content.startswith("-> "):
            target.symlink_to(content[3:])
        else:
            target.write_bytes(content.encode() if isinstance(content, str) else content)
            target.chmod(0o755 if path.endswith("*") else 0o644)


def read(folder: Path) -> dict[str, str | None]:
    """Return what a folder holds, in the notation of `make`."""
    found: dict[str, str | None] = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place) / name
            key = str(path.relative_to(folder))
            if path.is_symlink():
                found[key] = f"-> {path.readlink()}"
            elif path.is_dir():
                if not os.listdir(path):
                    found[key] = None
            else:
                found[key + ("*" if os.access(path, os.X_OK) else "")] = path.read_bytes().decode(
                    "utf-8", "backslashreplace"
                )
    return found


def tree(store: Store, files: Mapping[str, str | bytes | None], ignored: tuple[str, ...] = ()) -> Manifest:
    """Return the manifest of `files` (as for `make`), their contents kept in the store."""
    return manifest_of(_entry(store, path, content, path.rstrip("*") in ignored) for path, content in files.items())


def _entry(store: Store, path: str, content: str | bytes | None, ignored: bool) -> Entry:
    name = path.rstrip("*")
    if content is None:
        return Entry(name, "d", ignored=ignored)
    if isinstance(content, str) and content.startswith("-> "):
        return Entry(name, "l", target=content[3:], ignored=ignored)
    raw = content.encode() if isinstance(content, str) else content
    return Entry(name, "f", store.write_blob(raw), len(raw), path.endswith("*"), ignored=ignored)


def _sound(entries: list[Entry]) -> Manifest:
    leaves: dict[str, Entry] = {}
    for entry in entries:
        if entry.path not in leaves and not any(
            parent in leaves or other.startswith(entry.path + "/") for parent in parents(entry.path) for other in [""]
        ):
            leaves[entry.path] = entry
    folders = {parent for path in leaves for parent in parents(path)}
    return manifest_of(entry for entry in leaves.values() if entry.path not in folders)


CONTENTS = [b"", b"one", b"two", b"three\n" * 100]

ENTRIES = strategies.builds(
    lambda path, kind, content, executable, target, ignored: (
        Entry(path, "f", digest_of(content), len(content), executable, ignored=ignored or ".git" in path.split("/"))
        if kind == "f"
        else Entry(path, kind, target=target if kind == "l" else "", ignored=ignored or ".git" in path.split("/"))
    ),
    PATHS,
    strategies.sampled_from(["f", "f", "f", "l", "d"]),
    strategies.sampled_from(CONTENTS),
    strategies.booleans(),
    strategies.sampled_from(["nowhere", "./x/y"]),
    strategies.booleans(),
)
MANIFESTS = strategies.lists(ENTRIES, max_size=12).map(_sound)


def keep_contents(store: Store) -> None:
    """Keep what the files of generated manifests hold."""
    for content in CONTENTS:
        store.write_blob(content)
