"""What expressions read beyond their scope: files of a tree, files by reference, stored values.

Everything comes from the store, never from a folder: an expression sees the tree that its step ended with,
whatever has happened to a checkout since. Links are followed inside the tree only.
"""

import json
import posixpath
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from pydantic import JsonValue

from activities.file_functions.coverage import parse_coverage
from activities.file_functions.documents import read_json, read_text, read_toml, read_yaml
from activities.file_functions.junit import parse_junit
from activities.store.interface import Store
from activities.workspace.manifest import Entry, Manifest
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.stored_values import FILE_KEY, is_file_reference

SIZE_LIMIT = 50 * 1024 * 1024
"""Bytes of a file that an expression may read."""

_MOST_LINKS = 40

_FUNCTIONS: dict[str, Callable[[bytes], JsonValue]] = {
    "parse_coverage": parse_coverage,
    "parse_junit": parse_junit,
    "read_json": read_json,
    "read_yaml": read_yaml,
    "read_toml": read_toml,
    "read_text": read_text,
}


class StoreFileReader:
    """Reads for the expressions of one step; remembers what it has parsed. Its calls block."""

    def __init__(self, store: Store, manifest: Manifest | None) -> None:
        self._store = store
        self._manifest = manifest
        self._parsed: dict[tuple[str, str], JsonValue] = {}

    def read(self, source: JsonValue) -> bytes:
        """Return the content of a file. Raises ExpressionError where there is none or it is too big."""
        name, digest, size = self._located(source)
        return self._content(name, digest, size)

    def value(self, digest: str) -> JsonValue:
        """Return a stored value. Raises StepFailure where the store has lost it."""
        content = self._store.read_blob(digest)
        try:
            return json.loads(content)
        except ValueError as error:
            raise StepFailure(ErrorClass.STORE, f"the stored value `{digest}` is not JSON") from error

    def call(self, name: str, arguments: Sequence[JsonValue]) -> JsonValue:
        """Call a function that reads a file. Raises ExpressionError naming the file."""
        source = arguments[0]
        if name == "file_exists":
            return _copy_of(source) is not None or self._find(_path_of(source)) is not None
        path, digest, size = self._located(source)
        if (name, digest) not in self._parsed:
            content = self._content(path, digest, size)
            try:
                self._parsed[name, digest] = _FUNCTIONS[name](content)
            except ExpressionError as error:
                raise ExpressionError(error.code, f"`{path}`: {error.message}") from error
        return self._parsed[name, digest]

    def _located(self, source: JsonValue) -> tuple[str, str, int]:
        """Return name, digest and size of a file."""
        copy = _copy_of(source)
        if copy is not None:
            return copy
        path = _path_of(source)
        entry = self._find(path)
        if entry is None:
            raise self._missing(path)
        return path, entry.digest, entry.size

    def _content(self, name: str, digest: str, size: int) -> bytes:
        if size > SIZE_LIMIT:
            raise ExpressionError("file-too-big", f"`{name}` has {size} bytes, and at most {SIZE_LIMIT} are read")
        return self._store.read_blob(digest)

    def _find(self, path: str) -> Entry | None:
        """Return the file at `path`, links followed; None where there is none, or it leads out of the tree."""
        if self._manifest is None:
            return None
        find = self._manifest.find
        for _ in range(_MOST_LINKS):
            if path.startswith(("/", "..")):
                return None
            found = (find(prefix) for prefix in _prefixes(path))
            link = next((entry for entry in found if entry is not None and entry.type == "l"), None)
            if link is None:
                entry = find(path)
                return entry if entry is not None and entry.type == "f" else None
            target = posixpath.join(posixpath.dirname(link.path), link.target)
            path = posixpath.normpath(target + path[len(link.path) :])
        return None

    def _missing(self, path: str) -> ExpressionError:
        if self._manifest is None:
            return ExpressionError("no-such-file", f"there is no file `{path}`: the run has no workspace")
        names = [entry.path for entry in self._manifest.entries if entry.type != "d"]
        same_name = [name for name in names if posixpath.basename(name) == posixpath.basename(path)][:3]
        close = same_name or get_close_matches(path, names[:5000], n=3, cutoff=0.6)
        hint = f"; there is {' and '.join(f'`{name}`' for name in close)}" if close else ""
        return ExpressionError("no-such-file", f"there is no file `{path}` in the workspace{hint}")


def _copy_of(source: JsonValue) -> tuple[str, str, int] | None:
    """Return name, digest and size where `source` stands for an immutable copy in the store."""
    if not is_file_reference(source):
        return None
    digest, size = source.get("digest"), source.get("size")
    return (
        (str(source[FILE_KEY]), digest, size) if digest and isinstance(digest, str) and isinstance(size, int) else None
    )


def _path_of(source: JsonValue) -> str:
    if is_file_reference(source):
        source = source[FILE_KEY]  # a `file` input: a path of the workspace, not a copy yet
    if not isinstance(source, str) or not source:
        raise ExpressionError("bad-argument", "a file is named by its path in the workspace, or is a file output")
    return posixpath.normpath(source)


def _prefixes(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
