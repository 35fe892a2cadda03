"""Definitions as things: a folder of files `ID.workflow.yml`, each found by its id.

    folder_of   which folder: the worker's own (PERDURE_DEFINITIONS), else the project's `.perdure/definitions`
    entries     what is in it, in order of the ids
    create, update, set_status, delete   each changes one file at once, or nothing

Ids are unique in a folder and safe in addresses. Nothing here asks a server: whether runs use a definition is the
caller's question. What a run needs was frozen when it began.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from client.diagnostics_output import show_diagnostics
from client.exit_codes import ExitCode
from client.messages import definition_words, file_words, folder_words
from client.output import Problem
from client.whole_files import write_whole
from definitions.diagnostics import Span, has_errors
from definitions.errors import EnvironmentUnfit
from definitions.finders import Files, Names, read_file
from definitions.library import Found, NotFound, Whole, load_whole
from definitions.models import Definition
from definitions.nodes import Mapping as MappingNode
from definitions.steps import WorkflowStep, all_steps
from definitions.yaml_guard import read

PROJECT_FOLDER = Path(".perdure/definitions")
SUFFIX = ".workflow.yml"

State = Literal["draft", "active"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the folder."""

    name: str
    """What it is found by."""
    path: Path
    whole: Whole

    @property
    def definition(self) -> Definition | None:
        """The definition, None where it has errors."""
        return self.whole.loaded.definition


def folder_of(environment: Mapping[str, str], here: Path) -> Path:
    """Return the folder of definitions; it may not be there yet. Raises EnvironmentUnfit."""
    return worker_folder(environment) or here / PROJECT_FOLDER


def worker_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the folder that the worker has too, where the environment names one. Raises EnvironmentUnfit."""
    for part in (environment.get("PERDURE_DEFINITIONS") or "").split(","):
        kind, _, path = part.strip().partition(":")
        if kind == "folder" and path:
            return Path(path).expanduser().absolute()
        if kind == "folder":
            raise EnvironmentUnfit("`PERDURE_DEFINITIONS` names no folder", "write `folder:PATH`")
    return None


def entries(folder: Path) -> list[Entry]:
    """Return what is in the folder."""
    return [Entry(name, path, _whole(folder, path)) for name, path in sorted(Names(folder).of_folder().items())]


def entry(folder: Path, name: str) -> Entry:
    """Return one definition. Raises `Problem` where there is none of that id."""
    path = Names(folder).path(name)
    if path is None:
        known = sorted(Names(folder).of_folder())
        message, remedy = folder_words.unknown_definition(name, str(folder)), folder_words.definitions_remedy(known)
        raise Problem(message, code=ExitCode.USAGE, slug="unknown-definition", remedy=remedy)
    return Entry(name, path, _whole(folder, path))


def create(folder: Path, source: Path, *, status: State | None = None) -> Entry:
    """Take a file into the folder under its id. Raises `Problem`, and then nothing was changed."""
    text = _text(source)
    definition = _checked(folder, text, source.name)
    taken = next((one for one in entries(folder) if definition.id in (one.name, _id(one))), None)
    if taken is not None:
        message, remedy = (
            folder_words.taken_definition(definition.id, str(taken.path)),
            folder_words.update_remedy(definition.id),
        )
        raise Problem(message, code=ExitCode.USAGE, slug="taken-id", remedy=remedy)
    path = folder / f"{definition.id}{SUFFIX}"
    content = text if status is None else with_status(text, status)
    _write_new(path, content)
    return entry(folder, definition.id)


def update(folder: Path, name: str, source: Path, *, status: State | None = None) -> Entry:
    """Replace a definition by a file of the same id. Raises `Problem`, and then nothing was changed."""
    known = entry(folder, name)
    text = _text(source)
    definition = _checked(folder, text, source.name)
    if definition.id != (_id(known) or known.name):
        message = folder_words.other_id(definition.id, name)
        raise Problem(message, code=ExitCode.INVALID, slug="not-valid", remedy=folder_words.create_remedy(str(source)))
    _replace(known.path, text if status is None else with_status(text, status))
    return entry(folder, name)


def set_status(folder: Path, name: str, status: State) -> Entry:
    """Make a definition a draft, or active. Raises `Problem` where it has errors and shall be active."""
    known = entry(folder, name)
    text = _text(known.path)
    if status == "active":
        _checked(folder, text, known.path.name)
    _replace(known.path, with_status(text, status))
    return entry(folder, name)


def delete(folder: Path, name: str) -> Path:
    """Delete a definition. Raises `Problem` where another one of the folder refers to it."""
    known = entry(folder, name)
    users = [one.name for one in entries(folder) if one.name != name and _refers(one, known)]
    if users:
        message, remedy = folder_words.referred_to(name, users), folder_words.USED_REMEDY
        raise Problem(message, code=ExitCode.USAGE, slug="definition-in-use", remedy=remedy)
    known.path.unlink(missing_ok=True)
    return known.path


def with_status(text: str, status: State) -> str:
    """Return a definition's text that says it is a draft, or active; nothing else of it is changed."""
    root = read(text, "definition.yaml").root
    if not isinstance(root, MappingNode) or not root.entries:
        return text
    known = root.get("status")
    if known is not None:
        return _replaced(text, known.span, f'"{status}"' if root.is_flow else status)
    first = next(iter(root.entries.values())).key.span
    added = f'"status": "{status}", ' if root.is_flow else f"status: {status}\n"
    return _replaced(text, Span(first.line, first.column, first.line, first.column), added)


def _replaced(text: str, span: Span, new: str) -> str:
    lines = text.splitlines(keepends=True)
    start = sum(len(line) for line in lines[: span.line - 1]) + span.column - 1
    end = sum(len(line) for line in lines[: span.end_line - 1]) + span.end_column - 1
    return text[:start] + new + text[end:]


def _whole(folder: Path, path: Path) -> Whole:
    try:
        found = read_file(path, os.path.normpath(path))
    except NotFound as error:
        raise Problem(error.message, code=ExitCode.USAGE, slug="unreadable") from error
    return load_whole(found, Files(folder, Names(folder), is_bounded=True), key=path.name)


def _checked(folder: Path, text: str, file: str) -> Definition:
    """Return the definition of a text as it would stand in the folder. Raises `Problem`; findings are shown."""
    whole = load_whole(Found(text, file), Files(folder, Names(folder), is_bounded=True), key=file)
    show_diagnostics(whole.diagnostics, whole.sources)
    if whole.loaded.definition is None or has_errors(whole.diagnostics):
        errors = sum(1 for finding in whole.diagnostics if finding.severity == "error")
        message = definition_words.invalid_definition([file], errors)
        raise Problem(message, code=ExitCode.INVALID, slug="not-valid", remedy=folder_words.AS_IN_THE_FOLDER)
    return whole.loaded.definition


def _refers(one: Entry, target: Entry) -> bool:
    definition = one.definition
    if definition is None:
        return False
    named = {step.definition for step in all_steps(definition.steps) if isinstance(step, WorkflowStep)}
    return any(reference == target.name or os.path.basename(reference) == target.path.name for reference in named)


def _id(one: Entry) -> str | None:
    return None if one.definition is None else one.definition.id


def _text(path: Path) -> str:
    try:
        content = read_file(path, str(path)).text
        return content.decode() if isinstance(content, bytes) else content
    except NotFound as error:
        raise Problem(error.message, code=ExitCode.USAGE, slug="no-such-file") from error
    except UnicodeDecodeError as error:
        raise Problem(
            file_words.unreadable(path, "it is not UTF-8"), code=ExitCode.INVALID, slug="unreadable"
        ) from error


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there; of two who do so at once, one is refused. Raises `Problem`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise Problem(
            folder_words.taken_definition(path.stem, str(path)), code=ExitCode.USAGE, slug="taken-id"
        ) from error
    except OSError as error:
        raise Problem(file_words.unwritable(path, error.strerror or str(error)), slug="unwritable") from error


def _replace(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise Problem(file_words.unwritable(path, error.strerror or str(error)), slug="unwritable") from error
