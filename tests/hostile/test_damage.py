"""Good definitions, damaged: cut at every byte, a value replaced everywhere, pieces put in at random; and JSON."""

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from definitions.nodes import to_value
from definitions.yaml_guard import read
from tests.hostile.corpus import corpus
from tests.hostile.families.shapes import FULL, wrong_values
from tests.hostile.soundness import examine

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "tests/definitions/examples/older-spellings.yaml").read_bytes()
SMALL = [case.content for case in corpus().values() if len(case.content) < 600]


def test_definition_is_sound_when_nothing_is_damaged():
    assert examine(json.dumps(FULL)).definition is not None


def test_promises_are_kept_when_a_definition_is_cut_at_every_byte():
    for length in range(0, len(EXAMPLE), 1 if len(EXAMPLE) < 1500 else 2):
        examine(EXAMPLE[:length])


def test_promises_are_kept_when_a_json_definition_is_cut_at_every_byte():
    text = json.dumps(FULL)[:1200]
    for length in range(0, len(text), 3):
        examine(text[:length])


def test_promises_are_kept_when_one_value_is_wrong():
    for text in list(wrong_values())[::3]:
        examine(text)


@given(st.data())
@settings(max_examples=150)
def test_promises_are_kept_when_pieces_of_the_corpus_are_put_into_a_definition(data: st.DataObject):
    piece = data.draw(st.sampled_from(SMALL))
    piece = piece if isinstance(piece, bytes) else piece.encode(errors="surrogatepass")
    start = data.draw(st.integers(0, len(piece)))
    at = data.draw(st.integers(0, len(EXAMPLE)))
    gap = data.draw(st.integers(0, 20))
    examine(EXAMPLE[:at] + piece[start : start + data.draw(st.integers(1, 80))] + EXAMPLE[at + gap :])


@given(st.text(max_size=60))
@settings(max_examples=150)
def test_promises_are_kept_when_any_text_is_a_description(text: str):
    examine(json.dumps({**FULL, "description": text}))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=5), st.sampled_from([None, 2, "\t"]))
@settings(max_examples=200)
def test_value_is_the_one_of_a_json_parser_when_json_is_read(value: dict[str, object], indent: int | str | None):
    document = read(json.dumps(value, indent=indent).replace("\x7f", "\\u007f"), "f.json")
    assert document.diagnostics == []
    assert document.root is not None
    assert to_value(document.root) == value


def test_places_are_those_of_the_written_text_when_json_has_surrogate_pairs():
    text = '{"name": "\\ud83d\\ude00\\ud83d\\ude00", "nam": "\\ud83d\\ude00 {{ inputs.zz }}", "steps": 5}'
    found = {finding.code: finding.span for finding in examine(text).diagnostics}
    assert text[found["unknown-key"].column - 1 : found["unknown-key"].end_column - 1] == '"nam"'
    steps = {"id": "a", "type": "set", "values": {"v": "😀😀 {{ inputs.zz }}"}}
    text = json.dumps({"name": "j", "steps": [steps]})
    finding = examine(text).diagnostics[0]
    assert "zz" in text[finding.span.column - 1 : finding.span.end_column - 1]
