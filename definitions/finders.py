"""Where the definitions of a library are read from: names, files of this machine, texts that came with a start.

    Names   a folder of definitions, else the catalog
    Files   a folder on this machine, and names
    Texts   texts by key, and names

A name's file in a folder is `NAME.workflow.yml`, or another of `NAME_SUFFIXES`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from definitions import catalog
from definitions.library import Found, NotFound, may_be_a_name, names_a_file
from definitions.suggestions import did_you_mean
from definitions.yaml_guard import MAXIMUM_BYTES

NAME_SUFFIXES = (".workflow.yml", ".workflow.yaml", ".workflow.json", ".yaml", ".yml", ".json")
"""What a file of a folder of definitions may be called behind its id, the first found counts."""


@dataclass(frozen=True, slots=True)
class Names:
    """Definitions by name: those of a folder, where there is one, before those of the catalog."""

    folder: Path | None = None

    def __call__(self, key: str) -> Found:
        """Return the definition of a name. Raises `NotFound`."""
        path = self.path(key)
        if path is not None:
            return read_file(path, str(path))
        try:
            return Found(*catalog.read(key))
        except KeyError:
            known = sorted({*catalog.names(), *self.of_folder()})
            shown = key if len(key) <= 100 else f"{key[:100]}…"
            help_ = did_you_mean(key, known) or (
                f"there are {', '.join(f'`{one}`' for one in known)}" if known else None
            )
            raise NotFound(f"no definition is called `{shown}`", help_) from None

    def siblings(self) -> Iterator[Found]:
        """Yield the definitions of the folder and of the catalog."""
        for path in self.of_folder().values():
            with suppress(NotFound):
                yield read_file(path, str(path))
        for name in catalog.names():
            yield Found(*catalog.read(name))

    def path(self, name: str) -> Path | None:
        """Return the file of a name in the folder, None where it has none."""
        if self.folder is None or not may_be_a_name(name) or name.endswith(".test"):
            return None
        return next((path for suffix in NAME_SUFFIXES if (path := self.folder / f"{name}{suffix}").is_file()), None)

    def of_folder(self) -> dict[str, Path]:
        """Return the files of the folder by name; tests of definitions are none."""
        found: dict[str, Path] = {}
        for path in _files(self.folder):
            suffix = next((suffix for suffix in NAME_SUFFIXES if path.name.endswith(suffix)), None)
            name = "" if suffix is None else path.name.removesuffix(suffix)
            if may_be_a_name(name) and not name.endswith(".test") and self.path(name) == path:
                found[name] = path
        return found


@dataclass(frozen=True, slots=True)
class Files:
    """Files relative to a folder; names too."""

    folder: Path
    names: Names = field(default_factory=Names)
    is_bounded: bool = False
    """Whether nothing outside of the folder is read (a worker's folder), whatever links lead there."""

    def __call__(self, key: str) -> Found:
        """Return the definition of a key. Raises `NotFound`."""
        if not names_a_file(key):
            return self.names(key)
        path = self.folder / key
        if self.is_bounded and not path.resolve().is_relative_to(self.folder.resolve()):
            raise NotFound(f"`{key}` lies outside of the folder of definitions")
        return read_file(path, os.path.normpath(path))

    def siblings(self) -> Iterator[Found]:
        """Yield the definitions that stand in the folder, and those that have names."""
        for path in _files(self.folder):
            if path.name.endswith(NAME_SUFFIXES) and ".test." not in path.name:
                with suppress(NotFound):
                    yield read_file(path, path.name)
        yield from self.names.siblings()


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts by key; what is not among them is looked for by its name."""

    texts: Mapping[str, str]
    names: Names = field(default_factory=Names)

    def __call__(self, key: str) -> Found:
        """Return the definition of a key. Raises `NotFound`."""
        if key in self.texts:
            return Found(self.texts[key], key)
        if names_a_file(key):
            raise NotFound(f"there is no `{key}`", "give its text under `definition.library`")
        return self.names(key)

    def siblings(self) -> Iterator[Found]:
        """Yield the texts, and the definitions that have names."""
        yield from (Found(text, key) for key, text in self.texts.items())
        yield from self.names.siblings()


def read_file(path: Path, shown: str) -> Found:
    """Return a file's text, as far as a definition may be long. Raises `NotFound`."""
    try:
        if path.exists() and not path.is_file():  # a pipe would never end
            raise NotFound(f"`{shown}` is not a file")
        with path.open("rb") as stream:
            return Found(stream.read(MAXIMUM_BYTES + 1), shown)
    except (OSError, ValueError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise NotFound(f"`{shown}` cannot be read: {reason}") from error


def _files(folder: Path | None) -> Iterator[Path]:
    if folder is not None and folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if path.is_file())
