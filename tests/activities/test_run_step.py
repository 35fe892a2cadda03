"""Attempts as they really run: our worker, a real server, a folder store."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from tests.support.live_runs import finished, run, start, until_open
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server


async def failed(worker: RunningWorker, text: str, **request: JsonValue) -> tuple[str, str]:
    ended = await run(worker, text, **request)
    assert ended.status == "failed"
    assert ended.error is not None
    return ended.error.type, ended.error.message


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("artifacts: {a: no.txt}", "artifact `a`: `no.txt` was not made by the step"),
        ("outputs: {o: ./no.txt}", "output `o`: `./no.txt` was not made by the step"),
        ("outputs: {o: ./folder}", "output `o`: `./folder` is a folder, not a file"),
        ("artifacts: {a: link}", "artifact `a`: `link` lies outside the workspace"),
    ],
)
async def test_step_fails_with_the_path_when_a_promised_file_is_not_there(worker: RunningWorker, step: str, says: str):
    command = "mkdir folder; ln -s /etc/hostname link"
    text = f"workspace: {{from: empty}}\nsteps: [{{id: a, type: shell, command: {command}, {step}}}]"
    assert await failed(worker, text) == ("output", says)


async def test_outputs_may_be_templates_over_the_steps_own_result(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - id: a
    type: shell
    command: 'echo 41; echo "n=1" >> "$PERDURE_OUTPUT"'
    outputs: {sum: "{{ int(result.stdout) + int(result.n) }}"}
"""
    ended = await run(worker, text)
    assert ended.error is None
    assert ended.steps["a"].outputs is not None
    assert ended.steps["a"].outputs["sum"] == 42


async def test_big_output_travels_by_reference_and_can_be_asked(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - {id: big, type: shell, command: "head -c 20000 /dev/zero | tr '\\\\0' x"}
  - {id: check, type: assert, condition: "len(steps.big.outputs.stdout) == 20000"}
  - {id: pass_on, type: shell, command: 'v={{ steps.big.outputs.stdout }}; echo "${#v}"'}
"""
    ended = await run(worker, text)
    assert ended.error is None
    assert ended.steps["big"].outputs is not None
    assert isinstance(ended.steps["big"].outputs["stdout"], dict)
    assert ended.steps["pass_on"].outputs == {"stdout": "20000", "exit_code": 0}


async def test_files_of_a_failed_attempt_are_dropped(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - id: a
    type: shell
    command: "test -e half && exit 9; touch half; exit 1"
    retry: {max_attempts: 2, initial_interval: 1ms}
    on_failure: continue
  - {id: b, type: shell, command: "ls"}
"""
    ended = await run(worker, text)
    assert ended.steps["a"].error is not None
    assert ended.steps["a"].error.details["exit_code"] == 1
    assert ended.steps["a"].attempt == 2
    assert ended.steps["b"].outputs == {"stdout": "", "exit_code": 0}


async def test_template_that_cannot_be_evaluated_fails_its_step(worker: RunningWorker):
    text = (
        "inputs: {n: {type: object, default: {a: 1}}}\nsteps: [{id: a, type: shell, command: 'echo {{ inputs.n.b }}'}]"
    )
    kind, message = await failed(worker, text)
    assert kind == "expression"
    assert "`b`" in message


async def test_environment_of_definition_and_step_reaches_the_process(worker: RunningWorker):
    text = """
workspace: {from: none}
env: {ONE: "{{ inputs.x }}", TWO: definition}
inputs: {x: {default: "a b"}}
steps:
  - id: a
    type: shell
    command: 'echo "$ONE/$TWO/$THREE/{{ env.CALLER }}/$SECRET_TOKEN"'
    env: {TWO: step, THREE: "{{ inputs.x }}"}
"""
    ended = await run(worker, text, env={"CALLER": "ana", "OTHER": "x"}, caller_environment={"SECRET_TOKEN": "s"})
    assert ended.error is None
    assert ended.steps["a"].outputs == {"stdout": "a b/step/a b/ana/", "exit_code": 0}


async def test_key_changes_with_what_the_step_refers_to(worker: RunningWorker):
    text = """
inputs: {x: {default: "1"}}
workspace: {from: empty}
steps:
  - {id: make, type: shell, command: "echo {{ inputs.x }} > f; sleep 0.01", outputs: {f: f}}
  - id: use
    type: shell
    command: "echo used"
    cache: {inputs: [none], env: [PATH], salt: s}
    inputs: ["{{ steps.make.outputs.f }}"]
  - {id: keyed, type: shell, command: "echo keyed", cache_key: "k-{{ inputs.x }}", cache: {inputs: [none]}}
"""
    first = await run(worker, text, inputs={"x": "1"})
    again = await run(worker, text, inputs={"x": "1"})
    other = await run(worker, text, inputs={"x": "2"})
    assert [again.steps[step].cached for step in ("use", "keyed")] == [True, True]
    assert [other.steps[step].cached for step in ("use", "keyed")] == [False, False]
    assert first.steps["use"].cache_key != other.steps["use"].cache_key


async def test_definition_turns_caching_on_for_shell_and_agent_steps(worker: RunningWorker):
    text = """
workspace: {from: empty}
cache: {default: on}
steps:
  - {id: a, type: shell, command: echo a}
  - {id: b, type: shell, command: echo b, cache: false}
  - {id: c, type: agent, prompt: hello}
"""
    await run(worker, text, provider="scripted")
    again = await run(worker, text, provider="scripted")
    assert [again.steps[step].cached for step in "abc"] == [True, False, True]


async def test_failed_step_is_not_cached_and_says_its_key(worker: RunningWorker):
    text = "workspace: {from: none}\nsteps: [{id: a, type: shell, command: exit 1, cache: true}]"
    first, second = await run(worker, text), await run(worker, text)
    assert first.status == second.status == "failed"
    assert second.steps["a"].cached is False
    assert second.steps["a"].cache_key is not None


async def test_log_of_a_step_is_kept(worker: RunningWorker):
    handle = await start(
        worker, "workspace: {from: none}\nsteps: [{id: a, type: shell, command: echo out; echo err >&2}]"
    )
    ended = await finished(handle)
    log = ended.steps["a"].log
    assert log is not None
    chunks = [worker.store.read_document(key) for key in worker.store.list_keys(log)]
    assert b"".join(chunk or b"" for chunk in chunks) in (b"out\nerr\n", b"err\nout\n")


def lose_trees(worker: RunningWorker) -> None:
    """Remove what the store knows of trees with the file `f`, and what the worker has laid out."""
    for blob in Path(worker.settings.store).rglob("*"):
        if blob.is_file() and "cas" in blob.parts and b'"f"' in blob.read_bytes():
            blob.unlink()
    for state in (worker.settings.work / "checkouts").rglob("state.json"):
        state.unlink()


async def test_tree_that_is_gone_fails_the_step_not_the_worker(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - {id: a, type: shell, command: echo a > f}
  - {id: b, type: approval}
  - {id: c, type: shell, command: cat f}
"""
    handle = await start(worker, text)
    await until_open(handle, "b")
    lose_trees(worker)
    await handle.signal("decide", {"verdict": "approve"})
    ended = await finished(handle)
    assert ended.error is None or ended.error.type == "store"
    after = await run(worker, "workspace: {from: none}\nsteps: [{id: a, type: shell, command: 'true'}]")
    assert after.status == "completed"


async def test_value_over_the_kernels_limits_reaches_scripts_by_file(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - id: big
    type: shell
    command: "{ printf v=; head -c 400000 /dev/zero | tr '\\\\0' x; } > \\"$PERDURE_OUTPUT\\""
  - id: shell
    type: shell
    command: |
      wc -c <<EOF
      {{ steps.big.outputs.v }}
      EOF
  - {id: python, type: shell, shell: python, command: "print(len({{ steps.big.outputs.v }}))"}
  - {id: node, type: shell, shell: node, command: "console.log({{ steps.big.outputs.v }}.length)"}
  - {id: argument, type: shell, command: "ls {{ steps.big.outputs.v }}"}
"""
    ended = await run(worker, text)
    printed = {path: (step.outputs or {}).get("stdout") for path, step in ended.steps.items()}
    assert (printed["shell"], printed["python"], printed["node"]) == ("400001", "400000", "400000")
    assert ended.error is not None
    assert (ended.error.step, ended.error.type) == ("argument", "expression")
    assert "`steps.big.outputs.v` has 400000 bytes, and an argument of a program may have" in ended.error.message
