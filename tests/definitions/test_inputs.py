import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from definitions.errors import DefinitionInvalid
from definitions.inputs import check_inputs, declaration_faults, fault_of, is_inside_workspace, parse_assignment
from definitions.loader import require
from definitions.models import Definition, Input

TEXT = """
name: typed
inputs:
  text: {type: string, default: a, pattern: "[a-z]+"}
  number: {type: number, default: 1.5, minimum: 0, maximum: 10}
  integer: {type: integer, default: 3}
  boolean: {type: boolean, default: false}
  object: {type: object, default: {a: 1}}
  array: {type: array, default: [1]}
  file: {type: file, default: src/a.py}
  duration: {type: duration, default: 5m}
  choice: {enum: [fast, slow], default: fast}
  free: {required: false}
  needed: {description: what is needed}
steps:
  - {id: a, type: wait, duration: 1s}
"""


@pytest.fixture
def definition() -> Definition:
    return require(TEXT, "typed.yaml")


def test_defaults_are_filled_in_when_values_are_absent(definition: Definition):
    values, findings = check_inputs(definition, {"needed": "x"})
    assert findings == []
    assert values == {
        "text": "a", "number": 1.5, "integer": 3, "boolean": False, "object": {"a": 1}, "array": [1],
        "file": "src/a.py", "duration": "5m", "choice": "fast", "free": None, "needed": "x",
    }  # fmt: skip


def test_default_is_taken_when_null_is_given(definition: Definition):
    assert check_inputs(definition, {"needed": "x", "integer": None})[0]["integer"] == 3


def test_all_findings_come_when_several_values_are_wrong(definition: Definition):
    findings = check_inputs(definition, {"integr": 1, "number": 11, "zebra": 1})[1]
    assert [finding.code for finding in findings] == [
        "unknown-input",
        "unknown-input",
        "invalid-input",
        "missing-input",
    ]
    assert findings[0].help == "did you mean `integer`?"
    assert findings[3].notes[0].message == "what is needed"


def test_help_says_so_when_there_are_no_inputs():
    plain = require("name: x\nsteps: [{id: a, type: wait, duration: 1s}]\n", "x")
    assert check_inputs(plain, {"a": 1})[1][0].help == "it takes no inputs"


FIT: list[tuple[str, JsonValue]] = [
    ("text", "abc"), ("number", 3), ("number", 0), ("integer", -4), ("boolean", True), ("object", {}), ("array", []),
    ("file", "./a/../b"), ("duration", "1h30m"), ("choice", "slow"),
]  # fmt: skip
UNFIT: list[tuple[str, JsonValue]] = [
    ("text", 1), ("text", "ABC"), ("text", "abc\n"), ("text", "xabc1"), ("number", "3"), ("number", True),
    ("number", -1), ("number", float("nan")), ("number", float("inf")), ("integer", 1.5), ("integer", True),
    ("boolean", 0),
    ("boolean", "true"), ("object", []), ("array", {}), ("file", "/etc/passwd"), ("file", "../x"), ("file", ""),
    ("file", "a\0b"), ("file", "a\\b"), ("file", 3), ("duration", 5), ("duration", "5"), ("choice", "other"),
    ("choice", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), FIT)
def test_value_is_taken_when_it_fits(definition: Definition, name: str, value: JsonValue):
    values, findings = check_inputs(definition, {"needed": "x", name: value})
    assert findings == []
    assert values[name] == value


@pytest.mark.parametrize(("name", "value"), UNFIT)
def test_value_is_refused_when_it_does_not_fit(definition: Definition, name: str, value: JsonValue):
    findings = check_inputs(definition, {"needed": "x", name: value})[1]
    assert [finding.code for finding in findings] == ["invalid-input"]
    assert f"`{name}`" in findings[0].message


def test_true_is_not_one_when_an_enum_is_checked():
    assert fault_of(Input(type="integer", enum=[1]), True) is not None
    assert fault_of(Input(type="array", enum=[[1]]), [1]) is None


def test_value_is_refused_when_it_is_nested_too_deep():
    value: JsonValue = []
    for _ in range(100):
        value = [value]
    assert "nested" in (fault_of(Input(type="array"), value) or "")


def test_shown_value_is_cut_when_it_is_long():
    assert len(fault_of(Input(type="number"), "x" * 10_000) or "") < 200


def test_pattern_takes_no_time_when_it_is_hostile():
    declared = Input(pattern="(a+)+b")
    assert fault_of(declared, "a" * 50_000) is not None


ASSIGNMENTS: list[tuple[str, JsonValue]] = [
    ("text=a", "a"), ("number=2.5", 2.5), ("integer=7", 7), ("boolean=true", True), ('object={"b": [1]}', {"b": [1]}),
    ("array=[1, 2]", [1, 2]), ("file=a=b.txt", "a=b.txt"), ("duration=90s", "90s"), ("needed=12", "12"),
    ("needed=", ""),
]  # fmt: skip


@pytest.mark.parametrize(("assignment", "value"), ASSIGNMENTS)
def test_value_has_the_declared_type_when_assigned(definition: Definition, assignment: str, value: JsonValue):
    assert parse_assignment(definition, assignment) == (assignment.split("=")[0], value)


@pytest.mark.parametrize(
    ("assignment", "code"),
    [
        ("text", "invalid-input"),
        ("tex=a", "unknown-input"),
        ("=a", "unknown-input"),
        ("number=NaN", "invalid-input"),
        ("number=three", "invalid-input"),
        ("boolean=yes", "invalid-input"),
        ("integer=" + "[" * 100_000, "invalid-input"),
        ("file=../../x", "invalid-input"),
    ],
)
def test_assignment_is_refused_when_it_is_wrong(definition: Definition, assignment: str, code: str):
    with pytest.raises(DefinitionInvalid) as caught:
        parse_assignment(definition, assignment)
    assert [finding.code for finding in caught.value.diagnostics] == [code]


@pytest.mark.parametrize(
    ("declared", "key"),
    [
        (Input(pattern="("), "pattern"),
        (Input(pattern="(?=a)"), "pattern"),
        (Input(pattern="a{100000}{100000}"), "pattern"),
        (Input(type="number", minimum=3, maximum=2), "minimum"),
        (Input(type="number", default="x"), "default"),
        (Input(enum=["a"], default="b"), "default"),
    ],
)
def test_declaration_is_faulty_when_it_contradicts_itself(declared: Input, key: str):
    assert [path for path, _ in declaration_faults(declared)] == [(key,)]


def test_declaration_is_sound_when_nothing_contradicts():
    assert list(declaration_faults(Input(type="number", minimum=1, maximum=2, default=1.5))) == []


@pytest.mark.parametrize("path", ["a", "a/b", "./a", "a/../b", "a//b", ".hidden", "a/.."])
def test_path_is_inside_when_it_stays_below_the_top(path: str):
    assert is_inside_workspace(path)


@pytest.mark.parametrize("path", ["", "/", "..", "a/../..", "../a", "~/x", "a\\..\\b", "a\0"])
def test_path_is_outside_when_it_leaves_the_top(path: str):
    assert not is_inside_workspace(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(["text", "number", "file", "needed", "other"]), JSON))
def test_nothing_is_raised_when_any_values_are_given(given_values: dict[str, JsonValue]):
    definition = require(TEXT, "typed.yaml")
    values, findings = check_inputs(definition, given_values)
    assert set(values) == set(definition.inputs)
    assert ("other" in given_values) == any(finding.code == "unknown-input" for finding in findings)


NOT_CARRIED: dict[str, JsonValue] = {
    "half a pair": "\ud83d",
    "half a pair in a list": ["\ud83d"],
    "half a pair as a key": {"\ud83d": 1},
    "infinity": {"a": float("inf")},
    "not a number": [[float("nan")]],
    "many digits": {"a": 10**5000},
    "64 bits": [2**63],
    "file": {"$file": "/etc/passwd", "digest": "0", "size": 1},
    "stored value": [{"$value": "0" * 64, "size": 1}],
    "deep file": {"a": {"b": [{"$file": "x"}]}},
}


@pytest.mark.parametrize("name", NOT_CARRIED)
def test_value_is_refused_when_no_run_can_carry_it(name: str):
    value = NOT_CARRIED[name]
    declared = Input(type="array" if isinstance(value, list) else "string" if isinstance(value, str) else "object")
    fault = fault_of(declared, value)
    assert fault is not None
    assert len(fault) < 200
    fault.encode()


def test_number_is_refused_when_it_has_too_many_digits_to_be_written():
    for kind in ("integer", "number"):
        assert fault_of(Input(type=kind), 10**5000) == "holds a number that does not fit 64 bits"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(ANYTHING)
@settings(max_examples=60)
def test_findings_can_be_said_when_any_value_is_given(value: JsonValue):
    definition = require(TEXT, "typed.yaml")
    for name in definition.inputs:
        values, findings = check_inputs(definition, {"needed": "x", name: value})
        assert all(len(finding.message) < 300 for finding in findings)
        if not findings:
            json.dumps(values, allow_nan=False).encode()
