"""Types themselves: joining, bounds, words."""

import time

import pytest

from definitions.loader import load
from definitions.types.type import (
    ANY,
    BOOLEAN,
    FILE,
    LIST,
    MOST_LITERALS,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Type,
    is_same,
    join,
    joined,
    list_of,
    mapping_of,
    one_of,
    optional,
    record,
    type_of,
)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (NUMBER, NUMBER, NUMBER),
        (NUMBER, STRING, Type(frozenset({"number", "string"}))),
        (NUMBER, ANY, ANY),
        (list_of(NUMBER), list_of(NUMBER), list_of(NUMBER)),
        (list_of(NUMBER), LIST, LIST),
        (list_of(NUMBER), STRING, Type(frozenset({"list", "string"}), items=NUMBER)),
        (record({"a": NUMBER}), record({"b": STRING}), record({"a": NUMBER, "b": STRING})),
        (record({"a": NUMBER}), record({"a": STRING}), record({"a": join(NUMBER, STRING)})),
        (record({"a": NUMBER}), OBJECT, OBJECT),
        (record({"a": NUMBER}), record({"a": NUMBER}, "undeclared"), record({"a": NUMBER}, "undeclared")),
        (mapping_of(NUMBER), mapping_of(STRING), mapping_of(join(NUMBER, STRING))),
        (mapping_of(NUMBER), record({}), OBJECT),
        (one_of(["a", "b"]), one_of(["b", "c"]), one_of(["a", "b", "c"])),
        (one_of(["a", "b"]), STRING, STRING),
        (one_of([1, 2]), one_of([True, False]), one_of([1, 2, True, False])),
    ],
)
def test_both_are_admitted_when_two_types_are_joined(one: Type, other: Type, both: Type):
    assert join(one, other) == both
    assert join(other, one).kinds == both.kinds
    assert join(other, one).fields == both.fields


def test_null_is_added_when_a_type_is_optional():
    assert optional(STRING).kinds == {"string", "null"}
    assert optional(ANY) == ANY
    assert optional(one_of(["a", "b"])).present == one_of(["a", "b"])
    assert NULL.present == NULL
    assert optional(optional(NUMBER)).present.kinds == {"number"}


def test_type_is_told_when_a_value_is_at_hand():
    assert type_of({"a": [1, 2]}).fields["a"].kinds == {"list"}
    assert type_of([1, "a"]).items == one_of([1, "a"])
    assert type_of({"$file": "a"}) == ANY
    assert joined([]) == ANY
    assert not is_same(1, True)
    assert is_same(1, 1.0)


def test_literals_are_forgotten_when_there_are_many():
    assert one_of(range(MOST_LITERALS)).literals is not None
    assert one_of(range(MOST_LITERALS + 1)) == NUMBER
    assert join(one_of(range(40)), one_of(range(40, 80))).literals is None


def test_parts_are_forgotten_when_there_are_too_many():
    held = STRING
    for _ in range(12):
        held = record({"a": held, "b": held})
    assert held.weight < 1_000
    wide = record({f"f{n}": NUMBER for n in range(150)})
    assert join(wide, record({"a": NUMBER, **wide.fields})).fields == {}
    assert joined([wide, STRING, wide]).kinds == {"object", "string"}
    assert joined([wide, ANY, wide]).kinds == frozenset()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (NUMBER, "a number"),
        (optional(STRING), "a string or null"),
        (NULL, "null"),
        (join(OBJECT, LIST), "a list or an object"),
        (FILE, "a file"),
        (optional(join(BOOLEAN, NUMBER)), "a boolean or a number or null"),
    ],
)
def test_kinds_are_named_when_a_message_needs_them(held: Type, words: str):
    assert held.in_words == words


def test_time_is_bounded_when_each_step_holds_the_one_before_several_times():
    row = "{{{{ {{'a': {before}, 'b': {before}}} if inputs.go else {{'b': {before}, 'a': {before}, 'c': 1}} }}}}"
    steps = ["  - {id: s0, type: set, values: {v: 1}}"]
    steps += [
        f'  - id: s{n}\n    type: set\n    values:\n      v: "{row.format(before=f"steps.s{n - 1}.outputs.v")}"'
        for n in range(1, 200)
    ]
    started = time.process_time()
    loaded = load("name: big\ninputs: {go: {type: boolean, default: true}}\nsteps:\n" + "\n".join(steps), "f")
    assert loaded.diagnostics == ()
    assert time.process_time() - started < 3


def test_time_is_bounded_when_a_schema_has_thousands_of_arms():
    arms = "\n".join(f"          - {{properties: {{f{n}: {{type: string}}}}}}" for n in range(4_000))
    text = (
        "name: wide\nsteps:\n  - id: a\n    type: agent\n    provider: scripted\n    prompt: x\n    output_schema:\n"
        f"      properties:\n        plan:\n          anyOf:\n{arms}\n"
        "  - {id: b, type: set, values: {v: '{{ steps.a.outputs.plan.f1 }}'}}\n"
    )
    started = time.process_time()
    assert not [finding for finding in load(text, "f").diagnostics if finding.code == "no-such-field"]
    assert time.process_time() - started < 6
