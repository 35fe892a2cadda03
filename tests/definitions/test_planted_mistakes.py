"""One mistake is planted somewhere in a sound definition: it is the only finding, and the carets are under it exactly.

Where: texts, scripts, conditions, keys, words, in block and flow style, in every way of writing a scalar.
"""

import os
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from definitions.loader import load
from tests.support.yaml_writing import CLOSE, OPEN, STYLES, Marked, unmarked, write

RUNS = 6000 if os.environ.get("PERDURE_LONG_TESTS") else 150
HEAD = """\
name: planted
description: One mistake
inputs:
  count: {type: integer, default: 1}
  words: {type: array, default: []}
steps:
  - id: first
    type: shell
    command: echo one
    outputs: {report: report.txt}
"""
WORDS = ["say", "it's", 'a "b"', "é", "日本", "😀", "x:y", "a#b", "c,d", "(e)", "f's", "100%", "g\\h", "<i>"]
LETTERS = "qxzjkvw"


def planted(chance: random.Random) -> str:
    """Return a word that is near nothing."""
    return "".join(chance.choice(LETTERS) for _ in range(chance.randint(3, 9)))


def marked(word: str) -> str:
    return f"{OPEN}{word}{CLOSE}"


def wrong_expression(chance: random.Random) -> tuple[str, str]:
    """Return a code, and an expression with the one mistake that it is about."""
    word = planted(chance)
    code, text = chance.choice(
        [
            ("unknown-step", f"steps.{marked(word)}.outputs.stdout"),
            ("unknown-step", f"steps.{marked(word + '-' + word)}.status"),
            ("unknown-input", f"inputs.{marked(word)}"),
            ("unknown-input", f"inputs[{marked(repr(word))}]"),
            ("unknown-input", f"inputs.{marked(word)}.deeper[0]"),
            ("unknown-name", marked(word)),
            ("unknown-name", f"run.{marked(word)}"),
            ("unknown-output", f"steps.first.outputs.{marked(word)}"),
            ("unknown-output", f"steps.first.{marked(word)}"),
            ("unknown-output", f"steps.first.artifacts.{marked(word)}"),
            ("unknown-output", f"first.outputs.{marked(word)}"),
            ("unknown-function", f"{marked(word)}(inputs.count)"),
            ("type-mismatch", f"len({marked('inputs.count')})"),
            ("type-mismatch", marked("inputs.count + 'a'")),
            ("bad-pattern", f"matches(first.outputs.stdout, 'ab{marked('(')}')"),
            ("division-by-zero", f"inputs.count / {marked('0')}"),
            ("expression-syntax", f"inputs.count {marked('$')} 1"),
            ("expression-syntax", f"inputs.count == {marked('&&')} 1"),
            ("expression-not-allowed", f"[{marked('x for x in inputs.words')}]"),
        ]
    )
    if code in ("expression-syntax", "expression-not-allowed"):
        return code, text if code == "expression-syntax" else marked(text.replace(OPEN, "").replace(CLOSE, ""))
    wrappers: list[Callable[[str], str]] = [
        lambda inner: inner,
        lambda inner: f"[1, {inner}]",
        lambda inner: '{"a": ' + inner + " }",
        lambda inner: f"({inner})",
        lambda inner: f"default({inner}, 'é')",
        lambda inner: f"json({inner})",
        lambda inner: f"'日本' if inputs.count > 1 else {inner}",
    ]
    for _ in range(chance.randint(0, 2)):
        text = chance.choice(wrappers)(text)
    return code, text


def wrong_template(chance: random.Random) -> tuple[str, str]:
    code, expression = wrong_expression(chance)
    words = [chance.choice(WORDS) for _ in range(chance.randint(0, 6))]
    extra = ["{{ inputs.count }}"] if chance.random() < 0.3 else []
    space = chance.choice(["", " "])
    if expression.startswith((OPEN + "{", "{")) or expression.endswith("}"):
        space = " "
    pieces = [*words[:3], *extra, "{{" + space + expression + space + "}}", *words[3:]]
    joint = chance.choice([" ", " ", "\n"])
    return code, joint.join(pieces)


def wrong_script(chance: random.Random) -> tuple[str, str]:
    code, expression = wrong_expression(chance)
    before = chance.choice(["", "# it's a comment\n", "echo 'a b'\n", "set -x; "])
    return code, before + "echo " + chance.choice(["{{ %s }}", '"x {{ %s }}"', "--a={{ %s }}"]) % expression


def wrong_condition(chance: random.Random) -> tuple[str, str]:
    code, expression = wrong_expression(chance)
    if code.startswith("expression-"):
        return code, expression
    form = chance.choice(
        ["json({}) == '1'", "inputs.count > 1\nand exists({})", "not (({}) != null)", "{{{{ {} }}}} == null"]
    )
    return code, form.format(expression)


TEXTS: dict[str, tuple[str, str, Callable[[random.Random], tuple[str, str]]]] = {
    "prompt": ("type: agent", "prompt", wrong_template),
    "role": ("type: agent, prompt: p", "role", wrong_template),
    "message": ("type: assert, condition: 'true'", "message", wrong_template),
    "summary": ("type: wait, duration: 1s", "summary", wrong_template),
    "command": ("type: shell", "command", wrong_script),
    "condition": ("type: assert", "condition", wrong_condition),
    "when": ("type: wait, duration: 1s", "when", wrong_condition),
}
NESTED = {
    "values": ("type: set", ("values", "v")),
    "env": ("type: agent, prompt: p", ("env", "V")),
    "inputs": ("type: agent, prompt: p", ("inputs", "v")),
    "show": ("type: approval", ("show", "v")),
}


def definition_with(keys: str, path: tuple[str, ...], value: str, chance: random.Random) -> str:
    """Return a definition whose last step has a value somewhere."""
    style = chance.choice(STYLES)
    if chance.random() < 0.3:
        return HEAD + _in_flow(keys, path, value, style, chance)
    lines = ["  - id: target", *(f"    {key}" for key in keys.split(", "))]
    indent = 4
    for key in path[:-1]:
        lines.append(" " * indent + key + ":")
        indent += 2
    if path[0] == "values" and chance.random() < 0.5:
        lines.append(" " * indent + "other: [1, {b: c}]")
    written = write(value, style, indent, chance)
    lines.append(" " * indent + path[-1] + ": " + written)
    after = "\n    description: it is over\n" if chance.random() < 0.5 else "\n"
    return HEAD + "\n".join(lines) + after


def _in_flow(keys: str, path: tuple[str, ...], value: str, style: str, chance: random.Random) -> str:
    gap = chance.choice([" ", "\n      "])
    inner = f"{path[-1]}: {write(value, style, 4, chance, is_flow=True)}"
    for key in reversed(path[:-1]):
        inner = f"{key}: {{{inner}}}"
    return f"  - {{id: target,{gap}{keys},{gap}{inner}{gap}}}\n"


def check(code: str, text: str) -> None:
    """Hold a text with a marked mistake to its one finding."""
    place = unmarked(text)
    found = [finding for finding in load(place.text, "f").diagnostics if finding.severity == "error"]
    assert [finding.code for finding in found] == [code], place.text
    span = found[0].span
    assert span is not None
    seen = Marked(place.text, span.line, span.column, span.end_column)
    assert seen == place, f"{seen.shown!r} instead of {place.shown!r} in\n{place.text}"
    assert span.end_line == span.line


@settings(max_examples=RUNS)
@given(st.sampled_from([*TEXTS]), st.randoms(use_true_random=False))
def test_carets_are_under_the_mistake_when_it_is_planted_in_a_text(slot: str, chance: random.Random):
    keys, key, make = TEXTS[slot]
    code, value = make(chance)
    check(code, definition_with(keys, (key,), value, chance))


@settings(max_examples=RUNS)
@given(st.sampled_from([*NESTED]), st.randoms(use_true_random=False))
def test_carets_are_under_the_mistake_when_it_is_planted_in_a_value(slot: str, chance: random.Random):
    keys, path = NESTED[slot]
    code, value = wrong_template(chance)
    check(code, definition_with(keys, path, value, chance))


FORMAT = HEAD.replace("{", "{{").replace("}", "}}")
KEYS = {
    "definition": "{}: 1\n" + FORMAT,
    "input": FORMAT.replace("type: array,", "type: array, {}: 1,"),
    "step": FORMAT + "  - id: target\n    {}: 1\n    type: wait\n    duration: 1s\n",
    "step in flow": FORMAT + "  - {{id: target, type: wait, {}: x, duration: 1s}}\n",
    "retry": FORMAT + "    retry:\n      {}: 1\n      max_attempts: 2\n",
    "retry in flow": FORMAT + "    retry: {{max_attempts: 2, {}: 1}}\n",
    "budget": FORMAT + "  - id: target\n    type: agent\n    prompt: p\n    budget:\n      ? {}\n      : 1\n",
    "group": FORMAT
    + "  - id: target\n    type: group\n    steps: [{{id: inner, type: wait, duration: 1s}}]\n    {}:\n      a: b\n",
}


@settings(max_examples=RUNS // 2)
@given(st.sampled_from([*KEYS]), st.randoms(use_true_random=False))
def test_carets_are_under_the_mistake_when_it_is_a_key(slot: str, chance: random.Random):
    word = planted(chance)
    quote = chance.choice(["", "'", '"'])
    check("unknown-key", KEYS[slot].format(marked(quote + word + quote)))


VALUES = {
    "type": ("unknown-step-type", "  - {{id: target, type: {}}}\n"),
    "step": ("unknown-step", "  - {{id: target, type: wait, duration: 1s, needs: [first, {}]}}\n"),
    "step in a list": ("unknown-step", "  - id: target\n    type: wait\n    duration: 1s\n    needs:\n    - {}\n"),
    "failure": ("unknown-step", "  - id: target\n    type: wait\n    duration: 1s\n    on_failure: {}\n"),
    "timeout": ("invalid-value", "  - {{id: target, type: wait, duration: 1s, timeout: {}}}\n"),
    "duration": ("invalid-value", "  - {{id: target, type: wait, duration: {} }}\n"),
    "provider": ("invalid-value", "  - {{id: target, type: agent, prompt: p, provider: {}}}\n"),
    "class": ("invalid-value", "  - {{id: target, type: wait, duration: 1s, retry: {{on: [exit, {}]}}}}\n"),
    "count": ("wrong-type", "  - {{id: target, type: wait, duration: 1s, retry: {{max_attempts: {} }}}}\n"),
    "flag": ("wrong-type", "  - {{id: target, type: approval, allow_self: {}}}\n"),
    "code": ("wrong-type", "  - {{id: target, type: shell, command: a, exit_codes: [0, {}]}}\n"),
    "codes": ("wrong-type", "  - {{id: target, type: shell, command: a, exit_codes: {}}}\n"),
    "schema": (
        "bad-output-schema",
        "  - id: target\n    type: agent\n    prompt: p\n    output_schema:\n      anyOf:\n      - {{type: {}}}\n",
    ),
}


@settings(max_examples=RUNS // 2)
@given(st.sampled_from([*VALUES]), st.randoms(use_true_random=False))
def test_carets_are_under_the_mistake_when_it_is_a_word(slot: str, chance: random.Random):
    code, step = VALUES[slot]
    quote = chance.choice(["", "'", '"'])
    check(code, HEAD + step.format(marked(quote + planted(chance) + quote)))


FORMS = {
    "anchor": ("yaml-anchor", "    name: {} first one\n", "&anchor"),
    "alias": ("yaml-anchor", "    name: {}\n", "*alias"),
    "tag": ("yaml-tag", "    name: {} first one\n", "!!str"),
    "tag of our own": ("yaml-tag", "    name: {} first one\n", "!mine"),
    "key again": ("duplicate-key", "    {}: shell\n", "type"),
    "number": ("ambiguous-scalar", "    name: {}\n", "010"),
    "version": ("ambiguous-scalar", "    phase: {}\n", "1.10"),
    "boolean": ("ambiguous-scalar", "    description: {}\n", "true"),
    "infinity": ("ambiguous-scalar", "    description: {}\n", ".inf"),
    "id": ("duplicate-step-id", "  - {{id: {}, type: wait, duration: 1s}}\n", "first"),
    "reserved": ("reserved-id", "  - {{type: wait, id: {}, duration: 1s}}\n", "result"),
    "path": ("path-escapes", "    artifacts: {{report: {}}}\n", "../up.txt"),
    "merge": ("yaml-anchor", "    {}: {{a: b}}\n", "<<"),
}


@pytest.mark.parametrize("form", FORMS)
def test_carets_are_under_the_mistake_when_it_is_one_of_form(form: str):
    code, line, word = FORMS[form]
    check(code, HEAD + line.format(marked(word)))
