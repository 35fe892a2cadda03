"""Templates: types kept, texts made, exact places of faults."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from definitions.errors import ExpressionError
from definitions.evaluation import FilesNeeded, StoredValueNeeded
from definitions.templates import parse_template, render, render_value, to_text

FILE = {"$file": "out/a.xml", "digest": "ab", "size": 1}
STORED = {"$value": "cd", "size": 5000}
SCOPE: dict[str, Any] = {
    "inputs": {"n": 3, "half": 0.5, "flag": True, "none": None, "name": "ana", "list": [1, "é", None],
               "object": {"a": {"b": [True]}}, "file": FILE, "files": [FILE], "big": STORED},
}  # fmt: skip


class Reader:
    """A reader of one stored value."""

    def read(self, source: Any) -> bytes:
        raise AssertionError(source)

    def value(self, digest: str) -> Any:
        return ["stored"]

    def call(self, name: str, arguments: Any) -> Any:
        return "read"


def rendered(text: str, files: Any = None) -> Any:
    return render(parse_template(text), SCOPE, files)


def failure_of(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        rendered(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.n }}", 3),
        ("{{inputs.flag}}", True),
        ("  {{ inputs.none }}\n", None),
        ("{{ inputs.list }}", [1, "é", None]),
        ("{{ inputs.file }}", FILE),
        ("{{ inputs.big }}", STORED),
        ("{{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("{{ {'a': {'b': 1}}}}", {"a": {"b": 1}}),
        ("{{ '}}' }}", "}}"),
        ('{{ "a\\"}}" }}', 'a"}}'),
        ("", ""),
        ("plain", "plain"),
        ("n = {{ inputs.n }}", "n = 3"),
        ("{{ inputs.n }}{{ inputs.half }}", "30.5"),
        ("{{ inputs.flag }} {{ inputs.name }}", "true ana"),
        ("{{ inputs.list }}!", '[1,"é",null]!'),
        ("{{ inputs.object }}!", '{"a":{"b":[true]}}!'),
        ("{{ inputs.file }}!", "out/a.xml!"),
        ("{{ inputs.files }}!", '["out/a.xml"]!'),
        ("{{ '{{' }} a {{ '}}' }}", "{{ a }}"),
        ("${HOME} $(x) ${{ inputs.n }} } }}", "${HOME} $(x) $3 } }}"),
        ("{{ inputs.n\n  + 1 }}", 4),
    ],
)
def test_template_gives(text: str, value: Any):
    assert rendered(text) == value
    assert type(rendered(text)) is type(value)


def test_template_is_single_when_it_is_one_placeholder():
    assert parse_template(" {{ a }}\n").is_single
    assert not parse_template("{{ a }}.").is_single
    assert not parse_template("{{ a }}{{ b }}").is_single
    assert not parse_template("a").is_single
    assert [expression.text for expression in parse_template("{{ a }}-{{b}}").expressions] == [" a ", "b"]


@pytest.mark.parametrize(
    ("text", "code", "wrong"),
    [
        ("a {{ b", "template-syntax", "{{"),
        ("a {{ b }", "template-syntax", "{{"),
        ("a {{ }} b", "expression-syntax", " "),
        ("a {{ don't }}", "expression-syntax", "'"),
        ("é\n{{ 1 }} {{ 1 + }}", "expression-syntax", "+"),
        ("{{ 1 }}{{ nolen(1) }}", "unknown-function", "nolen"),
        ("{{ 'é' }}: {{ inputs.nmae }}", "no-such-field", "nmae"),
        ("a {{ inputs.none }}", "null-in-text", "{{ inputs.none }}"),
        ("a {{ 1 / 0 }}", "division-by-zero", "1 / 0"),
        ("{{ 'a' + 1 }}", "type-mismatch", "'a' + 1"),
    ],
)
def test_fault_has_its_place_in_the_whole_text(text: str, code: str, wrong: str):
    error = failure_of(text)
    assert error.code == code
    assert text[error.position : error.end] == wrong


def test_message_names_the_expression_when_it_is_null_in_text():
    assert failure_of("a {{ inputs.none }}").message.startswith("`inputs.none` is null, which cannot stand inside text")


def test_references_have_places_in_the_whole_text():
    text = "é {{ inputs.n }} and {{ steps.a-b.outputs.c }}"
    template = parse_template(text)
    assert [text[r.position : r.end] for r in template.references] == ["inputs.n", "steps.a-b.outputs.c"]


def test_stored_value_is_read_when_it_must_be_text():
    assert rendered("a {{ inputs.big }}", Reader()) == 'a ["stored"]'
    with pytest.raises(StoredValueNeeded):
        rendered("a {{ inputs.big }}")
    with pytest.raises(ExpressionError, match="must be read"):
        to_text([STORED])


def test_file_function_needs_a_reader():
    assert rendered("{{ read_text('a') }}", Reader()) == "read"
    with pytest.raises(FilesNeeded):
        rendered("{{ read_text('a') }}")


def test_text_is_refused_when_it_is_too_big():
    template = parse_template("-{{ x }}" * 5)
    with pytest.raises(ExpressionError) as caught:
        render(template, {"x": "a" * 250_000})
    assert caught.value.code == "result-too-big"


def test_every_string_inside_a_value_is_rendered_when_it_holds_a_placeholder():
    value = {"a {{ b }}": ["{{ inputs.n }}", {"c": "x{{ inputs.n }}"}, "plain", 1, None]}
    assert render_value(value, SCOPE) == {"a {{ b }}": [3, {"c": "x3"}, "plain", 1, None]}


@settings(max_examples=200)
@given(text=st.text("{}'\"a \\\n", max_size=20))
def test_any_text_is_a_template_or_is_refused_with_a_place(text: str):
    try:
        template = parse_template(text)
    except ExpressionError as fault:
        found = fault
    else:
        pieces = [part if isinstance(part, str) else text[part.start : part.end] for part in template.parts]
        assert "".join(pieces) == text
        return
    assert 0 <= (found.position or 0) <= (found.end or 0) <= len(text)


@given(value=st.text(max_size=20))
def test_value_is_never_read_as_a_template_when_it_looks_like_one(value: str):
    assert render(parse_template("<{{ x }}>"), {"x": value + "{{ x }}"}) == f"<{value}{{{{ x }}}}>"
