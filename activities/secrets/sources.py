"""Where a worker finds the values of secrets: `PERDURE_SECRETS`, sources in the order in which they are asked.

    env            a variable of the worker's environment, of the secret's own name
    env:PREFIX     the variable PREFIX + name
    folder:PATH    the file PATH/NAME, as Docker and Kubernetes mount them; one line end at its end is dropped
    NAME           a source that an installed package brings, by the entry point `perdure.secrets`

A value is looked up at each attempt and kept nowhere. A source may know its version, which is part of cache keys:
beside a file `NAME` the file `NAME.version`, beside a variable the variable `NAME_VERSION`.
"""

import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, cast

from activities.secrets.masking import SHORTEST
from definitions.errors import EnvironmentUnfit, ErrorClass, StepFailure

ENTRY_POINTS = "perdure.secrets"
LARGEST = 64 * 1024
"""Bytes of a secret: it must fit into a variable."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's value. Never logged: `repr` does not show it."""

    value: str
    version: str = ""
    """Another version is another cache key; empty where the source knows none."""

    def __repr__(self) -> str:
        return f"Secret(version={self.version!r})"


class SecretSource(Protocol):
    """What a package brings: a class without arguments."""

    def find(self, name: str) -> Secret | None:
        """Return the secret of that name, None where there is none. Blocks. May raise anything."""
        ...


@dataclass(frozen=True, slots=True)
class EnvironmentSource:
    """Variables of the worker's environment."""

    variables: Mapping[str, str]
    prefix: str = ""

    def find(self, name: str) -> Secret | None:
        """Return the variable's value; an empty one is none."""
        value = self.variables.get(self.prefix + name)
        return Secret(value, self.variables.get(f"{self.prefix}{name}_VERSION", "")) if value else None

    def __str__(self) -> str:
        return f"its variable `{self.prefix}NAME`"


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder of files, one a secret."""

    folder: Path

    def find(self, name: str) -> Secret | None:
        """Return the file's text. Raises `StepFailure` where the file is there and cannot be a secret."""
        value = _read(self.folder / name)
        return None if value is None else Secret(value, (_read(self.folder / f"{name}.version") or "").strip())

    def __str__(self) -> str:
        return f"the file `{self.folder}/NAME`"


class Secrets:
    """The secrets of one worker."""

    def __init__(self, sources: Sequence[SecretSource] = ()) -> None:
        self._sources = tuple(sources)

    def find(self, names: Iterable[str]) -> dict[str, Secret]:
        """Return the secrets of these names. Blocks. Raises `StepFailure` where one is not known, or is no variable."""
        return {name: self._find(name) for name in sorted(set(names))}

    def _find(self, name: str) -> Secret:
        for source in self._sources:
            secret = _asked(source, name)
            if secret is not None:
                return _checked(name, secret)
        places = " or ".join(str(source).replace("NAME", name) for source in self._sources)
        way_out = f"give it by {places}" if places else "say by `PERDURE_SECRETS` where it finds them"
        raise StepFailure(ErrorClass.SECRET, f"this worker does not know the secret `{name}`; {way_out}")


def open_sources(parts: Iterable[str], environment: Mapping[str, str]) -> Secrets:
    """Return the secrets of the sources that `PERDURE_SECRETS` names.

    Raises:
        EnvironmentUnfit: a part is no source, or a package's cannot be made.
    """
    return Secrets([_source(part, environment) for part in parts])


def _source(part: str, environment: Mapping[str, str]) -> SecretSource:
    match part.partition(":"):
        case ("env", _, prefix):
            return EnvironmentSource(environment, prefix)
        case ("folder", ":", path) if path:
            return FolderSource(Path(path).expanduser().absolute())
        case (name, "", ""):
            return _from_package(name)
        case _:
            raise EnvironmentUnfit(
                f"`PERDURE_SECRETS` has the part `{part}`, which cannot be used",
                "use `env`, `env:PREFIX`, `folder:PATH` and names of installed sources, separated by commas",
            )


def _from_package(name: str) -> SecretSource:
    found = list(entry_points(group=ENTRY_POINTS, name=name))
    if not found:
        raise EnvironmentUnfit(
            f"`PERDURE_SECRETS` names the source `{name}`, which no installed package brings",
            "use `env`, `env:PREFIX`, `folder:PATH`, or install the package beside the worker",
        )
    return _made(found[0])


def _made(entry: EntryPoint) -> SecretSource:
    try:
        return cast("Callable[[], SecretSource]", entry.load())()
    except Exception as error:  # it is the package's code
        raise EnvironmentUnfit(
            f"the source of secrets `{entry.name}` cannot be used: {type(error).__name__}: {error}",
            "look at that package's settings",
        ) from error


def _asked(source: SecretSource, name: str) -> Secret | None:
    try:
        return source.find(name)
    except StepFailure:
        raise
    except Exception as error:  # it is a package's code, whose words might quote a value
        message = f"the secret `{name}` could not be had: {type(error).__name__} of `{type(source).__name__}`"
        raise StepFailure(ErrorClass.SECRET, message) from None


def _checked(name: str, secret: Secret) -> Secret:
    if len(secret.value) < SHORTEST:
        message = f"the secret `{name}` is shorter than {SHORTEST} characters, so that it could not be masked"
        raise StepFailure(ErrorClass.SECRET, f"{message}; give a longer one")
    size = len(secret.value.encode("utf-8", "surrogateescape"))
    if "\0" in secret.value or size > LARGEST:
        message = f"the secret `{name}` cannot be a variable: it has {size} bytes, or holds a NUL character"
        raise StepFailure(ErrorClass.SECRET, f"{message}; the most is {LARGEST} bytes")
    return secret


def _read(path: Path) -> str | None:
    """Return a small text file's content, without one line end; None where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StepFailure(ErrorClass.SECRET, f"the secret in `{path}` cannot be read: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StepFailure(ErrorClass.SECRET, f"`{path}` is no file, so it cannot hold a secret")
        text = os.read(descriptor, LARGEST + 2).decode("utf-8", "surrogateescape")
    finally:
        os.close(descriptor)
    return text.removesuffix("\n").removesuffix("\r")
