"""Which definition a start input means, with all that it leads to; and what of it a run is frozen with.

resolve      the request -> definition and library, linked; refuses what has errors, or what the policy forbids
as_part      a definition as a step of another runs it: its `env` and cache default become its steps' own
keep, kept   the frozen definitions of a run, for the runs that it starts itself (`runs/ID/definitions.json`)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import cast

from pydantic import JsonValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.store.interface import Store
from activities.store.keys import run_key
from definitions import catalog
from definitions.diagnostics import Diagnostic
from definitions.finders import Files, Names, Texts, read_file
from definitions.library import (
    Found,
    NotFound,
    Whole,
    has_detached,
    library_digest,
    load_whole,
    reached,
)
from definitions.loader import frozen
from definitions.messages import FrozenDefinition, InlineDefinition, RunInput
from definitions.models import Definition
from definitions.parts import parts_of
from definitions.rendering import render_json, render_text
from definitions.text_guard import written

LIBRARY_LIMIT = 400_000
"""Bytes of all normalised definitions of a run: they are in its history, and in that of each continuation."""


@dataclass(frozen=True, slots=True)
class DefinitionPolicy:
    """Which definitions a worker runs."""

    folder: Path | None = None
    """Where names are looked for before the catalog."""
    allows_inline: bool = False
    """Whether a start input may carry a definition (a shell for whoever may start a workflow)."""
    allows_paths: bool = False
    """Whether a start input may name a folder of this machine as its workspace."""
    git: tuple[str, ...] = ()
    """Which repositories may be fetched as a workspace (`activities.workspace.git_sources.GitPolicy.allowed`)."""
    takes_turns: bool = True
    """Whether runs of a concurrency group go one at a time; cases of tests are each alone in their world."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A definition fit to run."""

    definition: Definition
    """Linked: its `workflow` steps name keys of the library."""
    library: Mapping[str, Definition] = field(default_factory=dict[str, Definition])
    whole: Whole | None = None
    """As it was loaded; None of one that was frozen before."""

    @property
    def digest(self) -> str:
        """The name of the content of all its definitions."""
        return library_digest(self.definition, self.library)

    @property
    def parts(self) -> dict[str, Definition]:
        """What a run interprets itself beside the first definition, by key."""
        return parts_of(self.definition, self.library)


def resolve(policy: DefinitionPolicy, store: Store, request: RunInput) -> Resolved:
    """Return what a start input means. Raises a non-retryable ApplicationError where it is not valid."""
    match request.definition:
        case FrozenDefinition() as reference:
            return _bounded(_kept(store, reference))
        case str() as name:
            whole = by_name(policy.folder, name)
        case InlineDefinition() as inline:
            _allow_inline(policy)
            key = PurePosixPath(inline.file.replace("\\", "/")).name or "definition.yaml"
            finder = Texts(inline.library, Names(policy.folder))
            whole = load_whole(Found(inline.text, inline.file), finder, key=key)
        case dict() as body:
            _allow_inline(policy)
            root = Found(written(body), "definition.json")
            whole = load_whole(root, Texts({}, Names(policy.folder)), key=root.file)
    return _bounded(_valid(whole))


def by_name(folder: Path | None, name: str) -> Whole:
    """Return the definition of a name: of the folder, else of the catalog. Raises ApplicationError."""
    names = Names(folder)
    path = names.path(name)
    if path is not None and folder is not None:
        try:
            return load_whole(read_file(path, path.name), Files(folder, names, is_bounded=True), key=path.name)
        except NotFound as error:
            raise invalid("unknown-definition", error.message) from error
    try:
        found = names(name)
    except NotFound as error:
        known = ", ".join(f"`{known}`" for known in catalog.names())
        raise invalid("unknown-definition", f"{error.message}; there are {known or 'none'}") from None
    path = Path(found.file)
    return load_whole(found, Files(path.parent, names, is_bounded=True), key=path.name)


def keep(store: Store, execution_id: str, resolved: Resolved) -> None:
    """Keep the definitions of a run that starts others. Once more is harmless."""
    if has_detached({"": resolved.definition, **resolved.library}):
        bodies = {key: frozen(one) for key, one in resolved.library.items()}
        store.write_document(run_key(execution_id, "definitions.json"), json.dumps(bodies).encode())


def kept(store: Store, execution_id: str) -> dict[str, Definition]:
    """Return the definitions that a run has for others, by key. Raises `KeyError` where it has none."""
    content = store.read_document(run_key(execution_id, "definitions.json"))
    if content is None:
        raise KeyError(execution_id)
    bodies = cast("dict[str, JsonValue]", json.loads(content))
    return {key: Definition.model_validate(body) for key, body in bodies.items()}


def refuse(findings: list[Diagnostic], sources: Mapping[str, str]) -> None:
    """Raise an ApplicationError where there are errors among the findings."""
    errors = [found for found in findings if found.severity == "error"]
    if errors:
        text = render_text(errors, sources, color=False)
        raise invalid("definition-invalid", text[:4000], render_json(errors))


def invalid(code: str, message: str, diagnostics: list[dict[str, JsonValue]] | None = None) -> ApplicationError:
    """Return the error of a request that cannot be run."""
    return ApplicationError(
        message,
        {"code": code, "diagnostics": diagnostics or []},
        type=code,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,  # the caller reads it; it is no trouble of this worker
    )


def _kept(store: Store, reference: FrozenDefinition) -> Resolved:
    try:
        library = kept(store, reference.of_run)
        definition = library[reference.key]
        return Resolved(definition, {key: library[key] for key in sorted(reached(definition, library))})
    except KeyError:
        message = f"the run `{reference.of_run}` was frozen with no definition `{reference.key}`"
        raise invalid("unknown-definition", message) from None


def _allow_inline(policy: DefinitionPolicy) -> None:
    if not policy.allows_inline:
        message = (
            "this worker takes no definition with the start input; name one of its own, "
            "or set PERDURE_DEFINITIONS=inline"
        )
        raise invalid("inline-refused", message)


def _valid(whole: Whole) -> Resolved:
    refuse([found for found in whole.diagnostics if found.severity == "error"], whole.sources)
    if whole.definition is None:
        raise invalid("definition-invalid", "the definition could not be read")
    return Resolved(whole.definition, whole.library, whole)


def _bounded(resolved: Resolved) -> Resolved:
    size = sum(len(json.dumps(frozen(one))) for one in (resolved.definition, *resolved.library.values()))
    if size > LIBRARY_LIMIT:
        message = (
            f"the definition with all that it leads to is {size} bytes long when it is normalised, and a run carries "
            f"at most {LIBRARY_LIMIT}"
        )
        raise invalid("definition-invalid", message)
    return resolved


__all__ = [
    "DefinitionPolicy",
    "Resolved",
    "by_name",
    "invalid",
    "keep",
    "kept",
    "refuse",
    "resolve",
]
