"""Scripts for Python and Node: real interpreters see the value, with its type, in every accepted place."""

import ast
import json
import subprocess
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.shell_values import Interpreter, ShellValueError, bind, check_script, compile_script
from tests.support.program_places import PROGRAMS, VALUES, any_value, run_program
from tests.support.shell_places import LONG, odd_scripts

Count = Callable[[str, str], None]


@pytest.fixture(scope="module")
def count(record_testsuite_property: Callable[[str, object], None]) -> Iterator[Count]:
    """Return what takes note of a case; `--junitxml FILE` shows the counts by interpreter and place."""
    counted: Counter[tuple[str, str]] = Counter()
    yield lambda interpreter, place: counted.update([(interpreter, place)])
    for (interpreter, place), number in sorted(counted.items()):
        record_testsuite_property(f"cases: {interpreter}: {place}", number)


@pytest.mark.parametrize("interpreter", PROGRAMS)
def test_program_sees_the_value_when_a_place_is_accepted(
    interpreter: Interpreter, tmp_path: Path, count: Count
) -> None:
    for name, place in PROGRAMS[interpreter].items():
        seen = run_program(interpreter, [(name, value) for value in VALUES], tmp_path)
        for value, shown in zip(VALUES, seen, strict=True):
            assert shown == place.seen(value), (name, value)
            count(interpreter, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("interpreter", PROGRAMS)
@settings(
    max_examples=200 if LONG else 10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(draw=st.data())
def test_program_sees_the_value_when_it_is_anything(
    interpreter: Interpreter, tmp_path: Path, count: Count, draw: st.DataObject
) -> None:
    places = PROGRAMS[interpreter]
    case = st.tuples(st.sampled_from(sorted(places)), any_value)
    cases = draw.draw(st.lists(case, min_size=20, max_size=40))
    seen = run_program(interpreter, cases, tmp_path, "C" if len(cases) % 2 else "C.UTF-8")
    for (name, value), shown in zip(cases, seen, strict=True):
        assert shown == places[name].seen(value), (name, value)
        count(interpreter, name)
    assert list(tmp_path.iterdir()) == []


# --- the reader is never wrong about what is code ---------------------------------------------------

FRAGMENTS = [
    "{{ inputs.v }}", "{{ inputs.v }}", "{{ inputs.v }}", "'", '"', "'''", '"""', "`", "\\", "#", "//", "/*", "*/", "/",
    "${", "}", "{", "(", ")", "[", "]", "f'", 'f"', "r'", 'rb"', "fr'''", "\n", "\n", " ", "  ", ",", "=", "+", "-",
    "*", "return ", "if (x) ",
    "x", "1", ".", ";", ":", "<!--", "-->", "typeof ", "=>", "/g", "/[/]", "\\'", "?", "!", "...",
    "x = ", "lambda: ", "{{ '{{' }}", "not ", "in ",
    # whole pieces, which leave more scripts readable
    "'a\\'#'", '"//b"', "# it's\n", "// it's\n", "/* it's */", "`c'`", "`${ x }'`", "f'{x}\"'", "r'\\'", "b'\"'",
    "/[/'\"]/", " / 2 / ", "(/'/)", "\n'''d'\n'''\n", "(1)", " + '{{ '{{' }}'", "[0]", "if (x) { }\n",
]  # fmt: skip


def accepted(interpreter: Interpreter) -> Iterator[str]:
    """Yield odd scripts that are accepted, compiled."""
    snippets = [place.snippet for place in PROGRAMS[interpreter].values()]
    for text in odd_scripts(snippets, FRAGMENTS, 200_000 if LONG else 10_000):
        if not check_script(text, interpreter):
            yield compile_script(text, interpreter).text


def test_python_reads_each_value_as_code_when_odd_scripts_are_accepted(count: Count) -> None:
    for text in accepted("python"):
        try:
            with warnings.catch_warnings(action="ignore"):  # of odd escapes, and of `1if`
                tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue  # it will not run
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript) and _is_variable(node.slice)]
        assert len(names) == text.count("PERDURE_V1"), text
        count("python", "odd scripts that were accepted")


def _is_variable(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "PERDURE_V1"


TOKENS = """
const acorn = require("internal/deps/acorn/acorn/dist/acorn")
for (const text of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  let names = 0
  const onToken = token => { if (token.type.label === "name" && token.value === "PERDURE_V1") names++ }
  try {
    acorn.parse(text, {ecmaVersion: "latest", allowReturnOutsideFunction: true, allowHashBang: true, onToken})
  } catch (error) { names = -1 }
  console.log(names)
}
"""
"""The parser that Node itself comes with."""


def test_node_reads_each_value_as_code_when_odd_scripts_are_accepted(tmp_path: Path, count: Count) -> None:
    texts = list(accepted("node"))
    (tmp_path / "tokens.cjs").write_text(TOKENS)
    argv = ["node", "--expose-internals", "--no-warnings", str(tmp_path / "tokens.cjs")]
    output = subprocess.run(
        argv, input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=60
    ).stdout
    for text, names in zip(texts, output.split(), strict=True):
        if int(names) >= 0:
            assert int(names) == text.count("PERDURE_V1"), text
            count("node", "odd scripts that were accepted")


# --- refusals ---------------------------------------------------------------------------------------

REFUSED: list[tuple[Interpreter, str, str]] = [
    ("python", "x = '{{ X }}'", "inside a string"),
    ("python", 'x = "a {{ X }} b"', "inside a string"),
    ("python", "x = '''\n{{ X }}\n'''", "inside a string"),
    ("python", "x = r'{{ X }}'", "inside a string"),
    ("python", "x = b'{{ X }}'", "inside a string"),
    ("python", "x = '\\{{ X }}'", "inside a string"),
    ("python", "x = f'{{ X }}'", "formatted string"),
    ("python", "x = f'{ {{ X }} }'", "formatted string"),
    ("python", 'x = Rf"""{a}{{ X }}"""', "formatted string"),
    ("python", "x.{{ X }}", "touches `.`"),
    ("python", "a{{ X }}", "touches `a`"),
    ("python", "{{ X }}a", "touches `a`"),
    ("python", " {{ X }}a", "touches `a`"),
    ("python", "'a'{{ X }}", "touches `'`"),
    ("python", '{{ X }}"a"', 'touches `"`'),
    ("python", "f(){{ X }}", "touches `)`"),
    ("python", "@{{ X }}\ndef f(): ...", "touches `@`"),
    ("node", "x = '{{ X }}'", "inside a string"),
    ("node", 'x = "{{ X }}"', "inside a string"),
    ("node", "x = `{{ X }}`", "template literal"),
    ("node", "x = `${{ X }}`", "template literal"),
    ("node", "x = `${ `{{ X }}` }`", "template literal"),
    ("node", "x = ${{ X }}", "touches `$`"),
    ("node", "x.{{ X }}", "touches `.`"),
    ("node", "x.#{{ X }}", "touches `#`"),
    ("node", "{{ X }}`a`", "touches ```"),
]


@pytest.mark.parametrize(("interpreter", "text", "reason"), REFUSED)
def test_value_is_refused_when_it_is_no_expression_of_its_own(interpreter: Interpreter, text: str, reason: str) -> None:
    text = text.replace("{{ X }}", "{{ inputs.x }}")
    (error,) = check_script(text, interpreter)
    assert isinstance(error, ShellValueError)
    assert error.code == "unsafe-shell-value"
    assert reason in error.message
    assert text[error.position : error.end] == "{{ inputs.x }}"
    assert error.help
    with pytest.raises(ShellValueError):
        compile_script(text, interpreter)


UNREADABLE: list[tuple[Interpreter, str, str]] = [
    ("python", "x = 'abc", "string is not closed"),
    ("python", "x = 'abc\n'", "string is not closed"),
    ("python", "x = '''abc", "string is not closed"),
    ("python", "x = f'{a", "string is not closed"),
    ("python", "x = f'{a['b']}'", "Python's versions"),
    ("python", "x = f'''{'''", "Python's versions"),
    ("python", "PERDURE_V1", "Perdure's own"),
    ("node", "x = 'abc", "string is not closed"),
    ("node", "x = `abc", "string is not closed"),
    ("node", "x = `${ a", "`${` is not closed"),
    ("node", "/* abc", "comment is not closed"),
    ("node", "}", "closes nothing"),
    ("node", "<!-- it's", "old web pages"),
    ("node", "1\n  --> it's", "old web pages"),
    ("node", "x = /{{ inputs.x }}/", "pattern"),
    ("node", "if (a) /'/.test(b)", "division or a pattern"),
    ("node", "{} /'/.test(b)", "division or a pattern"),
    ("node", "i (true) /a+/.test('a'); show(1)/", "division or a pattern"),
    ("node", "if (a) /b in/.test(c)", "division or a pattern"),
    ("node", "/* it's */ --> it's", "old web pages"),
    ("node", "1 /* it's\n */ --> it's", "old web pages"),
    ("node", "// a\u2028b()", "ends a line"),
    ("python", "# a\rb()", "ends a line"),
    ("node", "`${" * 70, "too deep"),
    ("node", "/* {{ inputs.x }}", "comment is not closed"),
]


@pytest.mark.parametrize(("interpreter", "text", "reason"), UNREADABLE)
def test_script_with_a_value_is_refused_when_it_cannot_be_followed(
    interpreter: Interpreter, text: str, reason: str
) -> None:
    script = "y = [{{ inputs.x }}]\n" + text
    (error,) = check_script(script, interpreter)
    assert error.code == "unsafe-shell-value"
    assert reason in error.message
    assert 0 <= (error.position or 0) < (error.end or 0) <= len(script)
    without = text.replace("{{ inputs.x }}", "x")
    assert compile_script(without, interpreter).text == without


def test_all_refusals_are_found_when_a_program_has_several() -> None:
    errors = check_script("x = '{{ a.b }}' + f'{{ c.d }}'\ny.{{ e.f }}\nz = 'x", "python")
    assert [error.position for error in errors] == [5, 20, 33, 47]


def test_error_of_an_expression_is_reported_when_a_placeholder_is_not_valid() -> None:
    (error,) = check_script("x = {{ inputs.x }} + {{ 1 + }}", "node")
    assert (error.code, error.position) == ("expression-syntax", 26)


def test_text_is_an_expression_of_the_variable_when_it_is_compiled() -> None:
    python = compile_script("x = {{ inputs.x }} # {{ inputs.x }}", "python")
    assert python.text == 'x = __import__("json").loads(__import__("os").environ["PERDURE_V1"]) # {{ inputs.x }}'
    node = compile_script("x = {{ inputs.x }}", "node")
    assert node.text == "x = globalThis.JSON.parse(globalThis.process.env.PERDURE_V1)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é\0", '"\\u00e9\\u0000"'),
        (None, "null"),
        ({"$file": "a/b.xml", "digest": "d", "size": 1}, '"a/b.xml"'),
        ([{"a": {"$file": "c", "digest": "d", "size": 1}}], '[{"a": "c"}]'),
    ],
)
def test_value_is_bound_as_plain_json_when_the_script_is_a_program(value: JsonValue, text: str) -> None:
    assert bind(compile_script("x = {{ inputs.x }}", "python"), {"inputs": {"x": value}}) == {"PERDURE_V1": text}


def test_binding_fails_when_a_value_is_no_text() -> None:
    scope = cast("dict[str, JsonValue]", {"inputs": {"x": ["\ud800"]}})
    with pytest.raises(ExpressionError) as caught:
        bind(compile_script("x = {{ inputs.x }}", "node"), scope)
    assert caught.value.code == "not-unicode"


@pytest.mark.parametrize("interpreter", PROGRAMS)
def test_program_sees_long_values_when_they_go_by_file(interpreter: Interpreter, tmp_path: Path) -> None:
    values: list[JsonValue] = ["é'\"\n" * 20_000, cast("JsonValue", ["a" * 120_000] * 2), *["b" * 100_000] * 12]
    assert run_program(interpreter, [("argument", value) for value in values], tmp_path) == values
