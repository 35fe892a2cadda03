import pytest

from definitions import catalog
from definitions.loader import load, require
from definitions.steps import AgentStep, ApprovalStep, AssertStep, GroupStep, ShellStep, Step
from definitions.steps.gates import Accept, Approval

NAMES = catalog.names()


def flat(steps: list[Step]) -> list[Step]:
    return [step for outer in steps for step in [outer, *(flat(outer.steps) if isinstance(outer, GroupStep) else [])]]


def steps_of(name: str) -> list[Step]:
    return flat(require(*catalog.read(name)).steps)


def test_the_catalog_has_the_five_definitions() -> None:
    assert NAMES == [
        "bug-lifecycle",
        "discovery-to-architecture",
        "fix-typing-errors",
        "raise-coverage",
        "reviewed-change",
    ]


def test_reading_fails_when_the_catalog_has_none_of_that_name() -> None:
    with pytest.raises(KeyError, match="nothing-such"):
        catalog.read("nothing-such")


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_loads_without_a_finding(name: str) -> None:
    assert load(*catalog.read(name)).diagnostics == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_is_called_as_its_file(name: str) -> None:
    assert require(*catalog.read(name)).id == name


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_describes_itself_its_inputs_and_outputs(name: str) -> None:
    definition = require(*catalog.read(name))
    described = [definition.description, *(x.description for x in definition.inputs.values())]
    described += [output.description for output in definition.outputs.values()]
    assert all(described)
    assert definition.inputs
    assert definition.outputs


@pytest.mark.parametrize("name", NAMES)
def test_every_agent_step_is_bounded_and_checked(name: str) -> None:
    steps = steps_of(name)
    for number, step in enumerate(steps):
        if isinstance(step, AgentStep):
            assert step.budget.usd, step.id
            assert step.budget.wall, step.id
            assert step.timeout, step.id
            assert step.timeout >= step.budget.wall, step.id
            assert step.output_schema, step.id
            assert step.security_profile in {"read-only", "restricted"}, step.id
            followers = steps[number + 1 :]
            assert any(isinstance(after, AssertStep | ShellStep | ApprovalStep) for after in followers), step.id


@pytest.mark.parametrize("name", NAMES)
def test_every_process_has_a_time_limit(name: str) -> None:
    assert all(step.timeout for step in steps_of(name) if isinstance(step, ShellStep))


@pytest.mark.parametrize("name", NAMES)
def test_every_definition_asks_a_person_and_is_rejected_when_nobody_answers(name: str) -> None:
    steps = steps_of(name)
    gates: list[ApprovalStep | Approval | Accept] = [step for step in steps if isinstance(step, ApprovalStep)]
    gates += [gate for step in steps for gate in (step.approval, step.accept) if gate is not None]
    assert gates
    assert all(gate.timeout and gate.on_timeout == "reject" for gate in gates)
    assert all(gate.show for gate in gates if not isinstance(gate, Accept))
