"""What editors get beside verdicts: texts, defaults, examples, snippets, the words of closed sets."""

import json
import re
from typing import Any, cast

import jsonschema
import pytest

from definitions.cases.loading import load_cases
from definitions.loader import load
from definitions.schema import cases_schema, json_schema
from definitions.schema.assembling import everywhere, models_of
from definitions.schema.hints import CASES_SNIPPET, DEFINITION_SNIPPET, EXAMPLES, OLDER, STEP_SNIPPETS, WORDS
from definitions.shape import MODELS, STEP_BY_TYPE

NOT_IN_DRAFT_07 = ("unevaluated", "dependent", "prefixItems", "$dynamic", "minContains", "maxContains")


def filled(snippet: Any) -> Any:
    """Return a snippet as an editor inserts it when nobody types anything."""
    return json.loads(re.sub(r"\$\{\d+:([^}]*)\}", r"\1", json.dumps(snippet)))


def schemas(whole: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for schema in (whole, *whole.get("$defs", {}).values()) for one in everywhere(schema)]


def keys_with_schemas(whole: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [item for one in schemas(whole) for item in cast("dict[str, Any]", one.get("properties", {})).items()]
    return [(key, one) for key, one in found if isinstance(one, dict)]


@pytest.fixture(params=[json_schema, cases_schema])
def whole(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param()


def test_every_key_has_a_text_when_an_editor_asks(whole: dict[str, Any]):
    assert [key for key, one in keys_with_schemas(whole) if "markdownDescription" not in one] == []


def test_schema_means_the_same_under_draft_07(whole: dict[str, Any]):
    for one in schemas(whole):
        assert not [key for key in one if key.startswith(NOT_IN_DRAFT_07)]
        assert list(one) == ["$ref"] or "$ref" not in one


def test_nothing_is_null_by_default_when_an_editor_completes(whole: dict[str, Any]):
    assert [one for one in schemas(whole) if one.get("default", "") in (None, {}, [])] == []


def test_words_are_explained_when_there_is_a_table():
    explained = {
        key: one
        for key, one in [*keys_with_schemas(json_schema()), *keys_with_schemas(cases_schema())]
        if "enumDescriptions" in one
    }
    assert {*WORDS, "type"} == explained.keys()
    for key, one in explained.items():
        assert len(one["enum"]) == len(one["enumDescriptions"])
        assert [
            word for word, text in zip(one["enum"], one["enumDescriptions"], strict=True) if not text and word
        ] == [], key


def test_default_is_told_when_there_is_one():
    texts = {key: one["markdownDescription"] for key, one in keys_with_schemas(json_schema())}
    assert texts["on_failure"].endswith("\n\nDefault: `stop`")
    assert texts["allow_self"].endswith("\n\nDefault: `true`")
    assert texts["initial_interval"].endswith("\n\nDefault: `1s`")


@pytest.mark.parametrize("owner", [*EXAMPLES, *OLDER], ids=lambda owner: f"{owner[0].__name__}.{owner[1]}")
def test_hint_is_about_a_key_that_exists(owner: tuple[Any, str]):
    model, key = owner
    assert key in {field.alias or name for name, field in model.model_fields.items()}
    assert f'"{key}"' in json.dumps([json_schema(), cases_schema()])


def test_examples_fit_when_taken_over(whole: dict[str, Any]):
    for one in schemas(whole):
        for example in one.get("examples", []):
            jsonschema.Draft202012Validator(one).validate(example)


def test_older_spellings_are_marked_when_written():
    marked = {key for key, one in keys_with_schemas(json_schema()) if "deprecated" in one}
    assert marked == {"use_cache", "cache_key", "inputs"}


def test_every_step_type_has_a_snippet_that_loads():
    assert STEP_SNIPPETS.keys() == STEP_BY_TYPE.keys()
    steps = [filled(snippet) for snippet in STEP_SNIPPETS.values()]
    loaded = load(json.dumps({"name": "x", "steps": steps}), "f")
    assert [finding.message for finding in loaded.diagnostics if finding.severity == "error"] == []


def test_snippets_of_whole_files_load():
    assert load(json.dumps(filled(DEFINITION_SNIPPET)), "f").definition is not None
    assert load_cases(json.dumps(filled(CASES_SNIPPET)), "f.test.yaml").cases is not None


def test_every_model_is_reached_when_the_schema_is_made():
    reached = {model for root in (MODELS["definition"], *STEP_BY_TYPE.values()) for model in models_of(root)}
    assert {model for name, model in MODELS.items() if name != "step"} <= reached
