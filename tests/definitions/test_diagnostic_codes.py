"""Each code has a fixture: `diagnostics/SLUG.yaml` and the text that it gives, `diagnostics/SLUG.txt`.

`SLUG.json` beside it holds inputs that are given. `python tests/support/write_diagnostics.py` writes the texts anew;
read the difference before you keep it.
"""

import re
from pathlib import Path

import pytest

from definitions.codes import CODES, find, markdown, suggestion
from definitions.loader import load
from tests.support.diagnostic_fixtures import FOLDER, findings_of, rendered

DEFINITIONS = Path(__file__).parents[2] / "definitions"
REPORTS = re.compile(r'(?:report|_report|Diagnostic|_finding)\(\s*(?:\n\s*)?"([a-z0-9]+(?:-[a-z0-9]+)+)"')


@pytest.mark.parametrize("slug", CODES)
def test_text_is_as_expected_when_code_is_found(slug: str):
    assert rendered(slug) == (FOLDER / f"{slug}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("slug", CODES)
def test_code_is_found_when_its_fixture_is_loaded(slug: str):
    assert slug in {finding.code for finding in findings_of(slug)[0]}


def test_no_fixture_is_left_over_when_codes_are_listed():
    assert {path.stem for path in FOLDER.iterdir()} <= {*CODES}


def test_every_reported_code_has_a_page_when_the_sources_are_searched():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in DEFINITIONS.rglob("*.py"))
    reported = set(REPORTS.findall(sources))
    assert len(reported) > 20
    assert reported - {*CODES} == set()


@pytest.mark.parametrize("slug", CODES)
def test_page_has_title_and_text_when_shown(slug: str):
    page = markdown(CODES[slug])
    assert page.startswith(f"## {slug}\n\n**{CODES[slug].title}**\n\n")
    assert CODES[slug].explanation.endswith((".", ")"))


@pytest.mark.parametrize("slug", [slug for slug, code in CODES.items() if "steps:" in code.example.right])
def test_right_example_loads_when_it_is_a_whole_definition(slug: str):
    text = CODES[slug].example.right
    if text.startswith("name:"):
        assert load(text, "example.yaml").diagnostics == ()


def test_page_is_found_when_the_slug_is_known():
    assert find("unknown-step") is CODES["unknown-step"]
    assert find("nothing") is None


def test_slug_is_suggested_when_it_is_nearly_known():
    assert suggestion("unknwon-step") == "unknown-step"
    assert suggestion("zebra") is None
