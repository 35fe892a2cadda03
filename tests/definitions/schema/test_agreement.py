"""Schema and loader say the same: what the schema refuses the loader refuses, and the loader's faults of form too.

A *fault of form* is what `definitions.validation` finds, against the models. Left to the loader are faults that
need more than one value (an unknown step), the text itself (a key twice), and whole numbers written `3.0`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from definitions import catalog
from definitions.loader import load
from definitions.nodes import Mapping, to_value
from definitions.reference import keys_table
from definitions.schema import json_schema
from definitions.shape import MODELS
from definitions.spellings import normalise
from definitions.validation import validate
from definitions.yaml_guard import read
from tests.support.editors.installing import ajv_verdicts
from tests.support.whole_definitions import WHOLE, planted

TESTS = Path(__file__).parents[2]
CORPUS = sorted(
    path
    for folder in ("definitions/diagnostics", "definitions/examples", "hostile")
    for path in (TESTS / folder).rglob("*")
    if path.suffix in (".yaml", ".yml", ".json") and ".test." not in path.name and path.stat().st_size < 100_000
)


class Verdicts(NamedTuple):
    """What the loader makes of a text."""

    loads: bool
    has_form: bool
    value: Any


def verdicts(text: str | bytes) -> Verdicts | None:
    """Return what the loader says; None where the text is not a tree, so that there is nothing to compare."""
    document = read(text, "f")
    if document.root is None or document.diagnostics:
        return None
    value = to_value(document.root)
    if isinstance(document.root, Mapping):
        normalise(document.root)
    has_form = validate(document.root, "f").definition is not None
    return Verdicts(load(text, "f").definition is not None, has_form, value)


@cache
def python() -> Any:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    return jsonschema.Draft202012Validator(json_schema())


@cache
def plantings() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{name}: {change}", value)
        for name, whole in WHOLE.items()
        for change, value in [("as it is", whole), *planted(whole)]
    ]


@pytest.mark.parametrize("name", WHOLE)
def test_definition_loads_and_fits_when_no_fault_is_planted(name: str):
    assert load(json.dumps(WHOLE[name]), "f").definition is not None
    assert [error.message for error in python().iter_errors(WHOLE[name])] == []


@pytest.mark.parametrize("name", MODELS)
def test_every_key_is_planted_in_when_the_language_has_it(name: str):
    """A new key must get its place in tests/support/whole_definitions.py."""
    written = json.dumps(WHOLE)
    keys = [line.split("`")[1] for line in keys_table(name).splitlines()[2:]]
    assert [key for key in keys if f'"{key}":' not in written] == []


@pytest.mark.npm
@pytest.mark.parametrize("draft", ["2020", "07"])
def test_schema_and_loader_agree_when_a_fault_is_planted_anywhere(draft: str):
    values = [value for _, value in plantings()]
    fits = ajv_verdicts(json_schema(), values, draft)
    wrong = list[str]()
    for (change, value), fit in zip(plantings(), fits, strict=True):
        found = planted_verdicts(json.dumps(value))
        if not fit and found.loads:
            wrong.append(f"the schema alone refuses {change}")
        if fit and not found.has_form:
            wrong.append(f"the loader alone refuses {change}")
    assert wrong == []
    assert len(values) > 6000
    assert 1000 < sum(fits) < len(fits) - 1000


@cache
def planted_verdicts(text: str) -> Verdicts:
    found = verdicts(text)
    assert found is not None
    return found


@pytest.mark.npm
def test_python_and_javascript_agree_when_they_read_the_schema():
    some = [value for _, value in plantings()[::10]]
    assert [python().is_valid(value) for value in some] == ajv_verdicts(json_schema(), some, "2020")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_schema_and_loader_agree_when_a_file_of_the_corpus_is_read(path: Path):
    found = verdicts(path.read_bytes())
    if found is None:
        return
    fits = python().is_valid(found.value)
    assert fits or not found.loads
    assert found.has_form or not fits


@pytest.mark.parametrize("name", catalog.names())
def test_catalog_fits_when_read(name: str):
    found = verdicts(catalog.read(name)[0])
    assert found is not None
    assert [error.message for error in python().iter_errors(found.value)] == []


@pytest.mark.parametrize("name", ["日本", "-_-", "", "Äpfel", "K", "İ", "Raise coverage"])
def test_name_gives_an_id_for_both_when_there_is_none(name: str):
    found = planted_verdicts(json.dumps({"name": name, "steps": WHOLE["wait"]["steps"]}))
    assert python().is_valid(found.value) == found.has_form


def test_whole_numbers_with_a_point_are_the_loaders_alone():
    found = planted_verdicts(json.dumps({"name": "x", "steps": [{**WHOLE["shell"]["steps"][0], "exit_codes": [5.0]}]}))
    assert (python().is_valid(found.value), found.has_form) == (True, False)
