from pathlib import Path

import pytest

from definitions.codes import CODES
from definitions.loader import load
from definitions.reference import MODELS, diagnostics_page, keys_table, refresh, tables_of
from definitions.shape import STEP_BY_TYPE

DOCS = Path(__file__).parents[2] / "docs"
REMEDY = "run `python tests/support/write_docs.py`"


def language_page() -> str:
    return (DOCS / "language.md").read_text(encoding="utf-8")


def test_diagnostics_page_is_current_when_made_from_codes():
    assert (DOCS / "diagnostics.md").read_text(encoding="utf-8") == diagnostics_page(), REMEDY


def test_language_page_is_current_when_its_tables_are_made_anew():
    assert language_page() == refresh(language_page()), REMEDY


def test_every_model_has_a_table_when_the_language_page_is_read():
    assert sorted(tables_of(language_page())) == sorted(MODELS)


@pytest.mark.parametrize("kind", STEP_BY_TYPE)
def test_every_step_type_has_a_section_when_the_language_page_is_read(kind: str):
    assert f"\n### {kind}\n" in language_page()


@pytest.mark.parametrize("slug", CODES)
def test_every_code_has_a_section_when_the_diagnostics_page_is_read(slug: str):
    assert f"\n## {slug}\n" in diagnostics_page()


@pytest.mark.parametrize("name", MODELS)
def test_every_key_is_described_when_a_table_is_made(name: str):
    rows = keys_table(name).splitlines()[2:]
    assert rows or name == "artifact", "whose keys are those of any step"
    assert [row for row in rows if row.endswith("|  |")] == []


def test_stale_tables_are_replaced_when_a_page_is_refreshed():
    page = "a\n<!-- keys: wait -->\nold\n<!-- end -->\nb\n"
    assert refresh(page) == f"a\n<!-- keys: wait -->\n{keys_table('wait')}<!-- end -->\nb\n"


def step_examples() -> list[str]:
    found: list[str] = []
    for block in language_page().split("```yaml\n")[1:]:
        found.append(block.split("```")[0])
    return found


def test_examples_have_no_unknown_keys_when_the_language_page_is_read():
    for example in step_examples():
        if example.startswith("when:"):
            continue
        text = example if example.startswith("name:") else "name: example\nsteps:\n" + example
        codes = {finding.code for finding in load(text, "docs/language.md").diagnostics}
        assert codes <= {"unknown-input", "unknown-step"}, example
