import json

import pytest

HELLO = """
name: hello
description: Greets
workspace: {from: none}
inputs: {who: {default: world}}
steps:
  - {id: greet, type: shell, command: "echo hello"}
  - {id: check, type: assert, condition: 'steps.greet.outputs.stdout == "hello"'}
"""


@pytest.mark.server
def test_run_ends_with_zero_and_says_each_transition(settled, cli, write):
    ran = cli("run", write(HELLO))
    assert ran.code == 0, ran.err
    assert "greet  completed" in ran.err
    assert ran.err.splitlines()[0].startswith(f"server {settled.address}, namespace default")
    assert ran.out == ""


@pytest.mark.server
def test_json_is_events_without_gaps_and_last_the_record(settled, cli, write):
    ran = cli("run", write(HELLO), "--json", "--id", "json-1")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["sequence"] for line in lines[:-1]] == list(range(1, len(lines)))
    assert lines[-2]["type"] == "run_completed"
    assert (lines[-1]["execution_id"], lines[-1]["status"]) == ("json-1", "completed")
