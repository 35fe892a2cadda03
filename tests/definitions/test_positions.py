import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.diagnostics import Span
from definitions.nodes import Scalar, find
from definitions.positions import span_in
from definitions.yaml_guard import read

TOKEN = "TOKEN"


def place_of_token(text: str) -> tuple[int, int, int]:
    """Return line, column and width at which the value's TOKEN is found in the text."""
    document = read(text, "f")
    assert document.root is not None
    node = find(document.root, ("k",)).node
    assert isinstance(node, Scalar)
    value = str(node.value)
    span = span_in(node, document.source.split("\n"), value.index(TOKEN), len(TOKEN))
    assert span.end_line == span.line
    return span.line, span.column, span.end_column - span.column


TEXTS = {
    "plain": "k: a TOKEN b",
    "plain over lines": "k: a\n   b\n\n   c TOKEN d",
    "single": "k: 'a TOKEN'",
    "single with quotes": "k: 'it''s ''TOKEN'' '",
    "single over lines": "k: 'a\n  b ''\n  TOKEN'",
    "double": 'k: "a TOKEN"',
    "double with escapes": 'k: "\\"\\x41\\u00e9\\U0001F600\\n\\t TOKEN"',
    "double with escaped line end": 'k: "a\\\n   b \\\n   TOKEN"',
    "double over lines": 'k: "a\n\n   b\n   TOKEN"',
    "literal": "k: |\n  a\n    TOKEN\n  b\n",
    "literal with comment": "k: |-  # TOKEN\n  a TOKEN\n",
    "literal with indentation": "k: |2\n    a\n  TOKEN\n",
    "literal with empty lines": "k: |+\n\n\n  a\n\n  TOKEN\n",
    "folded": "k: >\n  a\n  b\n\n  c TOKEN\n",
    "folded with more indented lines": "k: >-\n  a\n    b\n\n    c\n  TOKEN\n",
    "flow": "k: a TOKEN",
    "wide characters": "k: 'é😀日本 TOKEN'",
    "tabs": "k: |\n  a\tb\n  \tTOKEN\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_token_is_found_in_the_text_when_it_is_known_in_the_value(name: str):
    text = TEXTS[name]
    line, column, width = place_of_token(text)
    assert text.split("\n")[line - 1][column - 1 : column - 1 + width] == TOKEN
    assert "#" not in text.split("\n")[line - 1][: column - 1]


def test_token_is_found_when_it_stands_in_a_flow_collection():
    text = "a: {x: [1, 'b TOKEN']}\n"
    document = read(text, "f")
    assert document.root is not None
    node = find(document.root, ("a", "x", 1)).node
    assert isinstance(node, Scalar)
    assert span_in(node, text.split("\n"), 2, 5) == Span(1, 15, 1, 20)


def test_span_is_cut_to_one_line_when_it_goes_on():
    text = "k: |\n  one two\n  three\n"
    document = read(text, "f")
    assert document.root is not None
    node = find(document.root, ("k",)).node
    assert isinstance(node, Scalar)
    assert span_in(node, text.split("\n"), 4, 9) == Span(2, 7, 2, 10)


@pytest.mark.parametrize("offset", [-1, 99])
def test_whole_scalar_is_shown_when_the_offset_is_outside(offset: int):
    node = Scalar("abc", "abc", "plain", Span(1, 4, 1, 7))
    assert span_in(node, ["k: abc"], offset, 1) == Span(1, 4, 1, 7)


def test_whole_scalar_is_shown_when_value_and_text_part_ways():
    node = Scalar("made up", "made up", "plain", Span(1, 4, 1, 7))
    assert span_in(node, ["k: abc"], 3, 2).line == 1


@pytest.mark.parametrize("lines", [[], ["k: abc"], ["k: a", "b"]])
def test_some_place_is_shown_when_the_source_is_shorter_than_the_span(lines: list[str]):
    node = Scalar("abc TOKEN", "abc TOKEN", "double", Span(1, 4, 3, 2))
    assert span_in(node, lines, 4, 5).line == 1


def test_only_the_beginning_is_shown_when_the_end_is_not_found():
    node = Scalar("abcxyz", "abcxyz", "plain", Span(1, 4, 1, 7))
    assert span_in(node, ["k: abc"], 1, 5) == Span(1, 5, 1, 6)


STYLES = ["plain", "'", '"', "|", ">"]


@given(
    st.sampled_from(STYLES),
    st.lists(st.sampled_from(["a", "bb", "it's", 'q"q', "é", "日本", "\\", "x:y", "#z"]), max_size=8),
    st.lists(st.sampled_from(["c", "d'd", "e"]), max_size=4),
)
def test_token_is_found_when_any_writer_wrote_the_scalar(style: str, before: list[str], after: list[str]):
    import yaml

    value = " ".join([*before, TOKEN, *after])
    text = yaml.safe_dump({"k": value}, default_style=None if style == "plain" else style, width=20, allow_unicode=True)
    text = text.replace('"k"', "k").replace("'k'", "k").replace("? |-\n  k\n:", "k:").replace("? >-\n  k\n:", "k:")
    line, column, width = place_of_token(text)
    assert text.split("\n")[line - 1][column - 1 : column - 1 + width] == TOKEN
