"""Texts of a dialect in the main language's names, and where their characters stand in the author's."""

import pytest

from definitions.dialects.rewriting import Edit, Vocabulary, changed, edits_in
from definitions.nodes import Scalar, Span

STAGES = Vocabulary(lambda root, name: f"s_{name}" if root == "nodes" else name, lambda step: f"outputs.{step}", True)


def scalar(text: str) -> Scalar:
    return Scalar(text, text, "plain", Span(1, 1, 1, len(text) + 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no values", "no values"),
        ("{{ input.a }} {{vars.b}}", "{{ inputs.a }} {{inputs.b}}"),
        ("{{ x.input.a + inputs.vars }}", "{{ x.input.a + inputs.vars }}"),
        ("{{ 'input.a' + input.a }}", "{{ 'input.a' + inputs.a }}"),
        ("{{ steps.a-b.output.output }}", "{{ steps.a-b.outputs.a-b.output }}"),
        ("{{ steps['a'].output }}", "{{ steps['a'].outputs.a }}"),
        ("{{ stages.a.error.message }}", "{{ steps.a.error.message }}"),
        ("{{ steps.a.output() }}", "{{ steps.a.output() }}"),
        ("${ vars.a }", "{{  inputs.a  }}"),
        ("${nodes.n.output}", "{{ steps.s_n.outputs.s_n }}"),
        ("${len({'a': '}'})} $x ${y} {z}", "{{ len({'a': '}'}) }} $x ${y} {z}"),
        ("${vars.a", "${vars.a"),
        ("${vars.a + 'open}", "${vars.a + 'open}"),
        ("{{ input.a", "{{ input.a"),
        ("{{ 'open }} {{ input.a }}", "{{ 'open }} {{ input.a }}"),
    ],
)
def test_names_are_exchanged_when_they_stand_in_values(text: str, expected: str):
    assert changed(scalar(text), edits_in(text, STAGES)).value == expected


def test_dollars_stay_when_a_dialect_has_none():
    assert edits_in("${vars.a}", Vocabulary()) == []


def test_whole_text_is_read_when_it_is_an_expression():
    text = "input.a > 3 and '{{ input.b }}' != {{ input.c }}"
    found = changed(scalar(text), edits_in(text, Vocabulary(), is_expression=True)).value
    assert found == "inputs.a > 3 and '{{ input.b }}' != {{ inputs.c }}"


@pytest.mark.parametrize("word", ["topic", "b"])
def test_place_is_the_authors_when_a_word_is_looked_for(word: str):
    text = "Do ${vars.topic} and ${stages.a.output.b}"
    node = changed(scalar(text), edits_in(text, STAGES))
    start = str(node.value).rindex(f".{word}") + 1
    assert node.origin is not None
    place, width = node.origin.stretch(start, len(word))
    assert text[place : place + width] == word


@pytest.mark.parametrize("start", [0, 3, 50])
def test_place_is_inside_the_authors_text_when_asked_for_anything(start: int):
    node = changed(scalar("ab"), [Edit(0, 0, "(((("), Edit(2, 2, "))))")])
    assert node.origin is not None
    place, width = node.origin.stretch(start, 99)
    assert 0 <= place < 2
    assert width >= 1


def test_place_is_the_beginning_when_the_author_wrote_nothing():
    node = changed(scalar(""), [Edit(0, 0, "x")])
    assert node.origin is not None
    assert node.origin.stretch(0, 1) == (0, 1)
