import pytest

from definitions.models import Definition, Input
from definitions.nodes import find, to_value
from definitions.shape import keys_of, model_at, places_of
from definitions.steps import ShellStep
from definitions.steps.base import CachePolicy, Retry, StepBase
from definitions.yaml_guard import read

ROOT = read(
    "inputs: {a: {}}\nsteps: [{type: shell, retry: {}}, {type: group, steps: [{type: shell}]}, {type: odd}]\n", "f"
).root


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ((), Definition),
        (("inputs",), None),
        (("inputs", "a"), Input),
        (("inputs", "a", "b"), None),
        (("inputs", "a", "b", "c"), None),
        (("steps", 0), ShellStep),
        (("steps", 0, "retry"), Retry),
        (("steps", 0, "cache"), CachePolicy),
        (("steps", 0, "nothing"), None),
        (("steps", 1, "steps", 0), ShellStep),
        (("steps", 2), None),
        (("steps", 2, "retry"), None),
    ],
)
def test_model_is_known_when_a_path_is_given(path: tuple[str | int, ...], model: type | None):
    assert ROOT is not None
    assert model_at(ROOT, path) is model


def test_aliases_are_keys_when_a_model_has_them():
    assert ROOT is not None
    assert keys_of(model_at(ROOT, ("workspace",))) == ["from", "git", "link"]
    assert keys_of(None) == []


def test_places_are_named_when_planned_keys_are_looked_up():
    assert ROOT is not None
    assert places_of(ROOT, ()) == ("definition",)
    assert places_of(ROOT, ("steps", 0)) == ("step", "shell")
    assert places_of(ROOT, ("steps", 0, "retry")) == ("retry",)


def test_nearest_value_is_found_when_a_path_leads_nowhere():
    assert ROOT is not None
    located = find(ROOT, ("steps", 0, "retry", "x", "y"))
    assert located.path == ("steps", 0, "retry")
    assert to_value(located.node) == {}
    assert find(ROOT, ("steps", 9)).path == ("steps",)


@pytest.mark.parametrize(
    ("keys", "is_cached"),
    [
        ({}, False),
        ({"cache": True}, True),
        ({"cache": False}, False),
        ({"cache": {}}, True),
        ({"cache_key": "a"}, True),
        ({"use_cache": False, "cache": True}, False),
        ({"use_cache": True}, True),
    ],
)
def test_caching_is_asked_for_when_any_spelling_says_so(keys: dict[str, object], is_cached: bool):
    assert StepBase.model_validate({"id": "a", **keys}).is_cached is is_cached
