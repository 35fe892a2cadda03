import uuid

import pytest

from tests.client.test_run_command import wait_for

pytestmark = pytest.mark.server

HELD = """
name: held
inputs: {mood: {type: string, default: bad}}
workspace: {from: none}
steps: [{id: a, type: shell, command: "[ {{ inputs.mood }} = good ] || exit 1", on_failure: pause}]
"""


@pytest.mark.parametrize(
    ("options", "state", "code"),
    [
        (["-i", "mood=good"], "completed", 0),
        (["--step", "a=skip"], "completed", 0),
        (["--step", "a=fail"], "failed", 1),
    ],
)
def test_held_step_becomes_what_is_said_when_the_run_is_resumed(settled, cli, write, options, state, code):
    run_id = f"held-{uuid.uuid4().hex[:6]}"
    assert cli("run", write(HELD), "--id", run_id, "--detach").code == 0
    wait_for(lambda: cli("show", run_id).out.startswith("paused"))
    assert cli("resume", run_id, *options).code == 0
    assert cli("watch", run_id).code == code
    assert cli("show", run_id).out.startswith(state)


def test_word_that_is_none_is_a_usage_error(settled, cli):
    ran = cli("resume", "any", "--step", "a=perhaps")
    assert ran.code == 2
    assert "`deploy=retry`" in ran.err
