"""Each function: its example, its bounds, its faults; and the page that describes them all."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from definitions.errors import ExpressionError
from definitions.evaluation import FilesNeeded
from definitions.expressions import evaluate, parse
from definitions.functions import FUNCTIONS
from definitions.functions.reference import functions_table, refresh

PAGE = Path(__file__).parents[2] / "docs" / "expressions.md"


class Reader:
    """A reader over a dict of files, and of stored values."""

    def __init__(self, contents: dict[str, bytes] | None = None, stored: dict[str, object] | None = None) -> None:
        self.contents = contents or {}
        self.stored = stored or {}
        self.calls: list[tuple[str, list[object]]] = []

    def read(self, source: object) -> bytes:
        return self.contents[source["$file"] if isinstance(source, dict) else source]

    def value(self, digest: str) -> object:
        return self.stored[digest]

    def call(self, name: str, arguments: Sequence[object]) -> object:
        self.calls.append((name, list(arguments)))
        return {"line_coverage": 81.5, "files": {"src/a.py": {"line_coverage": 70}, "lib/src/a.py": {}}}


def value_of(text: str, **scope: object) -> object:
    return evaluate(parse(text), scope)


def failure_of(text: str, **scope: object) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse(text), scope)
    return caught.value


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function.gives])
def test_function_gives_what_its_page_says(name: str):
    function = FUNCTIONS[name]
    value = value_of(function.example)
    assert value == json.loads(function.gives)
    assert type(value) is type(json.loads(function.gives))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_documented_and_its_example_parses(name: str):
    function = FUNCTIONS[name]
    assert function.doc.endswith((".", ")"))
    assert name in [call.name for call in parse(function.example).calls]
    assert parse(function.example).reads_files == function.reads_files


def test_page_is_current_when_its_table_is_made_anew():
    page = PAGE.read_text(encoding="utf-8")
    assert page == refresh(page), "run `python tests/support/write_docs.py`"
    assert functions_table() in page


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("contains([1, 2], 2)", True),
        ('contains({"a": 1}, "a")', True),
        ('"a b  c".split()', ["a", "b", "c"]),
        ('join([1.5, {"a": null}, "x"])', '1.5{"a":null}x'),
        ('"a/b".slug()', "a-b"),
        ('matches("abc", "b")', False),
        ('matches("abc", ".*b.*")', True),
        ("round(2.5)", 2),
        ("round(7, 2)", 7),
        ("abs(1.5)", 1.5),
        ("sum([])", 0),
        ("sum([0.1, 0.2, 0.3])", 0.6),
        ('max("a", "b")', "b"),
        ("min([2, 1.5])", 1.5),
        ("int(3.9)", 3),
        ("int(-3.9)", -3),
        ('int(" +7 ")', 7),
        ('float("1e3")', 1000.0),
        ("float(2)", 2.0),
        ('str({"a": [true, null]})', '{"a":[true,null]}'),
        ('str("a")', "a"),
        ("json(null)", "null"),
        ('from_json("{\\"a\\": 1.5}").a', 1.5),
        ("range(2, 8, 3)", [2, 5]),
        ("range(3, 0, -1)", [3, 2, 1]),
        ("range(0)", []),
        ('sort(["b", "a"])', ["a", "b"]),
        ("sort([])", []),
        ("unique([1, true, 1.5, 1])", [1, True, 1.5]),
        ('unique([{"a": 1}, {"a": 1}])', [{"a": 1}]),
        ("any([])", False),
        ("all([])", True),
        ("keys({})", []),
        ("last([[1]])", [1]),
        ("default(inputs.a, 1)", 1),
        ("default([1][3], 2)", 2),
        ("default(default(inputs.a.b, inputs.c), 3)", 3),
        ("default(0, 1)", 0),
        ('default("", 1)', ""),
        ("default(1, inputs.missing)", 1),
        ("exists(inputs.a)", False),
        ("exists(inputs)", True),
        ("first([]) if exists(first([])) else 0", 0),
    ],
)
def test_function_gives(text: str, value: object):
    assert value_of(text, inputs={}) == value
    assert type(value_of(text, inputs={})) is type(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("first([])", "no-such-item"),
        ("last([])", "no-such-item"),
        ("min([])", "no-such-item"),
        ("max(1, true)", "type-mismatch"),
        ('min("a", 1)', "type-mismatch"),
        ("sort([true, false])", "type-mismatch"),
        ("sort([1, null])", "type-mismatch"),
        ("sort([[1], [2]])", "type-mismatch"),
        ('sum(["1"])', "type-mismatch"),
        ("sum([true])", "type-mismatch"),
        ("any([1])", "type-mismatch"),
        ("all([null])", "type-mismatch"),
        ("contains(inputs.text, 1)", "type-mismatch"),
        ('contains([1], "a")', "type-mismatch"),
        ("range(-9223372036854775807, 9223372036854775807)", "result-too-big"),
        ("range(0, 9223372036854775807, 1)", "result-too-big"),
        ("sum([9223372036854775807, 1])", "number-out-of-range"),
        ("sum([1.7e308, 1.7e308])", "number-out-of-range"),
        ("abs(-9223372036854775807 - 1)", "number-out-of-range"),
        ('int("1.5")', "bad-argument"),
        ('int("99999999999999999999")', "number-out-of-range"),
        ('int("\u0661")', "bad-argument"),
        ('int("1_0")', "bad-argument"),
        ('float("nan")', "bad-argument"),
        ('float("1e999")', "number-out-of-range"),
        ('from_json("{")', "bad-argument"),
        ('from_json("NaN")', "bad-argument"),
        ('from_json("1e999")', "number-out-of-range"),
        ('from_json("9223372036854775808")', "number-out-of-range"),
        ("round(1, 16)", "bad-argument"),
        ("round(1, 0.5)", "bad-argument"),
        ("range(1.5)", "bad-argument"),
        ("range(1, 2, 0)", "bad-argument"),
        ("range(10001)", "result-too-big"),
        ('replace("a", "", "b")', "bad-argument"),
        ('split("a", "")', "bad-argument"),
        ("replace(inputs.long, 'a', 'bbbbbbbbbb')", "result-too-big"),
        ("join([inputs.long, inputs.long, inputs.long], '-')", "result-too-big"),
        ("join([null])", "null-in-text"),
        ("str(null)", "null-in-text"),
        ('matches("a", "(a")', "bad-pattern"),
        ("matches(inputs.long, 'a')", "bad-argument"),
        ("default(1 / 0, 1)", "division-by-zero"),
        ("exists(1 / 0)", "division-by-zero"),
        ("inputs.text.file('a')", "type-mismatch"),
        ("inputs.report.file('b')", "no-such-field"),
        ("inputs.file()", "wrong-arguments"),
        ("inputs.file('a')", "bad-argument"),
        ('unique(range("a"))', "type-mismatch"),
    ],
)
def test_function_fails(text: str, code: str):
    inputs = {"text": "abc", "long": "a" * 100_000, "report": {"files": {}}}
    error = failure_of(text, inputs=inputs)
    assert error.code == code
    assert text[error.position : error.end]


def test_work_is_bounded_when_functions_go_through_much():
    items = {"items": list(range(5000))}
    assert value_of(f"[{', '.join(['len(sort(inputs.items))'] * 30)}]", inputs=items) == [5000] * 30
    text = f"[{', '.join(['len(sort(inputs.items))'] * 120)}]"
    assert failure_of(text, inputs=items).code == "expression-too-expensive"


def test_patterns_are_charged_when_they_are_costly():
    text = "[" + ", ".join(['matches(inputs.a, "(a?){200}b")'] * 10) + "]"
    assert failure_of(text, inputs={"a": "a" * 1000}).code == "expression-too-expensive"


def test_hash_is_of_the_content_when_the_value_is_a_file():
    file = {"$file": "a.py", "digest": "ab" * 32, "size": 1}
    assert value_of("hash(inputs.f)", inputs={"f": file}) == "ab" * 32
    assert value_of("hash(inputs.f, 1)", inputs={"f": file}) != value_of("hash('a.py', 1)")
    assert value_of("inputs.x.hash()", inputs={"x": {"b": 1, "a": 2}}) == value_of("hash({'a': 2, 'b': 1})")


def test_hash_reads_the_workspace_when_a_file_has_no_digest_yet():
    scope = {"inputs": {"f": {"$file": "a.py"}}}
    with pytest.raises(FilesNeeded):
        evaluate(parse("hash(inputs.f)"), scope)
    hashed = evaluate(parse("hash(inputs.f)"), scope, Reader({"a.py": b"x"}))
    assert hashed == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def test_file_function_is_called_through_the_reader_when_there_is_one():
    reader = Reader()
    file = {"$file": "c.xml", "digest": "d", "size": 1}
    scope = {"inputs": {"f": file, "module": "./src/a.py"}}
    expression = parse("parse_coverage(inputs.f).file(inputs.module).line_coverage < 90")
    assert expression.reads_files
    assert evaluate(expression, scope, reader) is True
    assert reader.calls == [("parse_coverage", [file])]
    with pytest.raises(FilesNeeded, match="reads a file"):
        evaluate(expression, scope)


@pytest.mark.parametrize(
    ("path", "found"), [("src/a.py", 70), ("./src/a.py", 70), ("work/b/main.py", 5), ("main.py", 5)]
)
def test_report_of_a_file_is_found_when_paths_differ_at_their_beginning(path: str, found: int):
    files = {"src/a.py": {"n": 70}, "lib/src/a.py": {"n": 1}, "b/main.py": {"n": 5}}
    assert value_of("r.file(p).n", r={"files": files}, p=path) == found


def test_report_of_a_file_is_refused_when_several_files_fit():
    files = {"x/a.py": {}, "y/a.py": {}}
    assert "2 files" in failure_of("r.file('a.py')", r={"files": files}).message
    assert "says nothing" in failure_of("r.file('b.py')", r={"files": files}).message


def test_declared_body_says_where_it_is_when_it_is_called_directly():
    with pytest.raises(NotImplementedError, match="FileReader"):
        FUNCTIONS["read_json"].body("a.json")
