"""The fixtures of diagnostic codes: what each one loads, and the text that comes of it."""

import contextlib
import json
import tempfile
from collections.abc import Generator
from pathlib import Path

from definitions.codes import CODES, SECTIONS
from definitions.diagnostics import Diagnostic
from definitions.finders import Texts
from definitions.inputs import check_inputs
from definitions.library import Found, load_whole
from definitions.loader import load
from definitions.rendering import render_text
from tests.support.plugin_packages import greeting
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


@contextlib.contextmanager
def packages(slug: str) -> Generator[None]:
    """Have the packages that a code's fixture needs: two that clash, or one whose module is empty."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if slug == "plugin-clash":
            stack.enter_context(greeting(folder / "kind-words"))
            stack.enter_context(greeting(folder / "warm-words"))
        if slug == "plugin-failed":
            stack.enter_context(greeting(folder / "no-words", source=""))
        yield


def findings_of(slug: str) -> tuple[list[Diagnostic], dict[str, str]]:
    """Return the findings that a code's fixture gives, and the sources they point into.

    What it leads to stands in a folder of the code's name.
    """
    text = GENERATED[slug]() if slug in GENERATED else (FOLDER / f"{slug}.yaml").read_bytes()
    if (FOLDER / slug).is_dir():
        whole = load_whole(Found(text, "release.yaml"), Texts(_beside(FOLDER / slug)), key="release.yaml")
        return list(whole.diagnostics), dict(whole.sources)
    with packages(slug):
        loaded = load(text, "release.yaml", with_lint=CODES[slug].severity == "lint")
    findings = list(loaded.diagnostics)
    given = FOLDER / f"{slug}.json"
    if given.exists() and loaded.definition:
        findings += check_inputs(loaded.definition, json.loads(given.read_text(encoding="utf-8")))[1]
    return findings, {"release.yaml": loaded.source}


def _beside(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.yaml")}


def rendered(slug: str) -> str:
    """Return the text that a code's fixture gives."""
    if slug in EVALUATION:
        return failure_of(slug, FOLDER)[1]
    return render_text(*findings_of(slug), color=False)
