"""`for_each` on a real server: items over several histories, big collections, failures, cancel."""

import json

import pytest

from definitions.records import Ledger
from tests.support.live_runs import finished, histories_of, run, start, status, until_open, until_step, whole_history
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server


async def test_items_are_not_run_twice_when_the_run_continues_as_new(impatient: RunningWorker):
    text = """
inputs: {log: {type: string}}
workspace: {from: empty}
steps:
  - id: each
    type: group
    for_each: {items: "{{ range(30) }}", as: n, concurrency: 4, merge: files}
    steps:
      - {id: a, type: shell, command: "echo {{ n }} >> {{ inputs.log }}; echo {{ n }} > {{ n }}.txt"}
      - {id: b, type: shell, command: "cat {{ n }}.txt"}
  - {id: after, type: shell, command: "cat *.txt | wc -l"}
"""
    log = impatient.settings.home / "items.log"
    handle = await start(impatient, text, inputs={"log": str(log)})
    ended = await finished(handle)
    assert ended.error is None
    assert sorted(log.read_text().split(), key=int) == [str(number) for number in range(30)]
    assert ended.steps["after"].outputs == {"stdout": "30", "exit_code": 0}
    assert ended.steps["each"].finished == 30
    assert await histories_of(impatient, handle.id) > 2


async def test_collection_in_the_store_is_read_in_windows_over_histories(forgetful: RunningWorker):
    text = """
workspace: {from: none}
outputs: {last: {value: "{{ steps.each.outputs['K-259'].text }}"}}
steps:
  - id: make
    type: shell
    shell: python
    command: |
      import json, os
      rows = [{"id": f"K-{n}", "text": f"{n} " + "x" * 60} for n in range(260)]
      open(os.environ["PERDURE_OUTPUT"], "w").write(json.dumps({"rows": rows}))
  - id: each
    type: set
    values: {text: "{{ item.text }}", nr: "{{ loop.index }}"}
    for_each: {items: "{{ steps.make.outputs.rows }}", concurrency: 3}
"""
    handle = await start(forgetful, text)
    ended = await finished(handle)
    assert ended.error is None
    assert ended.steps["each"].finished == 260
    assert str(ended.outputs["last"]).startswith("259 xxx")
    names = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in await whole_history(forgetful, handle.id)
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert names.count("items") <= 3


async def test_one_item_with_one_step_costs_at_most_six_events(worker: RunningWorker):
    async def events(count: int, concurrency: int) -> int:
        text = f"""
workspace: {{from: none}}
steps:
  - {{id: a, type: shell, command: 'true', for_each: {{items: "{{{{ range({count}) }}}}", concurrency: {concurrency}}}}}
"""
        handle = await start(worker, text)
        assert (await finished(handle)).status == "completed"
        return len(await whole_history(worker, handle.id))

    one = await events(1, 1)
    assert await events(21, 1) - one <= 6 * 20
    assert await events(21, 7) - one <= 6 * 20


async def test_siblings_processes_are_gone_when_an_item_fails(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - id: each
    type: shell
    command: "if [ {{ item }} = 2 ]; then sleep 0.3; exit 3; fi; sleep 600"
    for_each: {items: [1, 2, 3], concurrency: 3}
"""
    ended = await run(worker, text)
    assert ended.error is not None
    assert (ended.status, ended.error.step) == ("failed", "each[1]")
    assert [ended.steps[f"each[{key}]"].status for key in (0, 2)] == ["cancelled", "cancelled"]


async def test_other_items_go_on_when_errors_are_passed_over(worker: RunningWorker):
    text = """
workspace: {from: none}
outputs: {all: {value: "{{ steps.each.outputs }}"}}
steps:
  - id: each
    type: shell
    command: "[ {{ item.id }} != b ]; echo {{ item.id }}"
    for_each: {items: [{id: a}, {id: b}, {id: "c/d"}], on_error: continue}
"""
    ended = await run(worker, text.replace("[ {{ item.id }} != b ];", "[ {{ item.id }} != b ] || exit 1;"))
    assert ended.status == "completed"
    assert ended.outputs["all"] == {
        "a": {"stdout": "a", "exit_code": 0},
        "b": None,
        "c/d": {"stdout": "c/d", "exit_code": 0},
    }
    assert ended.steps["each[c%2Fd]"].status == "completed"
    assert ended.handled_failures == ["each[b]"]


async def test_all_items_end_when_the_run_is_cancelled(worker: RunningWorker):
    text = """
workspace: {from: none}
steps: [{id: each, type: shell, command: sleep 600, for_each: {items: [1, 2, 3], concurrency: 2}}]
"""
    handle = await start(worker, text)
    await until_step(handle, "each[1]", "running")
    await handle.cancel()
    ended = await finished(handle)
    assert ended.status == "cancelled"
    assert {path: step.status for path, step in ended.steps.items()} == {
        "each": "cancelled",
        "each[0]": "cancelled",
        "each[1]": "cancelled",
    }


async def test_status_and_details_say_how_far_the_items_are(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - id: each
    type: group
    for_each: {items: [{id: E-1}, {id: E-2}, {id: E-3}]}
    loop: {max_iterations: 2}
    steps:
      - {id: work, type: shell, command: "true"}
      - {id: ok, type: approval, when: loop.iteration == 2 and item.id == "E-2"}
"""
    handle = await start(worker, text)
    await until_open(handle, "each[E-2]#2/ok")
    now = await status(handle)
    assert now.iteration == 2
    assert now.iteration_progress == {
        "step": "each",
        "total": 3,
        "completed": 1,
        "current": "E-2",
        "running": ["E-2"],
        "ids": ["E-1", "E-2", "E-3"],
    }
    await handle.execute_update("decide", {"verdict": "approve", "by": "ana"})
    ended = await finished(handle)
    assert (ended.status, ended.iteration_progress, ended.hidden_steps) == ("completed", None, 0)


async def test_record_of_a_run_with_thousands_of_items_is_written_whole(worker: RunningWorker):
    text = """
workspace: {from: none}
steps: [{id: each, type: set, values: {x: "{{ item }}"}, for_each: {items: "{{ range(1500) }}"}}]
"""
    handle = await start(worker, text)
    ended = await finished(handle)
    assert ended.status == "completed"
    assert (len(ended.steps), ended.hidden_steps) == (201, 1300)
    ledger = Ledger.model_validate_json(worker.store.read_document(f"runs/{handle.id}/ledger.json") or b"")
    assert len(ledger.records) == 1501
    events = (worker.store.read_document(f"runs/{handle.id}/events-00000001.ndjson") or b"").splitlines()
    assert [json.loads(line)["sequence"] for line in events] == list(range(1, ended.events + 1))


async def test_history_grows_linearly_when_outputs_are_big(worker: RunningWorker):
    async def size(count: int) -> int:
        steps = "".join(
            f"  - {{id: s{number}, type: shell, command: \"head -c 2000 /dev/zero | tr '\\\\0' x\"}}\n"
            for number in range(count)
        )
        handle = await start(worker, f"workspace: {{from: none}}\nsteps:\n{steps}")
        assert (await finished(handle)).status == "completed"
        return sum(event.ByteSize() for event in await whole_history(worker, handle.id))

    small, middle, large = await size(10), await size(50), await size(200)
    first, second = (middle - small) / 40, (large - middle) / 150
    assert second < 1.2 * first
    assert second < 6000
