"""Expressions over files and stored values, as the workflow asks for them."""

import json
from pathlib import Path

import pytest

from activities.evaluate import evaluate
from activities.store.interface import Store, StoreError
from activities.store.opening import open_store
from activities.workspace.manifest import Entry, manifest_of, save_manifest
from definitions.errors import ErrorClass, StepFailure
from definitions.records import EvaluateCall, RunHandle
from definitions.stored_values import is_value_reference, value_reference

RUN = RunHandle(execution_id="run-1", definition_id="d", context="0" * 64)
LCOV = b"SF:src/a.py\nDA:1,1\nDA:2,0\nend_of_record\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def call(store: Store, **fields: object) -> EvaluateCall:
    manifest = manifest_of([Entry("lcov.info", "f", store.write_blob(LCOV), len(LCOV))])
    return EvaluateCall.model_validate({"run": RUN, "path": "check", "tree": save_manifest(store, manifest), **fields})


async def test_templates_and_conditions_read_files(store: Store) -> None:
    result = await evaluate(
        store,
        call(
            store,
            expressions={
                "condition": 'parse_coverage("lcov.info").file("a.py").line_coverage >= {{ inputs.least }}',
                "message": 'covered: {{ parse_coverage("lcov.info").line_coverage }} %',
                "values": {"number": '{{ parse_coverage("lcov.info").lines_total }}', "plain": [1, "x"]},
            },
            conditions=["condition"],
            values={"inputs": {"least": 50}},
        ),
    )
    assert result.values == {
        "condition": True,
        "message": "covered: 50.0 %",
        "values": {"number": 2, "plain": [1, "x"]},
    }


async def test_stored_values_are_looked_into(store: Store) -> None:
    content = json.dumps({"items": [1, 2, 3]}).encode()
    stored = value_reference(store.write_blob(content), len(content))
    scope = {"steps": {"list": {"outputs": {"big": stored}}}}
    asked = call(store, expressions={"x": "{{ steps.list.outputs.big.items[1] }}"}, values=scope)
    assert (await evaluate(store, asked)).values == {"x": 2}


async def test_a_big_result_is_a_reference(store: Store) -> None:
    values = {"inputs": {"text": "x" * 5000}}
    result = await evaluate(store, call(store, expressions={"x": "{{ upper(inputs.text) }}"}, values=values))
    found = result.values["x"]
    assert is_value_reference(found)
    assert json.loads(store.read_blob(str(found["$value"]))) == "X" * 5000


@pytest.mark.parametrize(
    ("expression", "code", "message"),
    [
        ('read_json("nowhere.json").a', "no-such-file", "there is no file `nowhere.json` in the workspace"),
        ('read_json("lcov.info").a', "unfit-file", "`lcov.info`: not JSON"),
        ('read_text("lcov.info")', "condition-not-boolean", "the condition gives a string"),
    ],
)
async def test_a_failing_expression_says_which_and_why(store: Store, expression: str, code: str, message: str) -> None:
    with pytest.raises(StepFailure) as caught:
        await evaluate(store, call(store, expressions={"condition": expression}, conditions=["condition"]))
    assert caught.value.error_class == ErrorClass.EXPRESSION
    assert message in caught.value.message
    assert (caught.value.details["code"], caught.value.details["expression"]) == (code, "condition")


async def test_no_file_is_found_when_the_run_has_no_workspace(store: Store) -> None:
    asked = call(store, expressions={"x": '{{ file_exists("lcov.info") }}'}, tree=None)
    assert (await evaluate(store, asked)).values == {"x": False}


async def test_a_lost_tree_is_the_stores_fault(store: Store) -> None:
    with pytest.raises(StoreError):
        await evaluate(store, call(store, expressions={}, tree="0" * 64))
