import pytest

from definitions.loader import load

HEAD = "name: constants\ndescription: d\ninputs: {x: {}, n: {type: integer}, xs: {type: array}}\nsteps:\n"


def told(expression: str, key: str = "values") -> list[tuple[str, str]]:
    """Return the codes found in one expression, and what the carets stand under."""
    if key == "values":
        step = f"  - id: s\n    type: set\n    values:\n      v: |-\n        {{{{ {expression} }}}}\n"
    else:
        step = f"  - id: s\n    type: assert\n    condition: |-\n      {expression}\n"
    loaded = load(HEAD + step, "f")
    lines = loaded.source.split("\n")
    found: list[tuple[str, str]] = []
    for finding in loaded.diagnostics:
        if finding.severity == "error":
            assert finding.span is not None
            line, start, _, end = finding.span
            found.append((finding.code, lines[line - 1][start - 1 : end - 1]))
    return found


WRONG: dict[str, tuple[str, str, str]] = {
    "pattern": ('matches(inputs.x, "a(b")', "bad-pattern", "("),
    "pattern after a dot": ('inputs.x.matches("a(b")', "bad-pattern", "("),
    "pattern with an escape": (r'matches(inputs.x, "\\(\\d(")', "bad-pattern", r'"\\(\\d("'),
    "raw pattern": (r'matches(inputs.x, r"\d[")', "bad-pattern", "["),
    "pattern that is too big": ('matches(inputs.x, "(a{1,200}){1,200}")', "bad-pattern", "("),
    "pattern of constants": ('matches("a", "(")', "bad-pattern", 'matches("a", "(")'),
    "division": ("inputs.n / 0", "division-by-zero", "0"),
    "division by a calculated 0": ("inputs.n % (2 - 2)", "division-by-zero", "2 - 2"),
    "constant division": ("1 + 4 // 0", "division-by-zero", "1 + 4 // 0"),
    "number": ('int("many") + inputs.n', "bad-argument", 'int("many")'),
    "separator": ('split(inputs.x, "")', "bad-argument", '""'),
    "replaced text": ('inputs.x.replace("", "a")', "bad-argument", '""'),
    "digits": ("round(inputs.n, 99)", "bad-argument", "99"),
    "negative digits": ("round(inputs.n, -1)", "bad-argument", "-1"),
    "step of a range": ("range(1, 5, 0)", "bad-argument", "range(1, 5, 0)"),
    "item": ("[1, 2][5]", "no-such-item", "[1, 2][5]"),
    "first of nothing": ("first([])", "no-such-item", "first([])"),
    "big number": ("9223372036854775807 + 1 + inputs.n", "number-out-of-range", "9223372036854775807 + 1"),
    "inside a list": ("[inputs.x, 1 / 0]", "division-by-zero", "1 / 0"),
    "inside an object": ('{"a": inputs.n, "b": 1 / 0}', "division-by-zero", "1 / 0"),
    "inside a choice": ("1 / 0 if inputs.x == 'a' else 2", "division-by-zero", "1 / 0"),
    "inside an index": ("inputs.xs[1 // 0]", "division-by-zero", "1 // 0"),
    "inside a sign": ("-(inputs.n / 0)", "division-by-zero", "0"),
    "in a default": ("default(inputs.x, 1 / 0)", "division-by-zero", "1 / 0"),
    "not a missing one in a default": ('default(int("x"), 1)', "bad-argument", 'int("x")'),
}


@pytest.mark.parametrize("name", WRONG)
def test_part_is_told_when_no_value_can_help(name: str):
    expression, code, shown = WRONG[name]
    assert told(expression) == [(code, shown)]


@pytest.mark.parametrize(
    "expression",
    [
        'matches(inputs.x, "a.*")',
        "matches(inputs.x, inputs.x)",
        "inputs.n / inputs.n",
        "inputs.n / 2",
        'split(inputs.x, ",")',
        "split(inputs.x)",
        "round(inputs.n, 2)",
        "default([][0], 1)",
        "exists(first([]))",
        "[1, 2][1] + inputs.n",
        "range(10000) == range(10000)",
        'parse_coverage("a.xml").line_coverage / 2',
        "first(lines(inputs.x))",
    ],
)
def test_nothing_is_told_when_a_value_decides(expression: str):
    assert told(expression) == []


def test_part_is_told_when_it_stands_in_braces_in_a_condition():
    assert told("{{ 1 / 0 }} > 3 and inputs.n > 0", "condition") == [("division-by-zero", "{{ 1 / 0 }} > 3")]
    assert told('matches(inputs.x, "(")', "condition") == [("bad-pattern", "(")]


def test_help_stands_apart_when_the_message_has_one():
    text = HEAD + "  - {id: s, type: assert, condition: 'matches(inputs.x, \"a{\")'}\n"
    finding = next(one for one in load(text, "f").diagnostics if one.code == "bad-pattern")
    assert finding.message == "the pattern `a{` cannot be used: `{` begins `{n}`, `{n,}` or `{n,m}`"
    assert finding.help == r"write `\{` for the character"
