"""From text to a definition: everything that is wrong is found in one pass, and nothing raises on content.

    text ──yaml_guard──▶ tree with places ──dialects, spellings──▶ one shape ──validation──▶ models
         ──checks──▶ Definition ──lint──▶ advice

A text that is not YAML is read on behind the mistake where that is sure (`yaml_recovery`).
`require` is for callers that cannot go on without one; `definition_digest` names a definition by content.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from pydantic import JsonValue

from definitions import allowances, checks, dialects, plugin_steps, spellings
from definitions.agent_names import NamedUse, named_in
from definitions.diagnostics import Diagnostic, has_errors, in_order
from definitions.errors import DefinitionInvalid
from definitions.models import Definition
from definitions.nodes import Mapping
from definitions.validation import validate
from definitions.yaml_guard import MAXIMUM_BYTES
from definitions.yaml_recovery import read_on

DEFAULT_FILE = "definition.yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a text gives. `definition` is there when no diagnostic is an error; `source` is what spans count in."""

    definition: Definition | None
    diagnostics: tuple[Diagnostic, ...]
    source: str
    implicit_inputs: tuple[str, ...] = ()
    """Inputs that a text in a dialect uses and does not declare."""
    named: tuple[NamedUse, ...] = ()
    """The agents, skills and planned providers that it names, and where."""
    file: str = DEFAULT_FILE
    """The name that findings have for it."""


Referring = Callable[[checks.Context], tuple[dict[str, Definition], list[Diagnostic]]]
"""Finds the definitions that one refers to, by reference, and what is wrong with that (`definitions.library`)."""


def load(
    text: str | bytes,
    file: str,
    *,
    with_lint: bool = False,
    refer: Referring | None = None,
    beside: dialects.Beside = dialects.nothing_beside,
) -> Loaded:
    """Return the definition in `text`, and all that is wrong or doubtful about it; advice where it is asked for.

    `refer` leads to other definitions; without it nothing is said of what `workflow` steps run. `beside` gives the
    texts of files in the same folder, which the stages dialect looks at.
    """
    document, taken_out = read_on(text, file)
    findings = list(document.diagnostics)
    refused = taken_out | {finding.span[:2] for finding in findings if finding.span}
    if document.root is None:
        return Loaded(None, in_order(findings), document.source)
    dialect = None
    if isinstance(document.root, Mapping):
        dialect = dialects.normalise(document.root, file, beside)
        spellings.normalise(document.root)
        findings += plugin_steps.resolve(document.root, file)
    validated = validate(document.root, file)
    later = [*(dialect.findings if dialect else ()), *validated.diagnostics]
    context, checked = None, list[Diagnostic]()
    if validated.mended:
        context = checks.Context(validated.mended, document.root, document.source, file, validated.broken)
        if refer:
            library, found = refer(context)
            context = replace(context, library=library)
            later += found
        checked = checks.check(context)
        later += dialect.judged(checked) if dialect else checked
    findings += [finding for finding in later if finding.span is None or finding.span[:2] not in refused]
    definition = None if has_errors(findings) else validated.definition
    is_complete = False
    if with_lint and definition and context:
        from definitions import lint  # a run is not the time for advice, so most loads do without

        advice = lint.lint(context)
        is_complete = len(advice) < lint.MOST_FINDINGS and len(findings) < checks.MOST_FINDINGS
        findings += advice
    findings = allowances.apply(findings, document.root, document.source, file, is_complete=is_complete)
    if definition and dialect and context:
        definition = dialect.finished(definition, context, checked)
    return Loaded(
        definition,
        in_order(findings),
        document.source,
        dialect.implicit_inputs if dialect else (),
        tuple(named_in(context)) if context else (),
        file,
    )


def load_file(path: Path, *, with_lint: bool = False) -> Loaded:
    """Return what `load` makes of a file's content.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        content = stream.read(MAXIMUM_BYTES + 1)
    return load(content, str(path), with_lint=with_lint, beside=lambda name: text_beside(path, name))


def text_beside(path: Path, name: str) -> str | None:
    """Return the text of a file in the same folder, None where there is none that can be read."""
    try:
        with path.with_name(name).open("rb") as stream:
            return stream.read(MAXIMUM_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError):
        return None


def require(text: str | bytes, file: str) -> Definition:
    """Return the definition in `text`.

    Raises:
        DefinitionInvalid: it has errors.
    """
    loaded = load(text, file)
    if loaded.definition is None:
        raise DefinitionInvalid([finding for finding in loaded.diagnostics if finding.severity == "error"])
    return loaded.definition


def frozen(definition: Definition) -> dict[str, JsonValue]:
    """Return the normalised form that runs are frozen with; it validates back into the same definition."""
    return definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def definition_digest(definition: Definition) -> str:
    """Return the sha256 of the definition's normalised form; whether it is a draft is no part of what it does."""
    content = {key: value for key, value in frozen(definition).items() if key != "status"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()
