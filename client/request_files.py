"""What is read and checked on this machine before any server is asked: definition, inputs, script.

Whatever is wrong is said with its place, and the command ends with exit code 7 (or 2, where a file does
not exist): nothing is started, no server is launched.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from client.definition_folder import folder_of, worker_folder
from client.diagnostics_output import show_diagnostics
from client.exit_codes import ExitCode
from client.messages import definition_words, file_words
from client.output import Problem
from definitions import catalog
from definitions.agent_names import LONGEST_TEXT, find, missing
from definitions.diagnostics import Diagnostic
from definitions.errors import DefinitionInvalid
from definitions.finders import Files, Names
from definitions.inputs import check_inputs, parse_assignment
from definitions.library import Found, Whole, load_whole, names_a_file
from definitions.loader import Loaded
from definitions.models import Definition
from definitions.nodes import Mapping as MappingNode
from definitions.nodes import to_value
from definitions.steps.agent import FoundNames
from definitions.suggestions import closest
from definitions.yaml_guard import MAXIMUM_BYTES, read

if TYPE_CHECKING:
    from definitions.messages import InlineDefinition


@dataclass(frozen=True, slots=True)
class Source:
    """A definition without errors, and how the start input names it."""

    definition: Definition
    whole: Whole
    """It, and all that it leads to."""
    file: str
    reference: "str | InlineDefinition"
    names: FoundNames = field(default_factory=FoundNames)
    """The agents and skills that it calls by name, as found around the workspace."""

    @property
    def loaded(self) -> Loaded:
        """The definition itself as it was loaded."""
        return self.whole.loaded


class Refused(Problem):
    """Findings were shown; this only carries the last line and the exit code."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=ExitCode.INVALID, slug="not-valid")


def load_definition(name: str, *, with_lint: bool = False) -> tuple[Whole, str]:
    """Return what DEFINITION holds with all that it leads to, and the file to name in findings.

    A name is of the folder of definitions, else of the catalog. Raises `Problem` where it is not there.
    """
    names = Names(folder_of(os.environ, Path()))
    path = Path(name) if names_a_file(name) else names.path(name)
    if path is not None:
        shown = name if names_a_file(name) else str(path)
        found = Found(_content(path), shown)
        return load_whole(found, Files(path.parent, names), key=path.name, with_lint=with_lint), shown
    try:
        text, file = catalog.read(name)
    except KeyError:
        known = [*names.of_folder(), *catalog.names()]
        remedy = definition_words.catalog_remedy(name, closest(name, known))
        message = definition_words.unknown_catalog_name(name)
        raise Problem(message, code=ExitCode.USAGE, slug="unknown-definition", remedy=remedy) from None
    finder = Files(Path(file).parent, names, is_bounded=True)
    return load_whole(Found(text, file), finder, key=Path(file).name, with_lint=with_lint), file


def require_definition(name: str) -> Source:
    """Return a definition fit to run; its findings are shown. Raises `Refused` where there are errors."""
    whole, file = load_definition(name)
    show_diagnostics(whole.diagnostics, whole.sources)
    if whole.loaded.definition is None or whole.definition is None:
        errors = sum(1 for finding in whole.diagnostics if finding.severity == "error")
        raise Refused(definition_words.invalid_definition([name], errors))
    return Source(whole.loaded.definition, whole, file, _reference(name, whole, file))


def sent_texts(whole: Whole) -> dict[str, str]:
    """Return the texts that go with a start: all but those that each worker has in its catalog."""
    return {key: text for key, text in whole.texts.items() if not _is_of_catalog(key, whole)}


def _reference(name: str, whole: Whole, file: str) -> "str | InlineDefinition":
    """Return how the start input names a definition: the worker has the catalog, and the folder that it is told of."""
    from definitions.messages import InlineDefinition  # `perdure validate` sends nothing

    is_named = not names_a_file(name)
    if is_named and (worker_folder(os.environ) is not None or file == _catalog_file(name)):
        return name
    return InlineDefinition(text=whole.loaded.source, file=file, library=sent_texts(whole))


def _is_of_catalog(key: str, whole: Whole) -> bool:
    return key in whole.others and whole.others[key].file == _catalog_file(key)


def _catalog_file(name: str) -> str | None:
    try:
        return catalog.read(name)[1]
    except KeyError:
        return None


def with_names(source: Source, workspace: Path, provider: str | None) -> Source:
    """Return a definition with what its names of agents and skills mean around `workspace`.

    Raises `Refused` where one is found nowhere and no provider is given for the whole run.
    """
    found, findings = FoundNames(), list[Diagnostic]()
    for loaded in (source.loaded, *source.whole.others.values()):
        if loaded.named and loaded.definition:
            near = names_around(loaded.definition, workspace)
            findings += missing(loaded.named, near, loaded.file, provider=provider, at_start=True)
            found = FoundNames(agents={**near.agents, **found.agents}, skills={**near.skills, **found.skills})
    _refuse_errors(findings, source.whole.sources, source.file)
    return replace(source, names=found)


def names_around(definition: Definition, folder: Path, seen: dict[str, str] | None = None) -> FoundNames:
    """Return what names of agents and skills mean in a folder, or in the git root above it.

    `seen` takes the texts that were read, by path.
    """
    inside = folder.resolve()
    root = next((place for place in (inside, *inside.parents) if (place / ".git").exists()), inside)

    def read_text(path: str) -> str | None:
        text = next((text for place in (inside, root) if (text := _small_text(place / path)) is not None), None)
        if text is not None and seen is not None:
            seen[path] = text
        return text

    return find(definition, read_text)


def _small_text(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            content = stream.read(4 * LONGEST_TEXT + 1)
    except OSError:
        return None
    return content.decode(errors="replace")


def gather_inputs(definition: Definition, assignments: Sequence[str], file: Path | None) -> dict[str, JsonValue]:
    """Return the inputs as given: those of the file, then the assignments. Raises `Refused`."""
    given, findings = _given(definition, assignments, file)
    if not findings:  # what an unreadable assignment leaves missing is not worth a finding of its own
        findings = check_inputs(definition, given)[1]
    _refuse_errors(findings, {}, "inputs")
    return given


def inputs_given_anew(
    definition: Definition, assignments: Sequence[str], file: Path | None, before: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return the inputs that are given beside those of an earlier run. Raises `Refused` where they do not fit."""
    given, findings = _given(definition, assignments, file)
    if not findings:
        known = {name: value for name, value in before.items() if name in definition.inputs}
        findings = check_inputs(definition, {**known, **given})[1]
    _refuse_errors(findings, {}, "inputs")
    return given


def _given(
    definition: Definition, assignments: Sequence[str], file: Path | None
) -> tuple[dict[str, JsonValue], list[Diagnostic]]:
    given = {} if file is None else read_mapping(file, "inputs")
    findings: list[Diagnostic] = []
    for assignment in assignments:
        try:
            name, value = parse_assignment(definition, assignment)
        except DefinitionInvalid as error:
            findings += error.diagnostics
            continue
        given[name] = value
    return given, findings


def read_mapping(path: Path, what: str) -> dict[str, JsonValue]:
    """Return the mapping that a YAML or JSON file holds. Raises `Refused`, or `Problem` where it is not there."""
    document = read(_content(path), str(path))
    _refuse_errors(document.diagnostics, {str(path): document.source}, str(path))
    if not isinstance(document.root, MappingNode):
        raise Refused(f"`{path}` holds no mapping of {what}")
    value = to_value(document.root)
    assert isinstance(value, dict)  # noqa: S101 - a mapping's value is one
    return value


def unreadable(path: Path, error: OSError) -> Problem:
    """Return the problem that a file which is named cannot be read."""
    if isinstance(error, FileNotFoundError):
        return Problem(definition_words.definition_missing(str(path)), code=ExitCode.USAGE, slug="no-such-file")
    return Problem(file_words.unreadable(path, error.strerror or str(error)), code=ExitCode.USAGE, slug="unreadable")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from error


def _refuse_errors(findings: Sequence[Diagnostic], sources: Mapping[str, str], what: str) -> None:
    errors = sum(1 for finding in findings if finding.severity == "error")
    show_diagnostics(findings, sources)
    if errors:
        raise Refused(definition_words.invalid_definition([what], errors))
