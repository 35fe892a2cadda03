"""llms.txt: it is what the code says, and its examples work."""

import re
from pathlib import Path

import pytest

from client.testing import plan
from client.testing.collecting import collect
from client.testing.verdicts import judge
from definitions.cases.models import CaseFile
from definitions.errors import ErrorClass
from definitions.functions.registry import FUNCTIONS
from definitions.llms import page
from definitions.loader import load
from definitions.reference import facts, facts_of
from definitions.schema.assembling import models_of
from definitions.shape import MODELS

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    block.partition("\n")[0].removeprefix("# "): block
    for block in re.findall(r"^```yaml\n(.*?)^```", page(), re.DOTALL | re.MULTILINE)
}
TESTS = [name for name in EXAMPLES if name.endswith(".test.yaml")]


def test_the_repository_has_the_page_as_it_is_made():
    remedy = "run `python tests/support/write_docs.py`"
    assert (ROOT / "llms.txt").read_text(encoding="utf-8") == page(), remedy


def test_the_page_is_printed_by_a_command(cli):
    assert cli("schema", "--llms").out == page()


def test_every_definition_has_its_tests_when_the_page_is_read():
    assert len(TESTS) >= 2
    assert {name.replace(".test.", ".") for name in TESTS} == EXAMPLES.keys() - set(TESTS)


@pytest.mark.parametrize("name", EXAMPLES.keys() - set(TESTS))
def test_example_loads_without_any_finding(name: str):
    assert load(EXAMPLES[name], name).diagnostics == ()


@pytest.mark.parametrize("name", TESTS)
async def test_example_does_what_its_cases_say(name: str, tmp_path: Path):
    for other, text in EXAMPLES.items():
        (tmp_path / other).write_text(text, encoding="utf-8")
    found = collect(tmp_path / name)
    assert found.diagnostics == ()
    assert found.cases is not None
    assert found.subject is not None
    async with plan.opened() as play:
        for case in found.cases.cases:
            assert judge(case, await play(case, found.subject)) == (), case.name


@pytest.mark.parametrize("name", MODELS)
def test_every_key_is_on_the_page(name: str):
    assert [fact.key for fact in facts(name) if f"\n- `{fact.key}` (" not in page()] == []


def test_every_key_of_test_files_is_on_the_page():
    models = [model for model in models_of(CaseFile) if model.__name__ != "Clock"]
    assert [fact.key for model in models for fact in facts_of(model) if f"\n- `{fact.key}` (" not in page()] == []


def test_every_function_and_class_of_failure_is_on_the_page():
    assert [name for name, one in FUNCTIONS.items() if f"\n- `{one.signature}`: " not in page()] == []
    assert [str(one) for one in ErrorClass if f"`{one}`" not in page()] == []


def test_no_place_is_left_unfilled_and_no_link_leads_nowhere():
    assert not re.search(r"\{(keys|functions|classes|lint|planned)\b", page())
    assert not re.search(r"\]\(#", page())
