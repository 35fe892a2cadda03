"""What the names of a definition are."""

from typing import Any, Literal

import pytest

from definitions import catalog
from definitions.loader import require
from definitions.steps.base import StepBase
from definitions.types import ANY, Type, TypeScope
from definitions.types.type import FILE, NUMBER, STRING, list_of


def scope_of(steps: str) -> TypeScope:
    return TypeScope(require(f"name: x\ninputs: {{n: {{type: number, default: 1}}}}\nsteps:\n{steps}", "f"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("{v: text}", STRING),
        ("{v: 3}", NUMBER),
        ("{v: [1, 2]}", list_of(NUMBER)),
        ("{v: ['{{ inputs.n }}', 2]}", list_of(NUMBER)),
        ("{v: '{{ inputs.n }} {{ inputs.n }}'}", STRING),
        ("{v: '{{ from_json(\"1\") }}'}", ANY),
        ("{v: []}", list_of(ANY)),
    ],
)
def test_set_value_has_the_type_of_what_is_written(values: str, expected: Type):
    assert scope_of(f"  - {{id: s, type: set, values: {values}}}").outputs("s").fields["v"] == expected


def test_outputs_of_a_shell_step_are_files_when_they_are_paths():
    scope = scope_of("  - {id: s, type: shell, command: x, outputs: {a: a.txt, b: '{{ len(result.stdout) }}'}}")
    found = scope.outputs("s").fields
    assert (found["a"], found["b"], found["exit_code"]) == (FILE, NUMBER, NUMBER)


def test_fields_are_known_when_an_answer_need_not_be_an_object():
    scope = scope_of(
        "  - {id: s, type: agent, provider: scripted, prompt: x, "
        "output_schema: {type: [object, string], properties: {a: {type: string}}}}"
    )
    assert scope.outputs("s").fields == {"a": STRING}
    assert scope.outputs("s").kinds == frozenset()


def test_nothing_is_known_when_a_step_type_is_not_described():
    class Novel(StepBase):
        type: Literal["novel"] = "novel"

    definition = require("name: x\nsteps: [{id: a, type: wait, duration: 1s}]", "f")
    steps: Any = [Novel(id="n", outputs={"v": "{{ result.w }}", "t": "a {{ result.w }}"})]
    scope = TypeScope(definition.model_copy(update={"steps": steps}))
    assert scope.outputs("n").fields == {"v": ANY, "t": STRING}
    assert scope.named("result", steps[0]) == ANY


def test_names_that_are_no_steps_are_anything():
    scope = scope_of("  - {id: s, type: wait, duration: 1s}")
    assert scope.named("item") == ANY
    assert scope.named("steps") == ANY
    assert scope.step("nowhere") == ANY
    assert scope.step("s").fields["cached"].kinds == {"boolean"}


@pytest.mark.parametrize("name", catalog.names())
def test_types_are_found_when_a_definition_is_of_the_catalog(name: str):
    definition = require(*catalog.read(name))
    scope = TypeScope(definition)
    assert all(scope.step(step.id).fields for step in definition.steps)
