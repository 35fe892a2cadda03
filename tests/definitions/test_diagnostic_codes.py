"""Each code of a definition has a fixture: `diagnostics/SLUG.yaml` and the text that it gives, `diagnostics/SLUG.txt`.

`SLUG.json` beside it holds inputs that are given. Codes that only a run meets have the same: what the run fails with.
`python tests/support/write_diagnostics.py` writes the texts anew; read the difference before you keep it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from definitions.codes import CODES, SECTIONS, find, markdown, suggestion
from definitions.errors import ErrorClass
from definitions.loader import load
from tests.support.diagnostic_fixtures import EVALUATION, FOLDER, LOADED, findings_of, rendered
from tests.support.run_fixtures import failure_of

ROOT = Path(__file__).parents[2]
ROOMS = ("definitions", "workflows", "activities", "worker", "client")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RAISED = {
    "Diagnostic": (0, "code"),
    "ExpressionError": (0, "code"),
    "Problem": (None, "slug"),
    "Refusal": (0, "code"),
    "invalid": (0, "code"),
    "report": (0, "code"),
    "_report": (0, "code"),
    "_finding": (0, "code"),
    "complain": (None, "slug"),
    "ApplicationError": (None, "type"),
    "Finding": (0, "code"),
}
"""What says a code: the position of the argument that is the code, and its name."""


def said_codes(source: str) -> Iterator[tuple[str, int]]:
    """Yield every code that a source names where it says something, with the line."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        position, keyword = RAISED.get(name, (None, ""))
        candidates = [one.value for one in node.keywords if one.arg == keyword]
        if position is not None and len(node.args) > position:
            candidates.append(node.args[position])
        for candidate in candidates:
            for leaf in _choices(candidate):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and SLUG.fullmatch(leaf.value):
                    yield leaf.value, node.lineno


def _choices(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from _choices(node.body)
        yield from _choices(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _choices(value)
    else:
        yield node


def sources() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("slug", [*LOADED, *EVALUATION])
def test_text_is_as_expected_when_code_is_found(slug: str):
    assert rendered(slug) == (FOLDER / f"{slug}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("slug", LOADED)
def test_code_is_found_when_its_fixture_is_loaded(slug: str):
    assert slug in {finding.code for finding in findings_of(slug)[0]}


@pytest.mark.parametrize("slug", EVALUATION)
def test_run_fails_with_the_code_when_its_fixture_is_played(slug: str):
    assert failure_of(slug, FOLDER)[0] == slug


def test_no_fixture_is_left_over_when_codes_are_listed():
    assert {path.stem for path in FOLDER.iterdir()} == {*LOADED, *EVALUATION}


def test_every_said_code_has_a_page_when_the_sources_are_searched():
    unknown = [
        f"{path.relative_to(ROOT)}:{line} {slug}"
        for path in sources()
        for slug, line in said_codes(path.read_text(encoding="utf-8"))
        if slug not in CODES
    ]
    assert unknown == []


def test_every_page_is_of_something_that_is_said_when_the_sources_are_searched():
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources() if path.parent.name != "codes")
    assert [slug for slug in CODES if f'"{slug}"' not in text] == []


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ('raise ExpressionError("no-such-thing", "…", 0)', ["no-such-thing"]),
        ('raise errors.ExpressionError(code="x-y", message="…")', ["x-y"]),
        ('yield context.report("a-b" if one else "c-d", "…", span)', ["a-b", "c-d"]),
        ('Problem("…", slug=getattr(cause, "type", None) or "refused")', ["refused"]),
        ("Problem(message, slug=slug)", []),
        ('print("unknown-thing")', []),
    ],
)
def test_codes_are_seen_when_a_source_says_them(source: str, codes: list[str]):
    assert [slug for slug, _ in said_codes(source)] == codes


def test_every_class_of_failure_has_a_page_when_the_classes_are_listed():
    assert [code.slug for code in SECTIONS["failures"].codes] == [*ErrorClass]


def test_slugs_are_unique_when_the_sections_are_put_together():
    slugs = [code.slug for section in SECTIONS.values() for code in section.codes]
    assert len(slugs) == len({*slugs})
    assert [slug for slug in slugs if not SLUG.fullmatch(slug)] == []


@pytest.mark.parametrize("slug", CODES)
def test_page_has_title_and_text_when_shown(slug: str):
    page = markdown(CODES[slug])
    assert page.startswith(f"## {slug}\n\n**{CODES[slug].title}**\n\n")
    assert CODES[slug].explanation.endswith((".", ")"))
    assert not CODES[slug].title.endswith(".")


@pytest.mark.parametrize("slug", [slug for slug, code in CODES.items() if "steps:" in code.example.right])
def test_right_example_loads_when_it_is_a_whole_definition(slug: str):
    text = CODES[slug].example.right
    if text.startswith("name:"):
        assert load(text, "example.yaml").definition is not None


def test_page_is_found_when_the_slug_is_known():
    assert find("unknown-step") is CODES["unknown-step"]
    assert find("nothing") is None


def test_slug_is_suggested_when_it_is_nearly_known():
    assert suggestion("unknwon-step") == "unknown-step"
    assert suggestion("zebra") is None
