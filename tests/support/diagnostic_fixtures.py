"""The fixtures of diagnostic codes: what each one loads, and the text that comes of it."""

import json
from pathlib import Path

from definitions.codes import CODES, SECTIONS
from definitions.diagnostics import Diagnostic
from definitions.inputs import check_inputs
from definitions.loader import load
from definitions.rendering import render_text
from tests.support.run_fixtures import failure_of

EVALUATION = [code.slug for code in SECTIONS["evaluation"].codes]
"""Codes that only a run meets."""
LOADED = [code.slug for name in ("definition", "lint", "inputs") if name in SECTIONS for code in SECTIONS[name].codes]
"""Codes that loading a definition meets, or checking the inputs given to it."""
FOLDER = Path(__file__).parents[1] / "definitions/diagnostics"


def _too_large() -> str:
    return "# " + "x" * (1 << 20)


def _too_deep() -> str:
    return "name: deep\nmetadata: " + "[" * 60 + "]" * 60 + "\n"


def _too_many() -> str:
    return "name: many\nmetadata:\n  list: [" + "0, " * 50_000 + "0]\n"


GENERATED = {"text-too-large": _too_large, "too-deep": _too_deep, "too-many-nodes": _too_many}
"""Texts that are too big to be kept."""


def findings_of(slug: str) -> tuple[list[Diagnostic], str]:
    """Return the findings that a code's fixture gives, and the source they point into."""
    text = GENERATED[slug]() if slug in GENERATED else (FOLDER / f"{slug}.yaml").read_bytes()
    loaded = load(text, "release.yaml", with_lint=CODES[slug].severity == "lint")
    findings = list(loaded.diagnostics)
    given = FOLDER / f"{slug}.json"
    if given.exists() and loaded.definition:
        findings += check_inputs(loaded.definition, json.loads(given.read_text(encoding="utf-8")))[1]
    return findings, loaded.source


def rendered(slug: str) -> str:
    """Return the text that a code's fixture gives."""
    if slug in EVALUATION:
        return failure_of(slug, FOLDER)[1]
    findings, source = findings_of(slug)
    return render_text(findings, {"release.yaml": source}, color=False)
