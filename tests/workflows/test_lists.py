import asyncio

from definitions.errors import ErrorClass, StepFailure
from definitions.records import StepResult
from tests.support.playing_host import PlayingHost, play

DIAMOND = """
steps:
  - {id: a, type: shell, command: x}
  - {id: b, type: shell, command: x, needs: [a]}
  - {id: c, type: shell, command: x, needs: [a]}
  - {id: d, type: shell, command: x, needs: [b, c]}
"""
PARALLEL = """
steps:
  - id: g
    type: group
    mode: parallel
    steps: [{id: a, type: shell, command: x}, {id: b, type: shell, command: x}, {id: c, type: shell, command: x}]
"""


async def test_needs_are_waited_for_and_nothing_more():
    host = PlayingHost(hold={"b": asyncio.Event()})
    playing = asyncio.create_task(play(DIAMOND, host))
    while host.calls != ["a", "b", "c"]:
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert host.calls == ["a", "b", "c"]
    host.hold["b"].set()
    assert (await playing).ending.state == "completed"
    assert host.calls == ["a", "b", "c", "d"]


async def test_step_starts_from_the_join_of_its_needs_trees():
    host = PlayingHost({"b": StepResult(tree="tb"), "c": StepResult(tree="tc")})
    played = await play(DIAMOND, host)
    assert [(merge.base, merge.branches) for merge in host.merges] == [("t0", {"b": "tb", "c": "tc"})]
    assert host.step_calls[-1].tree == "tb+tc"
    assert played.tree == "tb+tc"


async def test_no_merge_is_made_when_one_branch_changed_something():
    host = PlayingHost({"b": StepResult(tree="tb")})
    await play(DIAMOND, host)
    assert host.merges == []
    assert host.step_calls[-1].tree == "tb"


async def test_step_with_no_needs_starts_at_once_from_the_first_tree():
    text = """
steps:
  - {id: a, type: shell, command: x}
  - {id: b, type: shell, command: x, needs: []}
"""
    host = PlayingHost({"a": StepResult(tree="ta")})
    await play(text, host)
    assert [(call.path, call.tree) for call in host.step_calls] == [("a", "t0"), ("b", "t0")]


async def test_step_is_skipped_with_the_reason_when_a_need_was_skipped():
    text = """
steps:
  - {id: a, type: shell, command: x, when: "1 > 2", needs: []}
  - {id: b, type: shell, command: x, needs: [a]}
  - {id: c, type: shell, command: x, needs: [b], when: "always()"}
"""
    played = await play(text)
    assert played.book.records["b"].reason == "`a`, which it needs, was skipped"
    assert played.host.calls == ["c"]


async def test_step_is_skipped_with_the_reason_when_a_need_failed():
    text = """
steps:
  - {id: a, type: shell, command: x, on_failure: continue, needs: []}
  - {id: b, type: shell, command: x, needs: [a]}
"""
    played = await play(text, PlayingHost({"a": StepFailure(ErrorClass.EXIT, "no")}))
    assert played.status("b") == "skipped"
    assert played.book.records["b"].reason == "`a`, which it needs, failed"
    assert played.ending.state == "completed"


async def test_outputs_of_a_group_stand_under_declared_ids_in_declared_order():
    host = PlayingHost(hold={"g/a": asyncio.Event()})
    playing = asyncio.create_task(play(PARALLEL, host))
    while len(host.calls) < 3:
        await asyncio.sleep(0)
    host.hold["g/a"].set()
    played = await playing
    outputs = played.book.records["g"].outputs
    assert outputs is not None
    assert list(outputs) == ["a", "b", "c"]


async def test_branches_start_from_the_same_tree_and_are_joined():
    host = PlayingHost({"g/a": StepResult(tree="ta"), "g/c": StepResult(tree="tc")})
    played = await play(PARALLEL, host)
    assert {call.tree for call in host.step_calls} == {"t0"}
    assert [(merge.path, merge.branches) for merge in host.merges] == [("g", {"a": "ta", "c": "tc"})]
    assert played.tree == "ta+tc"


async def test_files_of_branches_are_dropped_when_only_outputs_are_merged():
    text = PARALLEL.replace("mode: parallel", "mode: parallel\n    merge: outputs")
    played = await play(text, PlayingHost({"g/a": StepResult(tree="ta"), "g/b": StepResult(tree="tb")}))
    assert played.tree == "t0"
    assert played.host.merges == []


async def test_siblings_are_cancelled_in_list_order_when_one_fails():
    host = PlayingHost(
        {"g/b": StepFailure(ErrorClass.EXIT, "no")}, hold={"g/a": asyncio.Event(), "g/c": asyncio.Event()}
    )
    played = await play(PARALLEL, host)
    assert host.cancelled == ["g/a", "g/c"]
    assert [played.status(path) for path in ("g/a", "g/b", "g/c", "g")] == [
        "cancelled",
        "failed",
        "cancelled",
        "failed",
    ]
    assert played.ending.error is not None
    assert played.ending.error.step == "g/b"


async def test_error_is_that_of_the_first_in_declared_order_when_several_fail():
    text = PARALLEL.replace("mode: parallel", "mode: parallel\n    on_failure: stop")
    host = PlayingHost(
        {path: StepFailure(ErrorClass.EXIT, path) for path in ("g/a", "g/b", "g/c")},
        hold={"g/a": asyncio.Event(), "g/b": asyncio.Event(), "g/c": asyncio.Event()},
    )
    playing = asyncio.create_task(play(text, host))
    while len(host.calls) < 3:
        await asyncio.sleep(0)
    for name in ("g/c", "g/b", "g/a"):
        host.hold[name].set()
    played = await playing
    assert played.ending.error is not None
    first_failed = next(path for path in ("g/a", "g/b", "g/c") if played.status(path) == "failed")
    assert played.ending.error.step == first_failed


async def test_run_cancels_what_is_running_when_it_is_cancelled():
    host = PlayingHost(hold={"g/a": asyncio.Event(), "g/b": asyncio.Event(), "g/c": asyncio.Event()})
    playing = asyncio.create_task(play(PARALLEL, host))
    while len(host.calls) < 3:
        await asyncio.sleep(0)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    assert host.cancelled == ["g/a", "g/b", "g/c"]
    assert host.book is not None
    assert {host.book.records[path].status for path in host.book.records} == {"cancelled"}


async def test_group_fails_when_its_time_is_up():
    text = """
steps:
  - id: g
    type: group
    timeout: 20ms
    steps: [{id: a, type: shell, command: x}]
"""
    played = await play(text, PlayingHost(hold={"g/a": asyncio.Event()}))
    assert played.host.cancelled == ["g/a"]
    assert played.ending.error is not None
    assert (played.ending.error.type, played.ending.error.step) == ("timeout", "g")


async def test_branch_alone_ends_when_its_step_ends_it():
    text = """
steps:
  - id: g
    type: group
    steps:
      - {id: a, type: assert, condition: "false", on_failure: end}
      - {id: b, type: shell, command: x}
  - {id: after, type: shell, command: x}
"""
    played = await play(text)
    assert played.host.calls == ["after"]
    assert played.status("g") == "completed"
