"""Which test files there are, and each with its definition: read, checked, ready to be played.

    find_files   what the arguments of `perdure test` mean: files, folders, catalog names, or all below here
    collect      one file with its definition, and everything that is wrong with either

Nothing raises on content; a file that does not exist is the caller's mistake (`FileNotFoundError`).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from client.definition_folder import folder_of
from client.testing.verdicts import Subject
from definitions import catalog
from definitions.cases.checks import check_cases
from definitions.cases.loading import SUFFIXES, LoadedCases, definition_path, load_case_file
from definitions.cases.models import CaseFile
from definitions.diagnostics import Diagnostic, has_errors
from definitions.finders import Files, Names
from definitions.library import Found, Whole, load_whole
from definitions.nodes import find, head
from definitions.parts import parts_of
from definitions.yaml_guard import MAXIMUM_BYTES

_PASSED_OVER = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".tools", "dist", "build"})


@dataclass(frozen=True, slots=True)
class Collected:
    """A test file; `cases` and `subject` are there when nothing is wrong with either."""

    path: Path
    loaded: LoadedCases
    cases: CaseFile | None
    subject: Subject | None
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    """Texts that the findings point into, by file."""


def find_files(arguments: Sequence[str]) -> list[Path]:
    """Return the test files that arguments mean, each once, in order; none given: all below the current folder.

    Raises:
        FileNotFoundError: an argument names nothing, or a definition without a test file.
    """
    found: dict[Path, None] = {}
    for argument in arguments or ["."]:
        path = _of_catalog(argument) or Path(argument)
        if path.is_dir():
            found.update(dict.fromkeys(_below(path)))
        else:
            found[_test_file(path)] = None
    return list(found)


def test_path(definition: Path) -> Path:
    """Return where the test file of a definition is: beside it, with its name."""
    return definition.with_name(f"{definition.stem}.test{definition.suffix or '.yaml'}")


def is_test_file(path: Path) -> bool:
    """Whether a name is one of a test file."""
    return path.name.endswith(SUFFIXES)


def collect(path: Path) -> Collected:
    """Return a test file with its definition.

    Raises:
        OSError: the test file cannot be read.
    """
    loaded = load_case_file(path)
    sources = {loaded.file: loaded.source}
    if loaded.cases is None:
        return Collected(path, loaded, None, None, loaded.diagnostics, sources)
    file = definition_path(loaded.cases, path)
    try:
        whole = _load(file)
    except OSError as error:
        finding = _no_definition(loaded, file, error)
        return Collected(path, loaded, None, None, (finding,), sources)
    sources |= whole.sources
    if whole.definition is None:
        wrong = tuple(finding for finding in whole.diagnostics if finding.severity == "error")
        return Collected(path, loaded, None, None, wrong, sources)
    definition = whole.definition
    parts = parts_of(definition, whole.library)
    subject = Subject(definition, whole.loaded.source, str(file), path.parent, parts, whole.texts)
    findings = check_cases(loaded, definition, parts)
    cases = None if has_errors(findings) else loaded.cases
    return Collected(path, loaded, cases, subject, findings, sources)


def _load(file: Path) -> Whole:
    with file.open("rb") as stream:
        found = Found(stream.read(MAXIMUM_BYTES + 1), str(file))
    names = Names(folder_of(os.environ, Path()))
    return load_whole(found, Files(file.parent, names), key=file.name)


def _of_catalog(name: str) -> Path | None:
    """Return the file of a definition of the catalog, where nothing here is called so."""
    if Path(name).exists() or name not in catalog.names():
        return None
    return Path(catalog.read(name)[1])


def _test_file(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"there is no file `{path}`")
    if is_test_file(path):
        return path
    beside = test_path(path)
    if not beside.exists():
        raise FileNotFoundError(f"`{path}` has no test file `{beside.name}` beside it")
    return beside


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER and not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if name.endswith(SUFFIXES))


def _no_definition(loaded: LoadedCases, file: Path, error: OSError) -> Diagnostic:
    root = loaded.root
    span = None if root is None else head(find(root, ("definition",)).node)
    reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
    message = f"the definition `{file}` cannot be read: {reason}"
    help_ = "name it by `definition: PATH`, relative to the test file"
    return Diagnostic("unknown-definition", "error", message, loaded.file, span, help=help_)
