"""Test files of definitions that run others: stubs by their paths inside, at each level."""

import pytest

from client.testing import plan, simulated
from client.testing.collecting import collect

INNER = "name: inner\ninputs: {who: {type: string}, file: {type: file}}\n"
INNER += "outputs: {said: {value: '{{ steps.say.outputs.stdout }}'}}\nsteps:\n"
INNER += "  - {id: say, type: shell, command: 'echo {{ inputs.who }} {{ inputs.file.path }}'}\n"
OUTER = "name: outer\noutputs: {said: {value: '{{ steps.part.outputs.said }}'}}\nsteps:\n"
OUTER += "  - {id: part, type: workflow, definition: ./inner.yaml, inputs: {who: ana, file: a.txt}}\n"
CASES = """
cases:
  - name: works
    files: {a.txt: hello}
    stubs: {part/say: {outputs: {stdout: hi}}}
    expect: {status: completed, outputs: {said: hi}}
"""


@pytest.fixture
def collected(tmp_path):
    (tmp_path / "inner.yaml").write_text(INNER)
    (tmp_path / "outer.yaml").write_text(OUTER)
    (tmp_path / "outer.test.yaml").write_text(CASES)
    return collect(tmp_path / "outer.test.yaml")


def test_stub_of_a_step_inside_is_known_and_another_is_not(collected, tmp_path):
    assert collected.diagnostics == ()
    (tmp_path / "outer.test.yaml").write_text(CASES.replace("part/say", "part/sya"))
    assert collect(tmp_path / "outer.test.yaml").cases is None


def test_errors_of_the_other_definition_are_said_with_its_text(tmp_path, collected):
    (tmp_path / "inner.yaml").write_text("name: inner\nsteps: 1\n")
    found = collect(tmp_path / "outer.test.yaml")
    assert found.subject is None
    assert {finding.file for finding in found.diagnostics} <= set(found.sources)


async def test_case_plays_through_the_other_definition_without_a_server(collected):
    outcome = await plan.play(collected.cases.cases[0], collected.subject)
    assert (outcome.status.outputs, outcome.path) == ({"said": "hi"}, ("part/say", "part"))


async def test_input_that_is_no_file_of_the_case_fails_the_step(collected):
    case = collected.cases.cases[0].model_copy(update={"files": {}})
    outcome = await plan.play(case, collected.subject)
    assert outcome.status.error.message == "input `file`: the workspace has no file `a.txt`"


@pytest.mark.server
async def test_case_plays_through_the_other_definition_on_a_server(collected):
    async with simulated.opened() as play:
        outcome = await play(collected.cases.cases[0], collected.subject)
    assert (outcome.status.outputs, outcome.path) == ({"said": "hi"}, ("part/say", "part"))
