"""Checkpoints: taken at a turn's end, restored on another worker; and what a heartbeat says of them."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from activities.agents import checkpoints
from activities.agents.checkpointing import Checkpointing
from activities.agents.checkpoints import Checkpoint, Checkpoints, checkpoint_from
from activities.agents.resumption import Resumption
from activities.store.interface import BlobMissing
from definitions.records import Usage
from tests.support.agent_executions import HeardLog, Stage, agent_stage


def checkpoints_of(stage: Stage) -> Checkpoints:
    return Checkpoints(stage.execution.store, stage.workspace, stage.execution.call.tree)


def test_both_halves_come_back_when_a_checkpoint_is_restored(tmp_path: Path) -> None:
    stage = agent_stage(tmp_path, files={"a.txt": "1", "gone.txt": "2"})
    transcript = tmp_path / "t.jsonl"
    transcript.write_bytes(b'{"n": 1}\n{"n": 2}\n')
    (stage.workspace / "a.txt").write_text("changed")
    (stage.workspace / "gone.txt").unlink()
    taken = checkpoints_of(stage).take(transcript, '"n": 2')
    assert taken is not None
    (stage.workspace / "a.txt").write_text("1")
    (stage.workspace / "gone.txt").write_text("2")
    (stage.workspace / "later.txt").write_text("3")
    restored = tmp_path / "other" / "deep" / "t.jsonl"
    checkpoints_of(stage).restore(taken, restored)
    assert restored.read_bytes() == transcript.read_bytes()
    assert {path.name: path.read_text() for path in stage.workspace.iterdir()} == {"a.txt": "changed"}


@pytest.mark.parametrize(
    ("written", "kept"),
    [(b'{"n": 1}\n{"n": ', b'{"n": 1}\n'), (b'{"n": 1}\n{"n": 2}', b'{"n": 1}\n{"n": 2}')],
)
def test_half_a_line_is_left_out_when_it_is_still_being_written(tmp_path: Path, written: bytes, kept: bytes) -> None:
    stage = agent_stage(tmp_path)
    (tmp_path / "t").write_bytes(written)
    taken = checkpoints_of(stage).take(tmp_path / "t")
    assert taken is not None
    assert stage.execution.store.read_blob(taken.transcript) == kept


def test_nothing_is_taken_when_there_is_no_transcript(tmp_path: Path) -> None:
    assert checkpoints_of(agent_stage(tmp_path)).take(tmp_path / "none") is None


def test_transcript_is_taken_as_it_is_when_the_mark_does_not_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "LONGEST_WAIT", 0.05)
    (tmp_path / "t").write_bytes(b"{}\n")
    assert checkpoints_of(agent_stage(tmp_path)).take(tmp_path / "t", "never") is not None


def test_restoring_fails_when_the_store_lost_a_half(tmp_path: Path) -> None:
    stage = agent_stage(tmp_path)
    with pytest.raises(BlobMissing):
        checkpoints_of(stage).restore(Checkpoint("0" * 64, "0" * 64), tmp_path / "t")
    assert not (tmp_path / "t").exists()


async def test_turn_is_not_forgotten_when_it_ends_while_one_is_taken(tmp_path: Path) -> None:
    stage = agent_stage(tmp_path)
    transcript = tmp_path / "t"
    transcript.write_bytes(b'"1"\n')
    taken: list[Checkpoint] = []
    work = Checkpointing(checkpoints_of(stage), timedelta(0), HeardLog(), taken.append)
    work.turn_ended(transcript, "1")
    await asyncio.sleep(0)
    transcript.write_bytes(b'"1"\n"2"\n')
    work.turn_ended(transcript, "2")
    deadline = asyncio.get_running_loop().time() + 10
    while len(taken) < 2:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    assert stage.execution.store.read_blob(taken[-1].transcript) == b'"1"\n"2"\n'
    await work.close()


async def test_no_more_are_taken_when_the_session_is_over(tmp_path: Path) -> None:
    stage = agent_stage(tmp_path)
    (tmp_path / "t").write_bytes(b'"1"\n')
    taken: list[Checkpoint] = []
    work = Checkpointing(checkpoints_of(stage), timedelta(hours=1), HeardLog(), taken.append)
    work.turn_ended(tmp_path / "t", "1")
    deadline = asyncio.get_running_loop().time() + 10
    while not taken:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    work.turn_ended(tmp_path / "t", "1")
    await asyncio.wait_for(work.close(), 5)
    assert len(taken) == 1


async def test_step_goes_on_when_a_checkpoint_cannot_be_stored(tmp_path: Path) -> None:
    stage, log = agent_stage(tmp_path), HeardLog()
    (tmp_path / "t").mkdir()
    work = Checkpointing(checkpoints_of(stage), timedelta(0), log, lambda _: None)
    work.turn_ended(tmp_path / "t", "")
    deadline = asyncio.get_running_loop().time() + 10
    while not log.notes:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    assert log.notes[0].startswith("no checkpoint was taken")
    await work.close()


def test_everything_is_read_back_when_a_heartbeat_is_whole() -> None:
    pair = Checkpoint("a", "b")
    carried: dict[str, JsonValue] = {"session": "s", "generation": 2, "reasks": 1, "usage": {"turns": 3}}
    carried["checkpoint"] = pair.as_json()
    assert Resumption.from_heartbeat(carried) == Resumption("s", 2, 1, pair, Usage(turns=3))


@pytest.mark.parametrize("carried", [None, {}, {"session": 1}, {"position": "of another executor"}])
def test_nothing_is_resumed_when_a_heartbeat_says_nothing(carried: dict[str, object] | None) -> None:
    assert Resumption.from_heartbeat(carried) == Resumption()  # pyright: ignore[reportArgumentType]


def test_rest_counts_when_parts_of_a_heartbeat_are_not_understood() -> None:
    carried = {"session": "s", "generation": 0, "reasks": None, "checkpoint": {"transcript": 1}, "usage": "much"}
    assert Resumption.from_heartbeat(carried) == Resumption("s")  # pyright: ignore[reportArgumentType]
    assert checkpoint_from(None) is None
