"""A further pass begins at a step, with what stands before it kept."""

import pytest
from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from tests.support.playing_host import Played, PlayingHost, play, reload

TEXT = """
name: again
steps:
  - id: rounds
    type: group
    loop: {max_iterations: 3, until: "loop.iteration == 3", start_at: ["{{ inputs.start }}", c]}
    steps:
      - id: a
        type: shell
        command: "true"
        store: {note: "{{ result.stdout }}"}
        compensate: {type: shell, command: undo}
      - {id: b, type: shell, command: "echo {{ steps.a.outputs.stdout }}"}
      - {id: c, type: shell, command: "echo {{ steps.a.outputs.stdout }} {{ docs.note }}"}
  - {id: after, type: shell, command: "echo {{ steps.a.outputs.stdout }}", on_failure: stop}
inputs: {start: {type: any}}
"""


async def again(start: JsonValue, host: PlayingHost | None = None, text: str = TEXT) -> Played:
    return await play(text.lstrip(), host, inputs={"start": start})


def passes(played: Played) -> list[str]:
    return [path.removeprefix("rounds#") for path in played.host.calls if path.startswith("rounds#")]


@pytest.mark.parametrize(
    ("start", "second"),
    [("b", ["2/b", "2/c"]), ("c", ["2/c"]), ("a", ["2/a", "2/b", "2/c"]), (None, ["2/c"]), (7, ["2/c"])],
)
async def test_pass_begins_at_the_first_that_names_a_step_when_several_are_given(start: JsonValue, second: list[str]):
    played = await again(start)
    assert passes(played)[3 : 3 + len(second)] == second
    assert played.ending.state == "completed"


async def test_pass_begins_at_the_first_step_when_nothing_names_one():
    played = await again("nonsense", text=TEXT.replace(", c]}", "]}"))
    assert passes(played) == [f"{number}/{step}" for number in (1, 2, 3) for step in "abc"]
    assert played.book.records["rounds#1"].notes == [
        "the next pass was to begin at `nonsense`, which is no step of `rounds`"
    ]


async def test_kept_result_is_seen_when_later_passes_and_steps_read_it():
    played = await again("c")
    values = {call.path: call.values for call in played.host.step_calls}
    assert values["rounds#3/c"]["steps"] == {"a": {"outputs": {"stdout": "rounds#1/a"}}}
    assert values["rounds#3/c"]["docs"] == {"note": "rounds#1/a"}
    assert played.book.records["rounds#3/a"].reason == "kept from the pass before"
    assert played.book.records["rounds#3/a"].tree is None


async def test_kept_step_is_undone_once_when_the_run_fails():
    played = await again("c", PlayingHost(answers={"after": StepFailure(ErrorClass.CRASH, "boom")}))
    assert [path for path in played.host.calls if "compensate" in path] == ["rounds#1/a/compensate/undo_a"]


async def test_jump_back_to_a_kept_step_is_a_further_visit_when_a_pass_began_behind_it():
    text = TEXT.replace('docs.note }}"}', 'docs.note }}", on_failure: b}')
    host = PlayingHost(answers={"rounds#2/c": StepFailure(ErrorClass.CRASH, "boom")})
    played = await again("c", host, text)
    assert passes(played)[3:] == ["2/c", "2/b@2", "2/c@2", "3/c"]


@pytest.mark.parametrize("ended", range(1, 6))
async def test_nothing_runs_twice_when_a_ledger_is_carried_on(ended: int):
    whole = await again("c")

    class Stopped(Exception):
        pass

    class Host(PlayingHost):
        async def run_step(self, call, step):  # pyright: ignore
            if len(self.step_calls) == ended:
                raise Stopped
            return await super().run_step(call, step)

    host = Host()
    with pytest.raises(Stopped):
        await again("c", host)
    assert host.book is not None
    played = await play(TEXT.lstrip(), ledger=reload(host.book.freeze()), inputs={"start": "c"})
    assert host.calls + played.host.calls == whole.host.calls
