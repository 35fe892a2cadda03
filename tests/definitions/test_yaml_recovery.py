import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.loader import load
from definitions.yaml_guard import read
from definitions.yaml_recovery import read_on

HEAD = "name: several\ndescription: d\nsteps:\n"


def told(text: str) -> list[tuple[str, int]]:
    return [(one.code, one.span.line) for one in load(text, "f").diagnostics if one.span and one.severity == "error"]


def step(number: int, *lines: str) -> str:
    return f"  - id: s{number}\n    type: shell\n" + "".join(f"    {line}\n" for line in lines)


def test_every_bad_text_is_told_when_several_are_not_yaml():
    text = HEAD + step(1, "command: echo key: value") + step(2, "command: make", "name: @home", "timout: 5m")
    text += step(3, "when: {{ inputs.x }}", "command: echo {{ inputs.nothing }}")
    assert told(text) == [
        ("yaml-syntax", 6),
        ("yaml-syntax", 10),
        ("unknown-key", 11),
        ("unquoted-template", 14),
        ("unknown-input", 15),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "command: echo key: value",
        "command: @home",
        "command: `date`",
        "command: %x",
        "command: {{ inputs.x }}",
        "command: 'it's'",
        'command: "a" b',
        'command: "\\q"',
        '"command": echo a: b',
    ],
)
def test_other_findings_are_told_when_one_text_is_not_yaml(line: str):
    found = told(HEAD + step(1, line) + step(2, "comand: make", "command: make"))
    assert [number for _, number in found] == [6, 9]
    assert found[1][0] == "unknown-key"


def test_nothing_more_is_said_of_the_value_when_it_is_taken_out():
    assert told(HEAD + step(1, "command: echo a: b")) == [("yaml-syntax", 6)]
    assert told(HEAD + "  - id: s\n    type: set\n    values:\n      v: a: b\n") == [("yaml-syntax", 7)]


def test_items_of_a_list_are_taken_out_when_they_are_not_yaml():
    text = (
        HEAD + "  - id: s\n    type: agent\n    prompt: p\n    inputs:\n      - @x\n      - {{ y }}\n    timout: 1s\n"
    )
    assert told(text) == [("yaml-syntax", 8), ("unquoted-template", 9), ("unknown-key", 10)]


@pytest.mark.parametrize(
    "lines",
    [
        ["  - id: @x", "    type: shell", "    command: a"],
        ["  - id: s", "    type: shell", "    command: echo a: b", "      goes on: here"],
        ["  - id: s", "    type: shell", "    command: 'never closed", "    name: b"],
        ["  - {id: s, type: shell, command: a: b}"],
        ["  - id: s", "\ttype: shell"],
        ["  - id: s", "    command: [a", "    name: b"],
        ["  @x"],
    ],
)
def test_the_first_finding_stands_alone_when_going_on_would_be_guessing(lines: list[str]):
    text = HEAD + "\n".join(lines) + "\n"
    assert [one.code for one in load(text, "f").diagnostics] == [one.code for one in read(text, "f").diagnostics]


def test_rounds_are_bounded_when_every_line_is_wrong():
    text = HEAD + "".join(step(number, "command: a", "name: @x") for number in range(200))
    assert len(load(text, "f").diagnostics) == 11


def test_text_is_read_once_when_it_is_long():
    text = "# " + "x" * 100_000 + "\n" + HEAD + step(1, "command: @x", "nme: y")
    assert told(text) == [("yaml-syntax", 7)]


def test_source_is_what_was_written_when_values_are_taken_out():
    text = HEAD + step(1, "command: echo a: b")
    document, taken_out = read_on(text, "f")
    assert document.source == text
    assert taken_out == {(6, 14)}
    assert read_on(HEAD, "f")[1] == frozenset()


@given(st.text(alphabet="ab:-{}[]'\"@|> \n#&*!%,\t", max_size=60))
def test_first_finding_stays_the_first_when_any_text_is_read(body: str):
    text = HEAD + "  - id: s\n    name: " + body
    once = read(text, "f").diagnostics
    document, _ = read_on(text, "f")
    assert not once or once[-1] in document.diagnostics
    if not once:
        assert document.diagnostics == []
