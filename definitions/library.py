"""The other definitions that `workflow` steps run: how they are named, where they are, all that is wrong with them.

    ./lint.yaml         a file, relative to the file that says so; below, `..` is allowed where the finder allows it
    fix-typing-errors   a name: of the worker's folder of definitions, else of the catalog

Inside a run each has one *key*: its path relative to the first definition's folder, or its name. `load_whole` loads a
definition with everything it leads to, each once, and links the steps to keys. A definition that leads back to
itself, or deeper than `DEEPEST`, is refused with each place. What the finders read is text; nothing is executed.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Protocol, runtime_checkable

from definitions import checks
from definitions.diagnostics import Diagnostic, Span, has_errors, in_order
from definitions.loader import Loaded, definition_digest, load
from definitions.models import Definition
from definitions.nodes import Path
from definitions.publishers import published_names, unknown_artifacts
from definitions.steps import Step, WorkflowStep, all_steps, lists_of

FILE_SUFFIXES = (".yaml", ".yml", ".json")
DEEPEST = 8
"""Definitions inside each other, the first not counted."""
MOST_DEFINITIONS = 100
MOST_SIBLINGS = 500
"""How many definitions of a folder are looked through for who publishes an artifact."""
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Found:
    """The text of a definition, and the file that findings name."""

    text: str | bytes
    file: str


class NotFound(Exception):
    """A reference leads to nothing that can be read. `help` is the way out."""

    def __init__(self, message: str, help_: str | None = None) -> None:
        self.message = message
        self.help = help_
        super().__init__(message)


@runtime_checkable
class Siblings(Protocol):
    """A finder that can tell what else stands where it looks."""

    def siblings(self) -> Iterator[Found]:
        """Yield the texts of the definitions that it has, as far as they can be read."""
        ...


class Finder(Protocol):
    """Where definitions are: files of this machine, the texts that came with a start, names."""

    def __call__(self, key: str) -> Found:
        """Return what a key leads to. Raises `NotFound`."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A definition with all that it leads to."""

    loaded: Loaded
    """The definition itself, as it was written."""
    definition: Definition | None
    """The same with its steps linked; None where anything has errors."""
    library: Mapping[str, Definition]
    """The others, linked, by key."""
    diagnostics: tuple[Diagnostic, ...]
    """Of all files, the first one's first."""
    sources: Mapping[str, str]
    """Texts that the findings point into, by file."""
    texts: Mapping[str, str]
    """The texts of the others, and of files beside them that they look at, by key."""
    others: Mapping[str, Loaded]
    """The others as they were loaded, by key."""

    @property
    def digest(self) -> str:
        """The name of the content of them all. Raises AssertionError where there are errors."""
        assert self.definition is not None  # noqa: S101 - the caller's mistake
        return library_digest(self.definition, self.library)


def names_a_file(reference: str) -> bool:
    """Whether a reference means a file, and not a name."""
    return "/" in reference or "\\" in reference or reference.endswith(FILE_SUFFIXES)


def may_be_a_name(name: str) -> bool:
    """Whether a text, given by a stranger, can be looked for as a name, and nowhere but where names are."""
    is_short = 0 < len(name) <= _LONGEST_NAME
    return is_short and name.isprintable() and not name.startswith(".") and not set(name) & set("/\\")


def key_of(reference: str, referrer: str) -> str:
    """Return the key that a reference in the definition `referrer` (a key too) stands for. Raises `NotFound`."""
    if not names_a_file(reference):
        if not may_be_a_name(reference) or "{{" in reference:
            raise NotFound(
                f"`{_cut(reference)}` names no definition", "write a name or a path; it is fixed at the start"
            )
        return reference
    if not reference.endswith(FILE_SUFFIXES):
        raise NotFound(f"`{_cut(reference)}` is not a file of a definition", "such files end in .yaml, .yml or .json")
    if reference.startswith(("/", "~")) or re.search(r"[\\:\x00-\x1f\x7f]|\{\{", reference):
        raise NotFound(f"the path `{_cut(reference)}` cannot be used", "write it relative to this file, with `/`")
    if not names_a_file(referrer):
        raise NotFound(
            f"`{_cut(reference)}` is a file, and `{referrer}`, which refers to it, was found by its name",
            "a definition that is found by its name refers to others by their names",
        )
    return posixpath.normpath(posixpath.join(posixpath.dirname(referrer), reference))


def load_whole(root: Found, finder: Finder, *, key: str, with_lint: bool = False) -> Whole:
    """Return a definition with all that it leads to, and everything that is wrong with any of them.

    Args:
        root: The definition to begin with.
        finder: Where the others are.
        key: The first one's own key: its file's name.
        with_lint: Whether advice about the first one is wanted.
    """
    loading = _Loading(finder)
    loading.sources[root.file] = ""
    loaded = loading.load(key, root, (), with_lint=with_lint)
    inner = [finding for findings in loading.findings.values() for finding in findings]
    diagnostics = (*loaded.diagnostics, *in_order([*inner, *loading.along_cycles]))
    diagnostics = tuple(dict.fromkeys(diagnostics))
    definition = None
    if loaded.definition is not None and not has_errors(diagnostics):
        definition = linked(loaded.definition, key)
    library = {name: linked(one, name) for name, one in loading.definitions.items() if one is not None}
    return Whole(loaded, definition, library, diagnostics, loading.sources, loading.texts, loading.loaded)


def linked(definition: Definition, key: str) -> Definition:
    """Return a definition whose `workflow` steps name keys."""
    if not any(isinstance(step, WorkflowStep) for step in all_steps(definition.steps)):
        return definition
    return definition.model_copy(update={"steps": [_linked(step, key) for step in definition.steps]})


def library_digest(definition: Definition, library: Mapping[str, Definition]) -> str:
    """Return the sha256 of a definition and all that it leads to; without others it is the definition's own."""
    if not library:
        return definition_digest(definition)
    parts = {key: definition_digest(one) for key, one in library.items()}
    text = json.dumps({"definition": definition_digest(definition), "library": parts}, sort_keys=True)
    return sha256(text.encode()).hexdigest()


def reached(definition: Definition, library: Mapping[str, Definition], *, with_detached: bool = True) -> frozenset[str]:
    """Return the keys of what a linked definition leads to; without detached runs, what its own run interprets."""
    found: set[str] = set()
    waiting = [definition]
    while waiting:
        for step in all_steps(waiting.pop().steps):
            if not isinstance(step, WorkflowStep) or (step.detach and not with_detached):
                continue
            if step.definition not in found:
                found.add(step.definition)
                waiting.append(library[step.definition])
    return frozenset(found)


def has_detached(definitions: Mapping[str, Definition]) -> bool:
    """Whether a step of one of these starts a run of its own."""
    steps = (step for definition in definitions.values() for step in all_steps(definition.steps))
    return any(isinstance(step, WorkflowStep) and step.detach for step in steps)


# --- loading ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Edge:
    """A place that leads from one definition to another."""

    referrer: str
    file: str
    span: Span
    target: str


@dataclass(slots=True)
class _Loading:
    """One definition while it is loaded with all that it leads to."""

    finder: Finder
    definitions: dict[str, Definition | None] = field(default_factory=dict[str, Definition | None])
    heights: dict[str, int] = field(default_factory=dict[str, int])
    """How many definitions are inside each other in one that is loaded, itself counted."""
    findings: dict[str, list[Diagnostic]] = field(default_factory=dict[str, list[Diagnostic]])
    along_cycles: list[Diagnostic] = field(default_factory=list[Diagnostic])
    sources: dict[str, str] = field(default_factory=dict[str, str])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    loaded: dict[str, Loaded] = field(default_factory=dict[str, Loaded])

    def load(self, key: str, found: Found, chain: tuple[_Edge, ...], *, with_lint: bool = False) -> Loaded:
        """Load one definition, and first all that it leads to, so that its checks know them."""
        height = 1

        def refer(context: checks.Context) -> tuple[dict[str, Definition], list[Diagnostic]]:
            nonlocal height
            known: dict[str, Definition] = {}
            findings: list[Diagnostic] = []
            for path, step in _workflow_steps(context):
                edge = _Edge(key, found.file, context.span(path), step.definition)
                try:
                    target = self._target(edge, chain)
                except NotFound as error:
                    findings.append(context.report("unknown-definition", error.message, edge.span, error.help))
                    continue
                except _Refused as refusal:
                    findings += refusal.findings
                    continue
                height = max(height, 1 + self.heights[target])
                definition = self.definitions[target]
                if definition is not None:
                    known[step.definition] = definition
                    findings += _doubts(context, edge, step, definition)
            findings += unknown_artifacts(context, known, self._published_beside)
            return known, findings

        def beside(name: str) -> str | None:
            return self._beside(key, name)

        loaded = load(found.text, found.file, with_lint=with_lint, refer=refer, beside=beside)
        self.sources[found.file] = loaded.source
        self.heights[key] = height
        return loaded

    def _published_beside(self) -> Iterator[str]:
        """Yield the names of artifacts that definitions publish which stand beside these ones."""
        if not isinstance(self.finder, Siblings):
            return
        for found in islice(self.finder.siblings(), MOST_SIBLINGS):
            text = found.text if isinstance(found.text, bytes) else found.text.encode("utf-8", "replace")
            if b"publish" not in text:
                continue
            definition = load(found.text, found.file).definition
            if definition is not None:
                yield from published_names(definition)

    def _beside(self, key: str, name: str) -> str | None:
        """Return the text of a file that stands beside a definition, which is part of the library then."""
        if not names_a_file(key):
            return None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(key), name))
        try:
            text = self.finder(path).text
            self.texts[path] = text.decode() if isinstance(text, bytes) else text
        except (NotFound, UnicodeDecodeError):
            return None
        return self.texts[path]

    def _target(self, edge: _Edge, chain: tuple[_Edge, ...]) -> str:
        """Return the key of what an edge leads to, loaded. Raises `NotFound`, or `_Refused` with the findings."""
        target = key_of(edge.target, edge.referrer)
        way = (*chain, edge)
        keys = [one.referrer for one in way]
        if target in keys:
            raise self._cycle(way[keys.index(target) :], target)
        if target in self.definitions:
            if len(way) + self.heights[target] - 1 > DEEPEST:
                raise _too_deep(edge)
            return target
        if len(way) > DEEPEST:
            raise _too_deep(edge)
        if len(self.definitions) >= MOST_DEFINITIONS:
            raise NotFound(
                f"a run holds at most {MOST_DEFINITIONS} other definitions", "put the steps of some of them into one"
            )
        found = self.finder(target)
        self.definitions[target] = None
        loaded = self.load(target, found, way)
        self.definitions[target] = loaded.definition
        self.findings[target] = [finding for finding in loaded.diagnostics if finding.severity != "lint"]
        self.texts[target] = loaded.source
        self.loaded[target] = loaded
        return target

    def _cycle(self, way: tuple[_Edge, ...], target: str) -> "_Refused":
        """Return the refusal of a way that leads back to where it began; each place is a finding."""
        keys = [*(edge.referrer for edge in way), target]
        shown = " → ".join(f"`{key}`" for key in keys)
        findings = [
            Diagnostic(
                "definition-cycle",
                "error",
                f"this leads back to `{edge.referrer}`: {shown}",
                edge.file,
                edge.span,
                help="take one of the steps out; to repeat work, use `loop`",
            )
            for edge in way
        ]
        self.along_cycles += findings[:-1]
        return _Refused(findings[-1:])


class _Refused(Exception):
    def __init__(self, findings: list[Diagnostic]) -> None:
        self.findings = findings
        super().__init__(findings[0].message)


def _too_deep(edge: _Edge) -> _Refused:
    message = f"definitions are more than {DEEPEST} deep inside each other here"
    help_ = "put the steps of some of them into one"
    return _Refused([Diagnostic("definitions-too-deep", "error", message, edge.file, edge.span, help=help_)])


def _doubts(context: checks.Context, edge: _Edge, step: WorkflowStep, definition: Definition) -> Iterator[Diagnostic]:
    if definition.status == "draft" and context.definition.status != "draft":
        message = f"`{definition.id}` is a draft"
        help_ = "make it `status: active` when it is done, or this one a draft too"
        yield context.report("uses-draft", message, edge.span, help_, severity="warning")
    own = "an empty workspace" if definition.workspace.source == "empty" else "the files of a repository"
    if (definition.workspace.source == "empty" or definition.workspace.git is not None) and not step.detach:
        message = f"`{definition.id}` begins with {own}, and a step of a run works on the run's files"
        yield context.report("workspace-inside", message, edge.span, "start it with `detach: true`")


def _workflow_steps(context: checks.Context) -> Iterator[tuple[Path, WorkflowStep]]:
    for placed in context.placed:
        path = (*placed.path, "definition")
        if isinstance(placed.step, WorkflowStep) and not context.is_broken(path):
            yield path, placed.step


def _linked(step: Step, key: str) -> Step:
    changes: dict[str, object] = {}
    if isinstance(step, WorkflowStep):
        changes["definition"] = key_of(step.definition, key)
    for keys, inner in lists_of(step):
        steps = [_linked(one, key) for one in inner]
        if keys == ("steps",):
            changes["steps"] = steps
        elif step.compensate is not None:
            changes["compensate"] = step.compensate.model_copy(update={"steps": steps})
    return step.model_copy(update=changes) if changes else step


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
