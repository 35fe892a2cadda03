"""Signals and resumptions of a case, at the levels that have a server (the level *plan* has its own host)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from client.testing import plan, real, simulated
from client.testing.outside import Outside
from client.testing.verdicts import NotPlayable, Outcome
from definitions.cases.models import Case
from tests.client.testing.test_simulated import case, subject

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = """name: outside
steps:
  - {id: go, type: wait, signal: payment.received, timeout: 3d}
  - {id: risky, type: shell, command: "false", on_failure: pause}
  - {id: paid, type: set, values: {amount: "{{ steps.go.outputs.payload.amount }}"}}
"""
LEVELS = [("plan", "2h", "1h"), ("simulated", "2h", "1h"), ("real", "100ms", "100ms")]
PAID = {"payload": {"amount": 3}}


def written(signal: str, person: str, **keys: Any) -> Case:
    resumptions = [{"action": action, "after": person} for action in keys.pop("actions", [])]
    return case(signals={"payment.received": {**PAID, "after": signal}}, resumptions={"risky": resumptions}, **keys)


async def play(level: str, one: Case, folder: Path, text: str = TEXT) -> Outcome:
    async with {"plan": plan, "simulated": simulated, "real": real}[level].opened() as played:
        return await played(one, subject(text, folder))


@pytest.mark.server
@pytest.mark.parametrize(("level", "signal", "person"), LEVELS)
async def test_run_goes_on_when_a_signal_comes_and_a_person_resumes(
    level: str, signal: str, person: str, tmp_path: Path
) -> None:
    stubs = {"risky": [{"fail": {}}, {}]}
    outcome = await play(level, written(signal, person, stubs=stubs, actions=["retry"]), tmp_path)
    assert outcome.status.status == "completed"
    assert outcome.status.steps["paid"].outputs == {"amount": 3}
    assert outcome.status.steps["risky"].attempt == 2
    if level != "real":
        assert outcome.duration == timedelta(hours=3)


@pytest.mark.server
@pytest.mark.parametrize(("level", "signal", "person"), LEVELS)
async def test_each_time_that_a_step_waits_the_next_person_speaks(
    level: str, signal: str, person: str, tmp_path: Path
) -> None:
    one = written(signal, person, stubs={"risky": {"fail": {}}}, actions=["retry", "skip"])
    outcome = await play(level, one, tmp_path)
    assert outcome.status.status == "completed"
    assert outcome.status.steps["risky"].status == "skipped"


@pytest.mark.server
@pytest.mark.parametrize(("level", "signal", "person"), LEVELS)
async def test_run_stays_paused_when_nobody_resumes_it(level: str, signal: str, person: str, tmp_path: Path) -> None:
    outcome = await play(level, written(signal, person, stubs={"risky": {"fail": {}}}), tmp_path)
    assert outcome.status.status == "paused"


@pytest.mark.server
async def test_gates_and_resumptions_come_in_the_order_of_the_clock(tmp_path: Path) -> None:
    text = """name: both
steps:
  - {id: ok, type: approval, needs: []}
  - {id: risky, type: shell, command: "false", needs: [], on_failure: pause}
"""
    one = case(
        decisions={"ok": {"verdict": "approve", "after": "1h"}},
        stubs={"risky": [{"fail": {}}, {}]},
        resumptions={"risky": [{"after": "2h"}]},
    )
    outcome = await play("simulated", one, tmp_path, text)
    assert outcome.status.status == "completed"
    assert outcome.duration == timedelta(hours=2)


@pytest.mark.server
@pytest.mark.parametrize(
    "keys", [{"signals": {"payment.received": {"after": "1h"}}}, {"resumptions": {"risky": [{"after": "1h"}]}}]
)
async def test_a_case_is_not_played_when_it_asks_the_world_to_wait(keys: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(NotPlayable, match="longer than a test waits"):
        await play("real", case(**keys), tmp_path)


def test_a_step_that_waits_again_is_met_again_when_it_failed_at_another_attempt() -> None:
    outside = Outside(written("1h", "1h", actions=["retry", "fail"]))
    outside.meet({"risky": 1}, BEGAN)
    outside.meet({"risky": 1}, BEGAN + timedelta(minutes=5))
    first = outside.next(BEGAN)
    assert first is not None
    assert (first.moment, first.path) == (BEGAN + timedelta(hours=1), "")  # the signal, named first
    outside.meet({}, BEGAN)
    assert outside.next(BEGAN + timedelta(days=1)) is not None
    outside.meet({"risky": 2}, BEGAN - timedelta(hours=3))
    again = outside.next(BEGAN)
    assert again is not None
    assert again.path == "risky"
