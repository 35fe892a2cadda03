"""From text to a definition: everything that is wrong is found in one pass, and nothing raises on content.

    text ──yaml_guard──▶ tree with places ──spellings──▶ ──validation──▶ models ──checks──▶ Definition ──lint──▶ advice

A text that is not YAML is read on behind the mistake where that is sure (`yaml_recovery`).
`require` is for callers that cannot go on without one; `definition_digest` names a definition by content.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from definitions import allowances, checks, spellings
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


def load(text: str | bytes, file: str, *, with_lint: bool = False) -> Loaded:
    """Return the definition in `text`, and all that is wrong or doubtful about it; advice where it is asked for."""
    document, taken_out = read_on(text, file)
    findings = list(document.diagnostics)
    refused = taken_out | {finding.span[:2] for finding in findings if finding.span}
    if document.root is None:
        return Loaded(None, in_order(findings), document.source)
    if isinstance(document.root, Mapping):
        spellings.normalise(document.root)
    validated = validate(document.root, file)
    later = list(validated.diagnostics)
    context = None
    if validated.mended:
        context = checks.Context(validated.mended, document.root, document.source, file, validated.broken)
        later += checks.check(context)
    findings += [finding for finding in later if finding.span is None or finding.span[:2] not in refused]
    definition = None if has_errors(findings) else validated.definition
    is_complete = False
    if with_lint and definition and context:
        from definitions import lint  # a run is not the time for advice, so most loads do without

        advice = lint.lint(context)
        is_complete = len(advice) < lint.MOST_FINDINGS and len(findings) < checks.MOST_FINDINGS
        findings += advice
    findings = allowances.apply(findings, document.root, document.source, file, is_complete=is_complete)
    return Loaded(definition, in_order(findings), document.source)


def load_file(path: Path, *, with_lint: bool = False) -> Loaded:
    """Return what `load` makes of a file's content.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        content = stream.read(MAXIMUM_BYTES + 1)
    return load(content, str(path), with_lint=with_lint)


def require(text: str | bytes, file: str) -> Definition:
    """Return the definition in `text`.

    Raises:
        DefinitionInvalid: it has errors.
    """
    loaded = load(text, file)
    if loaded.definition is None:
        raise DefinitionInvalid([finding for finding in loaded.diagnostics if finding.severity == "error"])
    return loaded.definition


def frozen(definition: Definition) -> dict[str, object]:
    """Return the normalised form that runs are frozen with; it validates back into the same definition."""
    return definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def definition_digest(definition: Definition) -> str:
    """Return the sha256 of the definition's normalised form."""
    text = json.dumps(frozen(definition), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()
