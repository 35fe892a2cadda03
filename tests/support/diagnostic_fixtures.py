"""The fixtures of diagnostic codes: what each one loads, and the text that comes of it."""

import json
from pathlib import Path

from definitions.diagnostics import Diagnostic
from definitions.inputs import check_inputs
from definitions.loader import load
from definitions.rendering import render_text

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
    loaded = load(text, "release.yaml")
    findings = list(loaded.diagnostics)
    given = FOLDER / f"{slug}.json"
    if given.exists() and loaded.definition:
        findings += check_inputs(loaded.definition, json.loads(given.read_text(encoding="utf-8")))[1]
    return findings, loaded.source


def rendered(slug: str) -> str:
    """Return the text that a code's fixture gives."""
    findings, source = findings_of(slug)
    return render_text(findings, {"release.yaml": source}, color=False)
