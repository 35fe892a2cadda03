"""Schema and loader say the same: what the schema refuses the loader refuses, and the loader's faults of form too.

A *fault of form* is what `definitions.validation` finds, against the models. Left to the loader are faults that
need more than one value (an unknown step), the text itself (a key twice), and whole numbers written `3.0`.
"""

import json
import os
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest

from definitions import catalog
from definitions.cases.loading import load_cases
from definitions.cases.models import CaseFile
from definitions.loader import load
from definitions.nodes import Mapping, Node, to_value
from definitions.reference import facts, facts_of
from definitions.schema import cases_schema, json_schema
from definitions.schema.assembling import models_of
from definitions.shape import MODELS
from definitions.spellings import normalise
from definitions.validation import validate
from definitions.yaml_guard import read
from tests.support.editors.installing import ajv_verdicts
from tests.support.whole_definitions import WHOLE, WHOLE_CASES, planted, shuffled

TESTS = Path(__file__).parents[2]
STRIDE = 1 if os.environ.get("PERDURE_LONG_TESTS") == "1" else 5
"""How many of the changes are tried: all, or a fifth, which visits every kind of value at some place."""
CORPUS = sorted(
    path
    for folder in ("definitions/diagnostics", "definitions/examples", "hostile")
    for path in (TESTS / folder).rglob("*")
    if path.suffix in (".yaml", ".yml", ".json") and ".test." not in path.name and path.stat().st_size < 100_000
)


def parsed(text: str | bytes) -> Node | None:
    """Return the tree of a text; None where it is not one, so that there is nothing to compare."""
    document = read(text, "f")
    return None if document.diagnostics else document.root


def loads(text: str | bytes) -> bool:
    return load(text, "f").definition is not None


def has_form(root: Node) -> bool:
    """Whether the loader finds no fault of form; changes the tree."""
    if isinstance(root, Mapping):
        normalise(root)
    return validate(root, "f").definition is not None


def formed(value: Any) -> bool:
    root = parsed(json.dumps(value))
    assert root is not None
    return has_form(root)


@cache
def python() -> Any:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    return jsonschema.Draft202012Validator(json_schema())


@cache
def plantings() -> list[tuple[str, dict[str, Any]]]:
    """Return each change."""
    found = [
        (f"{name}: {change}", value)
        for name, whole in WHOLE.items()
        for change, value in [("as it is", whole), *planted(whole)]
    ]
    assert len(found) > 6000
    return found[::STRIDE]


@pytest.mark.parametrize("name", WHOLE)
def test_definition_loads_and_fits_when_no_fault_is_planted(name: str):
    assert load(json.dumps(WHOLE[name]), "f").definition is not None
    assert [error.message for error in python().iter_errors(WHOLE[name])] == []


@pytest.mark.parametrize("name", MODELS)
def test_every_key_is_planted_in_when_the_language_has_it(name: str):
    """A new key must get its place in tests/support/whole_definitions.py."""
    written = json.dumps(WHOLE)
    keys = [fact.key for fact in facts(name)]
    assert [key for key in keys if f'"{key}":' not in written] == []


@pytest.mark.npm
def test_schema_and_loader_agree_when_a_fault_is_planted_anywhere():
    values = [value for _, value in plantings()]
    fits = ajv_verdicts(json_schema(), values, "2020")
    assert ajv_verdicts(json_schema(), values, "07") == fits
    wrong = differences([change for change, _ in plantings()], values, fits)
    assert wrong == []
    assert len(fits) / 5 < sum(fits) < len(fits) / 2


def differences(names: list[str], values: list[Any], fits: list[bool]) -> list[str]:
    """Return about which values schema and loader say different things."""
    found = list[str]()
    for name, value, fit in zip(names, values, fits, strict=True):
        if not fit and loads(json.dumps(value)):
            found.append(f"the schema alone refuses {name}")
        if fit and not formed(value):
            found.append(f"the loader alone refuses {name}")
    return found


@pytest.mark.npm
def test_schema_and_loader_agree_when_several_faults_are_planted():
    random = Random(4)
    values = [shuffled(random) for _ in range(2000 // STRIDE)]
    fits = ajv_verdicts(json_schema(), values, "2020")
    assert differences(list(map(json.dumps, values)), values, fits) == []
    assert 0 < sum(fits) < len(fits)


@pytest.mark.npm
def test_schema_and_loader_agree_when_a_fault_is_planted_in_a_test_file():
    found = [("as it is", WHOLE_CASES), *planted(WHOLE_CASES)][::STRIDE]
    changes, values = [change for change, _ in found], [value for _, value in found]
    fits = ajv_verdicts(cases_schema(), values, "2020")
    assert ajv_verdicts(cases_schema(), values, "07") == fits
    loaded = [load_cases(json.dumps(value), "f").cases is not None for value in values]
    different = [change for change, fit, loads in zip(changes, fits, loaded, strict=True) if fit != loads]
    moments = [change for change in different if change.startswith("cases.0.clock.start = ")]
    assert [change for change in different if change not in moments] == []
    assert (fits[0], len(fits) / 10 < sum(fits) < len(fits) / 2) == (True, True)


def test_every_key_of_test_files_is_planted_in_when_there_is_one():
    written = json.dumps(WHOLE_CASES)
    keys = [fact.key for model in models_of(CaseFile) for fact in facts_of(model)]
    assert [key for key in keys if f'"{key}":' not in written] == []


@pytest.mark.npm
def test_python_and_javascript_agree_when_they_read_the_schema():
    some = [value for _, value in plantings()[::10]]
    assert [python().is_valid(value) for value in some] == ajv_verdicts(json_schema(), some, "2020")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_schema_and_loader_agree_when_a_file_of_the_corpus_is_read(path: Path):
    root = parsed(path.read_bytes())
    if root is None:
        return
    fits = python().is_valid(to_value(root))
    assert fits or not loads(path.read_bytes())
    assert has_form(root) or not fits


@pytest.mark.parametrize("name", catalog.names())
def test_catalog_fits_when_read(name: str):
    root = parsed(catalog.read(name)[0])
    assert root is not None
    assert [error.message for error in python().iter_errors(to_value(root))] == []


@pytest.mark.parametrize("name", ["日本", "-_-", "", "Äpfel", "K", "İ", "Raise coverage"])
def test_name_gives_an_id_for_both_when_there_is_none(name: str):
    value = {"name": name, "steps": WHOLE["wait"]["steps"]}
    assert python().is_valid(value) == formed(value)


def test_whole_numbers_with_a_point_are_the_loaders_alone():
    value = {"name": "x", "steps": [{**WHOLE["shell"]["steps"][0], "exit_codes": [5.0]}]}
    assert (python().is_valid(value), formed(value)) == (True, False)
