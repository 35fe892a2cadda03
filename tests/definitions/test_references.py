"""What a step refers to, found by the marks in its model."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, JsonValue

from definitions.errors import ExpressionError
from definitions.models import Definition
from definitions.references import FieldText, project, reads_files, references, scope_path, texts
from definitions.steps import AgentStep, GroupStep, SetStep, ShellStep
from definitions.steps.base import Condition, Holds, Language, Template, TemplateValue
from definitions.templates import parse_template


def step(**fields: Any) -> ShellStep:
    return ShellStep.model_validate({"id": "a", "type": "shell", "command": "true", **fields})


class Inner(BaseModel):
    """A model with a marked text."""

    text: Template = ""
    plain: str = ""


class Plain(BaseModel):
    """A model without any."""

    plain: str = ""


class Outer(BaseModel):
    """Marks at every place where one may stand."""

    direct: Template = ""
    optional: Condition | None = None
    items: list[Template] = []
    pairs: dict[str, list[Template]] = {}
    either: list[TemplateValue] | dict[str, TemplateValue] = []
    several: tuple[Template, ...] = ()
    inner: Inner = Inner()
    inners: dict[str, Inner | Plain] = {}
    value: TemplateValue = None
    nested: Annotated[list[Annotated[str, Holds(Language.SHELL)]], "note"] = []
    unmarked: list[str] | dict[str, JsonValue] | Plain = []


def test_texts_are_found_wherever_a_mark_may_stand():
    model = Outer(
        direct="1",
        optional="2",
        items=["3"],
        pairs={"k": ["4"]},
        either={"k": ["5", {"l": "6", "m": 0}]},
        several=("7",),
        inner=Inner(text="8", plain="no"),
        inners={"x": Inner(text="9"), "y": Plain(plain="no")},
        value={"a": ["10", None]},
        nested=["11"],
        unmarked=["no"],
    )
    assert [(text.text, text.path, text.language.value) for text in texts(model)] == [
        ("1", ("direct",), "template"),
        ("2", ("optional",), "condition"),
        ("3", ("items", 0), "template"),
        ("4", ("pairs", "k", 0), "template"),
        ("5", ("either", "k", 0), "template"),
        ("6", ("either", "k", 1, "l"), "template"),
        ("7", ("several", 0), "template"),
        ("8", ("inner", "text"), "template"),
        ("9", ("inners", "x", "text"), "template"),
        ("10", ("value", "a", 0), "template"),
        ("11", ("nested", 0), "shell"),
    ]


def test_texts_of_steps_inside_are_left_out_when_the_step_is_a_group():
    group = GroupStep.model_validate(
        {
            "id": "g",
            "type": "group",
            "when": "env.X == null",
            "steps": [{"id": "a", "type": "shell", "command": "{{ x }}"}],
        }
    )
    assert [text.text for text in texts(group)] == ["env.X == null"]


def test_path_is_that_of_the_file_when_a_field_has_another_name():
    definition = Definition.model_validate(
        {"id": "d", "name": "d", "outputs": {"o": {"value": "{{ a.outputs.b }}"}}, "env": {"A": "{{ env.B }}"},
         "steps": [{"id": "a", "type": "shell", "command": "true"}]}
    )  # fmt: skip
    assert [text.path for text in texts(definition)] == [("outputs", "o", "value"), ("env", "A")]


def test_references_are_whole_paths_when_ids_stand_alone():
    found = references(
        step(
            command="echo {{ inputs.x }} '{{ build.outputs.list[0].name }}'",
            when="{{ steps.run-tests.status }} == 'failed' and default(env.CI, '') != ''",
            env={"A": "{{ inputs[env.B] }}"},
            cache={"salt": "{{ run.id }}"},
        )
    )
    assert found == {
        ("inputs", "x"),
        ("steps", "build", "outputs", "list"),
        ("steps", "run-tests", "status"),
        ("env", "CI"),
        ("env", "B"),
        ("inputs",),
        ("run", "id"),
    }


def test_references_of_a_shell_text_are_found_when_they_stand_in_a_comment():
    assert references(step(command="true # {{ inputs.x }}")) == {("inputs", "x")}


def test_reference_fails_when_a_text_is_not_valid():
    with pytest.raises(ExpressionError):
        references(step(command="echo {{ 1 + }}"))


def test_expressions_of_a_text_are_those_of_its_language():
    condition = FieldText(("when",), Language.CONDITION, "a.b == 1")
    template = FieldText(("env", "A"), Language.TEMPLATE, "{{ a.b }} {{ c }}")
    plain = FieldText(("env", "B"), Language.TEMPLATE, "a.b")
    assert [len(text.expressions) for text in (condition, template, plain)] == [1, 2, 0]
    assert [len(text.references) for text in (condition, template, plain)] == [1, 2, 0]


def test_step_reads_files_when_a_text_calls_such_a_function():
    assert reads_files(texts(step(when="file_exists('a')")))
    assert not reads_files(texts(step(when="exists(inputs.a)")))
    agent = AgentStep.model_validate(
        {"id": "a", "type": "agent", "prompt": "x", "inputs": {"n": ["{{ read_json('a') }}"]}}
    )
    assert reads_files(texts(agent))


def test_path_ends_where_it_is_no_longer_made_of_names():
    (reference,) = parse_template("{{ steps.a.outputs.b[0].c }}").references
    assert scope_path(reference) == ("steps", "a", "outputs", "b")


FILE = {"$file": "p", "size": 1}
STORED = {"$value": "d", "size": 1}
SCOPE: dict[str, Any] = {
    "inputs": {"x": 1, "y": {"a": {"b": 2, "c": 3}}},
    "steps": {
        "build": {"status": "completed", "outputs": {"n": 1, "f": FILE, "v": STORED}},
        "skipped": {"status": "skipped", "outputs": None},
        "other": {"outputs": {"big": "x"}},
    },
    "env": {"A": "1", "B": "2"},
    "run": {"id": "r"},
    "stdout": "text",
}  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "projected"),
    [
        ([], {}),
        ([("inputs", "x")], {"inputs": {"x": 1}}),
        ([("inputs", "y", "a", "b"), ("inputs", "x")], {"inputs": {"x": 1, "y": {"a": {"b": 2}}}}),
        ([("inputs",), ("inputs", "x")], {"inputs": SCOPE["inputs"]}),
        ([("inputs", "y", "a"), ("inputs", "y", "a", "b")], {"inputs": {"y": {"a": {"b": 2, "c": 3}}}}),
        ([("inputs", "zzz")], {"inputs": {}}),
        ([("zzz", "a")], {}),
        ([("steps", "build", "outputs", "f", "path")], {"steps": {"build": {"outputs": {"f": FILE}}}}),
        ([("steps", "build", "outputs", "v", "a")], {"steps": {"build": {"outputs": {"v": STORED}}}}),
        ([("steps", "skipped", "outputs", "a")], {"steps": {"skipped": {"outputs": None}}}),
        ([("steps", "stdout")], {"steps": {}, "stdout": "text"}),
        ([("env", "A"), ("run", "id")], {"env": {"A": "1"}, "run": {"id": "r"}}),
    ],
)  # fmt: skip
def test_scope_is_cut_to_what_is_referred_to(paths: list[tuple[str, ...]], projected: Any):
    before = repr(SCOPE)
    assert project(SCOPE, paths) == projected
    assert project(SCOPE, reversed(paths)) == projected
    assert repr(SCOPE) == before


def test_values_of_set_are_texts_when_they_are_nested():
    values = SetStep.model_validate({"id": "s", "type": "set", "values": {"a": {"b": ["{{ inputs.x }}"]}}})
    assert [text.path for text in texts(values)] == [("values", "a", "b", 0)]
