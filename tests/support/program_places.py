"""Places of Python and Node scripts that take a value, and the real interpreters that say what they saw.

Each snippet calls `show` with one value, which is printed as JSON.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis.strategies as st
from pydantic import JsonValue

from definitions.shell_values import Interpreter, bind, bound_text, compile_script
from tests.support.shell_places import HOSTILE, hostile_text, laid_out, run_text

COMMANDS: dict[Interpreter, tuple[str, ...]] = {"python": (sys.executable, "-W", "error"), "node": ("node",)}
_SUFFIXES: dict[Interpreter, str] = {"python": ".step.py", "node": ".step.cjs"}
_SHOW: dict[Interpreter, str] = {
    "python": "from __future__ import annotations\n"
    "def show(value): import sys, json; sys.stdout.write(json.dumps(value) + '\\0')\n",
    "node": "'use strict'\nfunction show(value) { process.stdout.write(JSON.stringify(value) + '\\0') }\n",
}

VALUES: list[JsonValue] = [
    *HOSTILE,
    "\0",
    "{{ inputs.x }}",
    "{x}",
    "${x}",
    "\\u0041",
    "</script>",
    "*/ boom() /*",
    "'''\nboom()\n'''",
    "__import__('os').system('touch CANARY')",
    "require('fs').writeFileSync('CANARY', '')",
    None,
    True,
    False,
    0,
    -1,
    2**53 - 1,
    1.5,
    -1e300,
    [],
    {},
    [None, [1, "a"], {"b": ["'"]}],
    {"": 1, "__proto__": {"x": 1}, "a'b\"c": [True], "é\u2028": None},
]
any_value: st.SearchStrategy[JsonValue] = st.recursive(
    st.one_of(
        hostile_text,
        st.none(),
        st.booleans(),
        st.integers(-(2**53) + 1, 2**53 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_text, inner, max_size=3),
    max_leaves=5,
)


@dataclass(frozen=True)
class ProgramPlace:
    """A place that takes a value: a snippet that shows something, and what that must be."""

    snippet: str
    seen: Callable[[JsonValue], JsonValue]


def _itself(value: JsonValue) -> JsonValue:
    return value


PYTHON = {
    "argument": ProgramPlace("show({{X}})", _itself),
    "argument by name": ProgramPlace("show(value={{X}})", _itself),
    "assignment": ProgramPlace("x = {{X}}\nshow(x)", _itself),
    "assignment without blanks": ProgramPlace("x={{X}};show(x)", _itself),
    "annotated assignment": ProgramPlace("x: object = {{X}}\nshow(x)", _itself),
    "list": ProgramPlace("show([{{X}}, {{X}}])", lambda v: [v, v]),
    "tuple": ProgramPlace("x, y = {{X}}, 1\nshow(x)", _itself),
    "mapping's value": ProgramPlace("show({'a': {{X}} })", lambda v: {"a": v}),
    "call on it": ProgramPlace("show({{X}}.__class__.__name__ == type({{X}}).__name__)", lambda v: True),
    "subscript of it": ProgramPlace("show([{{X}}][0])", _itself),
    "subscript": ProgramPlace("show([1, 2][{{X}} is None])", lambda v: 2 if v is None else 1),
    "comparison": ProgramPlace("show({{X}} == {{X}})", lambda v: True),
    "negation": ProgramPlace("show(not {{X}})", lambda v: not v),
    "conditional": ProgramPlace("show({{X}} if {{X}} is not None else None)", _itself),
    "keyword before": ProgramPlace("def f():\n    return {{X}}\nshow(f())", _itself),
    "default": ProgramPlace("def f(x={{X}}):\n    return x\nshow(f())", _itself),
    "lambda": ProgramPlace("show((lambda: {{X}})())", _itself),
    "comprehension": ProgramPlace("show([x for x in [{{X}}] if True][0])", _itself),
    "assert": ProgramPlace("assert [{{X}}], {{X}}\nshow(1)", lambda v: 1),
    "match": ProgramPlace("x = (({{X}}))\nshow(x)", _itself),
    "continued line": ProgramPlace("x = \\\n    {{X}}\nshow(x)", _itself),
    "lines in brackets": ProgramPlace("show(  # it's\n    {{X}}  # {{X}} '''\n)", _itself),
    "after a comment": ProgramPlace('# don\'t {{X}} """\nshow({{X}})', _itself),
    "after strings": ProgramPlace(
        "a = 'it\\'s \"#' + \"'#\\\\\" + r'\\' + '''\n' \"\"\" # ''' + \"\"\"'''\\\"\"\"\"\nshow({{X}})",
        _itself,
    ),
    "after bytes": ProgramPlace("a = b'\\'' + rb'\\'' + Rb\"\"\"'\"\"\"\nshow({{X}})", _itself),
    "after a formatted string": ProgramPlace("b = 1\na = f'{b}\"{b!r:>{b}} {{ '{{' }}'\nshow({{X}})", _itself),
    "after a raw formatted string": ProgramPlace(
        "b = 1\na = rf'''{b}'\\\\''' + fR\"\"\"{'a'}\"\"\"\nshow({{X}})", _itself
    ),
    "beside a string": ProgramPlace("show(['a', {{X}}, 'b'])", lambda v: ["a", v, "b"]),
    "joined to a string": ProgramPlace("show('a'+str({{X}})+'b')", lambda v: f"a{v}b"),
    "through a formatted string": ProgramPlace("x = {{X}}\nshow(f'a {x} b')", lambda v: f"a {v} b"),
    "class": ProgramPlace("class C:\n    x = {{X}}\nshow(C.x)", _itself),
    "names that are taken": ProgramPlace("def f(json, os):\n    return {{X}}\nshow(f(1, 2))", _itself),
    "each is its own": ProgramPlace("x = [{{X}}]\nx.append(1)\nshow({{X}})", _itself),
    "spread": ProgramPlace("show([*[{{X}}]])", lambda v: [v]),
    "author's braces": ProgramPlace("show(['{{ '{{' }}', {{X}}])", lambda v: ["{{", v]),
    "prefix that is a name": ProgramPlace("barf = 1\nshow([barf, {{X}}])", lambda v: [1, v]),
}

NODE = {
    "argument": ProgramPlace("show({{X}})", _itself),
    "assignment": ProgramPlace("{ const x = {{X}}\nshow(x) }", _itself),
    "assignment without blanks": ProgramPlace("{let x={{X}};show(x)}", _itself),
    "list": ProgramPlace("show([{{X}}, {{X}}])", lambda v: [v, v]),
    "object's value": ProgramPlace("show({a: {{X}} })", lambda v: {"a": v}),
    "computed key": ProgramPlace(
        "show(Object.keys({[{{X}} === null]: 1}))", lambda v: ["true" if v is None else "false"]
    ),
    "spread": ProgramPlace("show([...[{{X}}], ...[{{X}}].concat(...[1])])", lambda v: [v, v, 1]),
    "spread of it": ProgramPlace("show({...{{X}} } instanceof Object)", lambda v: True),
    "subscript": ProgramPlace("show([{{X}}][0])", _itself),
    "negation": ProgramPlace("show([!{{X}} === !{{X}}])", lambda v: [True]),
    "conditional": ProgramPlace("show({{X}} !== null ? {{X}} : null)", _itself),
    "keyword before": ProgramPlace("show((() => { return {{X}} })())", _itself),
    "arrow": ProgramPlace("show((() => {{X}})())", _itself),
    "default": ProgramPlace("show(((x = {{X}}) => x)())", _itself),
    "template literal": ProgramPlace("show(`a ${ JSON.stringify([{{X}}]).length > 1 } b`)", lambda v: "a true b"),
    "nested template literals": ProgramPlace(
        "show([`a ${ `b ${ [{ 'c': '}' }, {{X}}].length } \\`` }`, {{X}}])", lambda v: ["a b 2 `", v]
    ),
    "lines in brackets": ProgramPlace("show( // it's\n  {{X}} // {{X}} `\n)", _itself),
    "block comment": ProgramPlace("show(/* it's {{X}} ` */ {{X}} /**/)", _itself),
    "after strings": ProgramPlace("var a = 'it\\'s \"//' + \"'/*\\\\\" + '\\\n' + `'\"`; show({{X}})", _itself),
    "after a pattern": ProgramPlace("var a = /['\"`]\\/[/]/g; show({{X}})", _itself),
    "after patterns in a call": ProgramPlace("'a'.replace(/'/, '').split(/[`\"]/); show({{X}})", _itself),
    "after a returned pattern": ProgramPlace("(() => { return /'/ })(); show({{X}})", _itself),
    "after divisions": ProgramPlace(
        "var a = 4, b = (a + 4) / 2 / a, c = [1][0] / 2; show([b, {{X}}])", lambda v: [1, v]
    ),
    "after a condition and a pattern": ProgramPlace("if (true) /a+b/.test('a'); show({{X}})", _itself),
    "after a division and a comment": ProgramPlace("var a = (4) / 2 // it's\nshow({{X}})", _itself),
    "after a division by it": ProgramPlace("show([typeof ({{X}} / 2), 1 / 2])", lambda v: ["number", 0.5]),
    "after generators": ProgramPlace("var a = 1; a++; show([a, {{X}}])", lambda v: [2, v]),
    "names that are taken": ProgramPlace("show(((process, JSON) => [{{X}}])()[0])", _itself),
    "each is its own": ProgramPlace("{ const x = [{{X}}]; x.push(1); show({{X}}) }", _itself),
    "class": ProgramPlace("show(new (class { x = {{X}} })().x)", _itself),
    "arrow to zero": ProgramPlace("{ let n = 1; while (n-->0) show({{X}}) }", _itself),
    "author's braces": ProgramPlace("show(['{{ '{{' }}', `{{ '}}' }}`, {{X}}])", lambda v: ["{{", "}}", v]),
}
PROGRAMS: dict[Interpreter, Mapping[str, ProgramPlace]] = {"python": PYTHON, "node": NODE}


def run_program(
    interpreter: Interpreter, cases: Sequence[tuple[str, JsonValue]], folder: Path, locale: str = "C.UTF-8"
) -> list[JsonValue]:
    """Run one script of many snippets; return what each showed."""
    places = PROGRAMS[interpreter]
    text = _SHOW[interpreter]
    for index, (name, _) in enumerate(cases):
        text += places[name].snippet.replace("{{X}}", f"{{{{ inputs.v{index} }}}}") + "\n;"
        text += "\n" if interpreter == "node" else "None\n"
    text = text.replace("\n;None\n", "\n")
    inputs: dict[str, JsonValue] = {f"v{index}": value for index, (_, value) in enumerate(cases)}
    script = compile_script(text, interpreter)
    bound = bind(script, {"inputs": inputs})
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": locale, **laid_out(bound, folder)}
    output = run_text(bound_text(script, bound), COMMANDS[interpreter], environment, folder, _SUFFIXES[interpreter])
    # a number of Node's is a float, also where it is printed without a point
    number = float if interpreter == "node" else int
    return [json.loads(piece, parse_int=number) for piece in output.split(b"\0")[:-1]]
