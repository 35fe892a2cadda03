"""What caching means for steps as they really run: our worker, a real server, a folder store."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from pydantic import JsonValue

from activities.cache.counts import Count
from activities.cache.explanations import explain_step
from activities.cache.housekeeping import stats
from activities.step_cache import CHANGED_TOOL, JOINED
from definitions.statuses import Status
from tests.support.live_runs import finished, run, start, until
from tests.support.workers import RunningWorker, running_worker

pytestmark = pytest.mark.server


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A file outside all workspaces, to which steps add a line each time that they run."""
    return tmp_path / "runs"


def times(runs: Path) -> int:
    return len(runs.read_text().splitlines()) if runs.exists() else 0


def text_of(runs: Path, policy: str = "{}", command: str = "true") -> str:
    script = json.dumps(f"echo x >> {runs}; {command}")
    return f"workspace: {{from: empty}}\nsteps: [{{id: a, type: shell, command: {script}, cache: {policy}}}]"


def cached(status: Status) -> list[str]:
    return [path for path, step in status.steps.items() if step.cached]


# --- what the author says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (["on", "on"], 1),
        (["off", "on"], 2),
        (["read", "on"], 2),
        (["on", "read"], 1),
        (["write", "write", "on"], 2),
    ],
)
async def test_mode_says_whether_a_result_is_taken_and_kept(
    worker: RunningWorker, runs: Path, modes: list[str], expected: int
):
    for mode in modes:
        assert (await run(worker, text_of(runs, f"{{mode: {mode}}}"))).status == "completed"
    assert times(runs) == expected


async def test_result_runs_out_when_it_is_older_than_its_ttl(worker: RunningWorker, runs: Path):
    await run(worker, text_of(runs))
    assert cached(await run(worker, text_of(runs, "{ttl: 1h}"))) == ["a"]
    assert cached(await run(worker, text_of(runs, "{ttl: 1ms}"))) == []
    assert cached(await run(worker, text_of(runs, "{ttl: 1h}"))) == ["a"]


async def test_epoch_and_salt_make_what_was_kept_count_no_more(worker: RunningWorker, runs: Path):
    for policy in ("{}", "{epoch: 1}", "{salt: s}", "{epoch: 1}"):
        await run(worker, text_of(runs, policy))
    assert times(runs) == 3


async def test_hit_gives_back_outputs_files_log_and_notes(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - {id: a, type: shell, command: "echo said; echo 1 > f; chmod +x f; mkdir d; ln -s f d/l || true", cache: true}
  - {id: b, type: shell, command: "test -x f && cat f"}
"""
    first, second = await run(worker, text), await run(worker, text)
    a, again = first.steps["a"], second.steps["a"]
    assert (a.cached, again.cached) == (False, True)
    assert again.outputs == a.outputs == {"stdout": "said", "exit_code": 0}
    assert again.cache_key == a.cache_key
    assert again.log == a.log is not None
    assert second.steps["b"].outputs == {"stdout": "1", "exit_code": 0}


async def test_agent_in_a_loop_answers_anew_in_each_pass_and_the_run_again_from_the_cache(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - id: think
    type: group
    loop: {max_iterations: 3}
    steps:
      - {id: ask, type: agent, prompt: the same, cache: true}
      - {id: plain, type: shell, command: echo the same, cache: true}
"""
    first = await run(worker, text, provider="scripted")
    asked = [first.steps[f"think#{number}/ask"] for number in (1, 2, 3)]
    assert [step.cached for step in asked] == [False, False, False]
    assert len({step.cache_key for step in asked}) == 3
    assert [first.steps[f"think#{number}/plain"].cached for number in (1, 2, 3)] == [False, True, True]
    second = await run(worker, text, provider="scripted")
    assert len(cached(second)) == 6


async def test_agents_key_has_its_prompt_and_its_model(worker: RunningWorker):
    text = "workspace: {from: empty}\nsteps: [{id: a, type: agent, prompt: '%s', model: %s, cache: true}]"
    keys = set[str | None]()
    for prompt, model in (("p", "m"), ("p", "n"), ("q", "m"), ("p", "m")):
        keys.add((await run(worker, text % (prompt, model), provider="scripted")).steps["a"].cache_key)
    assert len(keys) == 3


# --- what is not kept -----------------------------------------------------------------------------------


async def test_result_is_not_kept_when_a_tool_is_replaced_meanwhile(worker: RunningWorker, tmp_path: Path):
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho 1\n")
    tool.chmod(0o755)
    command = f"printf '#!/bin/sh\\necho 2.0\\n' > {tool}"
    text = f"""
workspace: {{from: empty}}
env: {{PATH: "{tmp_path}:/usr/bin:/bin"}}
steps: [{{id: a, type: shell, command: {json.dumps(command)}, cache: {{tools: [tool]}}}}]
"""
    first = await run(worker, text)
    assert first.steps["a"].notes == [f"not kept in the cache: {CHANGED_TOOL}"]
    assert stats(worker.store).records == 0
    key = first.steps["a"].cache_key
    assert key is not None
    assert explain_step(worker.store, "live", "a", key, first.execution_id).not_kept == CHANGED_TOOL


async def test_step_that_gives_another_result_on_the_same_inputs_is_told_of(worker: RunningWorker, runs: Path):
    text = text_of(runs, "{mode: write}", f"wc -l < {runs}")
    first = await run(worker, text)
    second = await run(worker, text)
    assert first.steps["a"].notes == []
    said = f"on the same inputs the step gave another result in {first.execution_id}: output `stdout`"
    assert second.steps["a"].notes == [said]


async def test_step_goes_on_when_its_result_cannot_be_kept(
    worker: RunningWorker, runs: Path, monkeypatch: pytest.MonkeyPatch
):
    from activities.store.directory import DirectoryStore
    from activities.store.interface import StoreForbidden

    def forbid(*_: object) -> bool:
        raise StoreForbidden("you may only read")

    monkeypatch.setattr(DirectoryStore, "create_record", forbid)
    ended = await run(worker, text_of(runs))
    assert ended.status == "completed"
    assert ended.steps["a"].notes == ["not kept in the cache: you may only read"]


async def test_damaged_record_is_a_miss_that_is_told_in_the_log(worker: RunningWorker, runs: Path):
    await run(worker, text_of(runs))
    (name,) = worker.store.list_keys("cache/trusted/")
    file = Path(worker.settings.store) / "keys" / name
    file.chmod(0o644)
    file.write_bytes(b"x")
    second = await run(worker, text_of(runs))
    # prepare has seen and removed it: what is told stands in the explanation of whoever looked first
    assert (second.status, cached(second), times(runs)) == ("completed", [], 2)
    assert cached(await run(worker, text_of(runs))) == ["a"]


# --- single flight --------------------------------------------------------------------------------------


async def until_running(runs: Path, count: int = 1) -> None:
    async def is_so() -> bool:
        return times(runs) >= count

    await until(is_so, "the step to run")


async def test_equal_steps_of_one_run_run_once(worker: RunningWorker, runs: Path):
    script = json.dumps(f"echo x >> {runs}; sleep 0.3; echo said; echo 1 > f")
    steps = "".join(f"      - {{id: s{n}, type: shell, command: {script}, cache: true}}\n" for n in range(4))
    text = f"workspace: {{from: empty}}\nsteps:\n  - id: g\n    type: group\n    mode: parallel\n    steps:\n{steps}"
    ended = await run(worker, text)
    assert (ended.status, times(runs), len(cached(ended))) == ("completed", 1, 3)
    inside = [step for path, step in ended.steps.items() if "/" in path]
    assert all(step.outputs == {"stdout": "said", "exit_code": 0} for step in inside)
    assert JOINED in {note for step in inside for note in step.notes}


async def test_equal_steps_of_two_runs_run_once(worker: RunningWorker, runs: Path):
    text = text_of(runs, command="sleep 0.4; echo 1 > f")
    one = await start(worker, text)
    await until_running(runs)
    other = await finished(await start(worker, text))
    assert ((await finished(one)).status, other.status, times(runs)) == ("completed", "completed", 1)
    assert cached(other) == ["a"]


@pytest.fixture
async def second_worker(worker: RunningWorker, tmp_path: Path) -> AsyncGenerator[RunningWorker]:
    """Another worker on the same store, with a folder and queues of its own."""
    home = tmp_path / "second"
    home.mkdir()
    (home / "store").symlink_to(worker.settings.store)
    async with running_worker(worker.client, f"{worker.task_queue}-2", home) as second:
        yield second


async def test_equal_steps_of_two_workers_run_once(worker: RunningWorker, second_worker: RunningWorker, runs: Path):
    text = text_of(runs, command="sleep 0.4; echo 1 > f")
    one = await start(worker, text)
    await until_running(runs)
    other = await finished(await start(second_worker, text))
    assert ((await finished(one)).status, cached(other), times(runs)) == ("completed", ["a"], 1)


async def test_failure_is_not_shared(worker: RunningWorker, second_worker: RunningWorker, runs: Path):
    text = text_of(runs, command=f"sleep 0.3; test $(wc -l < {runs}) -ge 2")
    handles = [await start(worker, text)]
    await until_running(runs)
    handles += [await start(worker, text), await start(second_worker, text)]
    ended = [await finished(handle) for handle in handles]
    assert [status.status for status in ended] == ["failed", "completed", "completed"]
    assert times(runs) == 2
    assert sum(len(cached(status)) for status in ended) == 1


async def test_cancelled_step_leaves_its_turn_to_the_next(worker: RunningWorker, runs: Path):
    text = text_of(runs, command=f"test $(wc -l < {runs}) -ge 2 || sleep 20")
    one = await start(worker, text)
    await until_running(runs)
    other = await start(worker, text)
    await one.cancel()
    assert ((await finished(other)).status, times(runs)) == ("completed", 2)
    assert (await finished(one)).status == "cancelled"


# --- trust ----------------------------------------------------------------------------------------------


async def test_trusted_run_takes_nothing_of_an_untrusted_one(worker: RunningWorker, runs: Path):
    text = text_of(runs)
    untrusted: dict[str, JsonValue] = {"trust": "untrusted/pr-12"}
    await run(worker, text, **untrusted)
    assert cached(await run(worker, text, **untrusted)) == ["a"]
    assert cached(await run(worker, text, trust="untrusted/pr-13")) == []
    assert cached(await run(worker, text)) == []
    assert cached(await run(worker, text, trust="untrusted/pr-14")) == ["a"]
    assert times(runs) == 3


async def test_rerun_is_trusted_no_more_than_what_it_takes_up(worker: RunningWorker, runs: Path):
    first = await run(worker, text_of(runs), trust="untrusted/pr-12")
    handle = await worker.client.start_workflow(
        "perdure.run",
        {"rerun_of": {"id": first.execution_id}},
        id=f"{first.execution_id}-again",
        task_queue=worker.task_queue,
    )
    assert cached(await finished(handle)) == ["a"]
    assert cached(await run(worker, text_of(runs))) == []


async def test_trust_that_means_nothing_is_refused(worker: RunningWorker, runs: Path):
    from temporalio.client import WorkflowFailureError

    handle = await start(worker, text_of(runs), trust="all of it")
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert "trust" in str(caught.value.cause)


# --- what is counted and explained ----------------------------------------------------------------------


async def test_hits_and_runs_are_counted_by_step(worker: RunningWorker, runs: Path):
    for _ in range(3):
        await run(worker, text_of(runs))
    count = stats(worker.store).counts[("live", "a")]
    assert (count.hits, count.runs) == (2, 1)
    assert count.seconds > 0
    assert count.seconds_saved == pytest.approx(2 * count.seconds, abs=0.01)
    assert stats(worker.store).total == count
    assert isinstance(count, Count)


async def test_failed_step_is_explained_by_the_nearest_result(worker: RunningWorker):
    def text(command: str, salt: str) -> str:
        return (
            f"workspace: {{from: empty}}\nsteps: [{{id: a, type: shell, command: {command}, cache: {{salt: {salt}}}}}]"
        )

    near = await run(worker, text("echo 1", "x"))
    await run(worker, text("echo 2", "y"))
    failed = await run(worker, text("exit 3", "x"))
    key = failed.steps["a"].cache_key
    assert key is not None
    found = explain_step(worker.store, "live", "a", key, failed.execution_id)
    assert found.earlier is not None
    assert found.earlier.produced_by.execution_id == near.execution_id
    assert [(one.field, one.before, one.after) for one in found.differences] == [("step.command", "echo 1", "exit 3")]


async def test_step_runs_again_when_what_its_outputs_read_is_another(worker: RunningWorker):
    text = """
inputs: {a: {type: string}, b: {type: string}}
workspace: {from: none}
steps:
  - id: s
    type: shell
    command: echo hi
    cache: true
    outputs: {o: "{{ inputs.a }} {{ result.stdout }} {{ steps.s.outputs.exit_code }}"}
"""
    told: list[tuple[object, bool]] = []
    for a, b in (("x", "1"), ("x", "2"), ("y", "2")):
        step = (await run(worker, text, inputs={"a": a, "b": b})).steps["s"]
        told.append(((step.outputs or {})["o"], step.cached))
    assert told == [("x hi 0", False), ("x hi 0", True), ("y hi 0", False)]
