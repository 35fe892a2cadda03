"""Which value the last words of an agent stand for."""

import pytest

from activities.agents.answers import as_outputs, candidates, free_answer, last_object


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ('first {"a": 1} then {"b": {"c": 2}} end', {"b": {"c": 2}}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ("nothing", None),
        ("an empty {} is no answer", None),
        ('broken { then {"a": 1}', {"a": 1}),
        ("{" * 50_000, None),
        ('["not an object"]', None),
    ],
)
def test_last_object_is_found_when_there_are_words_around(text: str, expected: object) -> None:
    assert last_object(text) == expected


@pytest.mark.parametrize(
    ("text", "structured", "expected"),
    [
        (" words ", None, {"content": "words"}),
        ('so: {"n": 1}', None, {"n": 1}),
        ("words", {"n": 2}, {"n": 2}),
        ("words", [3], {"content": [3]}),
    ],
)
def test_outputs_have_names_when_there_is_no_schema(text: str, structured: object, expected: object) -> None:
    assert free_answer(text, structured) == expected  # pyright: ignore[reportArgumentType]


def test_own_structure_comes_first_when_there_are_several_candidates() -> None:
    assert list(candidates('x {"b": 1}', {"a": 1})) == [{"a": 1}, {"b": 1}]
    assert list(candidates("```json\n[1, 2]\n```")) == [[1, 2]]
    assert list(candidates("42")) == [42]
    assert list(candidates("no")) == []


def test_value_gets_a_name_when_it_is_no_object() -> None:
    assert as_outputs([1]) == {"content": [1]}
    assert as_outputs({"a": 1}) == {"a": 1}
