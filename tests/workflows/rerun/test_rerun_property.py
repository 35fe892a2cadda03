"""Reruns of made-up runs: whatever failed, the rerun does what is missing, nothing twice, and ends as if nothing had.

Definitions nest groups, branches, loops, items and `needs`; steps are made to fail, some are handled.
`PERDURE_LONG_TESTS=1` plays many more.
"""

import asyncio
import itertools
import os

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.loader import require
from definitions.records import EvaluateCall, StepCall, StepResult
from definitions.text_guard import written
from tests.support.playing_host import Played, PlayingHost, play, reload
from workflows.rerun.outline import declared
from workflows.rerun.plan import Earlier, Plan, Wanted, plan_rerun

EXAMPLES = 3000 if os.environ.get("PERDURE_LONG_TESTS") == "1" else 40
Made = dict[str, JsonValue]


@st.composite
def lists(draw: st.DrawFn, depth: int, numbers: "itertools.count[int]") -> list[JsonValue]:
    steps: list[JsonValue] = [draw(steps_of(depth, numbers)) for _ in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()) and len(steps) > 1:
        ids = [step["id"] for step in steps if isinstance(step, dict)]
        for number, step in enumerate(steps):
            if isinstance(step, dict):
                step["needs"] = draw(st.lists(st.sampled_from(ids[:number]), unique=True)) if number else []
    return steps


@st.composite
def steps_of(draw: st.DrawFn, depth: int, numbers: "itertools.count[int]") -> Made:
    step: Made = {"id": f"s{next(numbers)}", "type": "shell", "command": "x"}
    if depth > 0 and draw(st.booleans()):
        mode = draw(st.sampled_from(["sequential", "parallel"]))
        step = {"id": step["id"], "type": "group", "mode": mode, "steps": draw(lists(depth - 1, numbers))}
        if mode == "parallel" and isinstance(step["steps"], list):
            for inner in step["steps"]:
                if isinstance(inner, dict):
                    inner.pop("needs", None)
    if draw(st.integers(0, 3)) == 0:
        step["for_each"] = {
            "items": ["a", "b"],
            "as": f"of_{step['id']}",
            "on_error": draw(st.sampled_from(["stop", "continue"])),
        }
    elif draw(st.integers(0, 3)) == 0:
        step["loop"] = {"max_iterations": 2}
    if draw(st.integers(0, 4)) == 0:
        step["on_failure"] = "continue"
    return step


class Answers:
    """Steps fail by their place in the order of the run; each answer says which files the step was given."""

    def __init__(self, failing: frozenset[int]) -> None:
        self.failing = failing
        self.count = 0
        self.failed: list[str] = []

    def __call__(self, call: StepCall) -> StepResult:
        self.count += 1
        if self.count in self.failing:
            self.failed.append(call.path)
            raise StepFailure(ErrorClass.EXIT, "made to fail")
        return StepResult(outputs={"stdout": call.path}, tree=f"{call.tree}>{call.path}")


class AnyStep(dict[str, Answers]):
    """The same answers for every path."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.answers = answers

    def get(self, path: str, default: object = None) -> Answers:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.answers


class Host(PlayingHost):
    """Keeps big values as they are."""

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        return dict.fromkeys(call.expressions, call.values["result"])


def played(text: str, failing: frozenset[int], ledger=None) -> tuple[Played, Answers]:
    answers = Answers(failing)
    host = Host(answers=AnyStep(answers))  # pyright: ignore[reportArgumentType]
    return asyncio.run(play(text, host, ledger=ledger)), answers


def planned(text: str, run: Played, wanted: Wanted) -> Plan:
    definition = require(text, "p.json")
    earlier = Earlier("run-1", definition, reload(run.book.freeze()), error=run.ending.error)
    return plan_rerun(earlier, definition, {}, wanted, inputs={}, env={})


def outcome(run: Played) -> dict[str, tuple[str, object, str | None]]:
    return {path: (record.status, record.outputs, record.tree) for path, record in run.book.records.items()}


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_rerun_ends_as_if_nothing_had_failed(data: st.DataObject):
    steps = data.draw(lists(2, itertools.count(1)))
    text = "name: made\nsteps: " + written(steps) + "\n"
    failing = frozenset(data.draw(st.lists(st.integers(1, 8), max_size=3)))
    whole, _ = played(text, frozenset())
    first, answers = played(text, failing)
    plan = planned(text, first, Wanted(failed=True))
    again, _ = played(text, frozenset(), reload(plan.kept))
    assert outcome(again) == outcome(whole)
    assert again.ending.state == "completed"
    done = {path for path, record in plan.kept.records.items() if record.status == "completed"}
    assert not done & set(again.host.calls)
    if not answers.failed:
        assert again.host.calls == []


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_rerun_from_a_step_does_that_step_and_ends_the_same(data: st.DataObject):
    steps = data.draw(lists(2, itertools.count(1)))
    text = "name: made\nsteps: " + written(steps) + "\n"
    whole, _ = played(text, frozenset())
    start = data.draw(st.sampled_from(sorted(whole.book.records)))
    plan = planned(text, whole, Wanted(start=start))
    again, _ = played(text, frozenset(), reload(plan.kept))
    assert outcome(again) == outcome(whole)
    inside = [
        path for path in whole.host.calls if path == start or path.startswith((f"{start}/", f"{start}[", f"{start}#"))
    ]
    assert set(inside) <= set(again.host.calls)
    assert len(again.host.calls) == len(set(again.host.calls))
    assert start in plan.kept.records or any(declared(path) == declared(start) for path, _ in plan.again)
