"""Logs stream to the store while a step runs, in bounded memory, and never stop it."""

import asyncio
import threading
import time
from pathlib import Path
from typing import TypeVar

import pytest

from activities import step_log
from activities.step_log import StoreStepLog, chunk_keys, log_key, read_log, readable
from activities.store.directory import DirectoryStore
from activities.store.interface import StoreError
from activities.store.opening import open_store

StoreType = TypeVar("StoreType", bound=DirectoryStore)


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return opened(tmp_path, DirectoryStore)


def opened(folder: Path, kind: type[StoreType]) -> StoreType:
    open_store(str(folder / "store"))
    return kind(folder / "store")


def content(store: DirectoryStore, key: str | None) -> bytes:
    assert key is not None
    return b"".join(read_log(store, key))


async def test_what_was_printed_is_kept_byte_for_byte(store: DirectoryStore) -> None:
    log = StoreStepLog(store, "run-1", "build", 1)
    log.write(b"\x1b[31mred\x1b[0m\r\n")
    log.write(b"\xff\xfe\0")
    log.note("ended")
    key = await log.close()
    assert key == "runs/run-1/logs/build/1"
    assert content(store, key) == b"\x1b[31mred\x1b[0m\r\n\xff\xfe\0[perdure] ended\n"


async def test_a_silent_step_writes_nothing(store: DirectoryStore) -> None:
    log = StoreStepLog(store, "run-1", "build", 1)
    log.write(b"")
    assert await log.close() is None
    assert list(store.list_keys("runs/")) == []


async def test_keys_are_sound_when_ids_and_paths_are_not() -> None:
    assert log_key("über/../x", "epics[E 1]/design", 2) == "runs/%C3%BCber%2F..%2Fx/logs/epics%5BE%201%5D%2Fdesign/2"


async def test_a_log_can_be_followed_while_it_grows(store: DirectoryStore) -> None:
    log = StoreStepLog(store, "run-1", "build", 1)
    log.write(b"first\n")
    deadline = time.monotonic() + 60
    while not (seen := chunk_keys(store, log_key("run-1", "build", 1))):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert store.read_document(seen[0]) == b"first\n"
    log.write(b"second\n")
    await log.close()
    fresh = chunk_keys(store, log_key("run-1", "build", 1), after=seen[-1])
    assert [store.read_document(key) for key in fresh] == [b"second\n"]


async def test_a_chunk_is_written_at_once_when_there_is_enough(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_log, "_INTERVAL", 600)
    log = StoreStepLog(store, "run-1", "build", 1)
    log.write(b"begin\n")
    log.write(b"x" * step_log.CHUNK)
    deadline = time.monotonic() + 60
    while not chunk_keys(store, log_key("run-1", "build", 1)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    await log.close()


async def test_attempt_one_is_not_mixed_with_attempt_ten(store: DirectoryStore) -> None:
    for attempt in (1, 10):
        log = StoreStepLog(store, "run-1", "build", attempt)
        log.write(f"{attempt}\n".encode())
        await log.close()
    assert content(store, log_key("run-1", "build", 1)) == b"1\n"


async def test_beginning_and_end_are_kept_when_the_log_is_too_long(store: DirectoryStore) -> None:
    log = StoreStepLog(store, "run-1", "build", 1, limit=1000)
    for number in range(1000):
        log.write(f"line {number:04}\n".encode())
    kept = content(store, await log.close())
    assert kept.startswith(b"line 0000\nline 0001\n")
    assert kept.endswith(b"line 0998\nline 0999\n")
    assert b"\n[perdure] 9000 bytes of the log are left out here\nline 0950\n" in kept
    assert len(kept) < 1100


async def test_memory_is_bounded_when_a_huge_log_comes_in(store: DirectoryStore) -> None:
    log = StoreStepLog(store, "run-1", "build", 1)
    piece = b"y" * 65536
    for _ in range(3000):  # 196 MB
        log.write(piece)
        await log.room()
    key = await log.close()
    size = sum(len(chunk) for chunk in read_log(store, str(key)))
    assert step_log.LIMIT <= size < step_log.LIMIT + 1000


class StuckStore(DirectoryStore):
    """Writes only when let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.let_go = threading.Event()

    def write_document(self, key: str, content: bytes) -> None:
        self.let_go.wait(20)
        super().write_document(key, content)


async def test_writing_never_blocks_when_the_store_is_stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_log, "_PENDING_LIMIT", 1000)
    store = opened(tmp_path, StuckStore)
    log = StoreStepLog(store, "run-1", "build", 1)
    started = time.monotonic()
    for number in range(10_000):
        log.write(f"line {number:04}\n".encode())
    assert time.monotonic() - started < 2
    store.let_go.set()
    kept = content(store, await log.close())
    assert kept.startswith(b"line 0000\n")
    assert b"bytes of the log are left out here" in kept
    assert len(kept) < 5000


async def test_the_gap_stands_where_it_was_when_the_store_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_log, "_PENDING_LIMIT", 10)
    monkeypatch.setattr(step_log, "CHUNK", 1)
    store = opened(tmp_path, StuckStore)
    log = StoreStepLog(store, "run-1", "build", 1)
    log.write(b"being written\n")
    await written_up(log)
    log.write(b"waiting\n")
    log.write(b"waiting\n")
    log.write(b"lost\n")
    store.let_go.set()
    await written_up(log)
    log.write(b"after\n")
    kept = content(store, await log.close())
    gap = b"\n[perdure] 5 bytes of the log are left out here\n"
    assert kept == b"being written\nwaiting\nwaiting\n" + gap + b"after\n"


async def written_up(log: StoreStepLog) -> None:
    """Return when the thread has taken all that waits."""
    deadline = time.monotonic() + 60
    while log._waiting:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_the_writer_waits_for_a_slow_store_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_log, "_ROOM", 10)
    monkeypatch.setattr(step_log, "_LONGEST_WAIT_FOR_ROOM", 0.1)
    store = opened(tmp_path, StuckStore)
    log = StoreStepLog(store, "run-1", "build", 1)
    log.write(b"x" * step_log.CHUNK)
    await written_up(log)
    log.write(b"x" * step_log.CHUNK)
    started = time.monotonic()
    await log.room()
    assert 0.1 <= time.monotonic() - started < 2
    store.let_go.set()
    await log.close()


class FullStore(DirectoryStore):
    """Takes nothing."""

    def write_document(self, key: str, content: bytes) -> None:
        raise StoreError("no space left on device")


async def test_the_step_goes_on_when_the_store_is_full(tmp_path: Path) -> None:
    log = StoreStepLog(opened(tmp_path, FullStore), "run-1", "build", 1)
    log.write(b"x" * 1_000_000)
    assert await log.close() is None
    assert log.failure == "no space left on device"


async def test_the_log_goes_on_after_what_a_lost_worker_wrote(store: DirectoryStore) -> None:
    for text in (b"first try\n", b"second try\n"):
        log = StoreStepLog(store, "run-1", "build", 1)
        log.write(text)
        await log.close()
    kept = content(store, log_key("run-1", "build", 1))
    assert kept == b"first try\n\n[perdure] the worker was lost; the attempt begins again\nsecond try\n"


async def test_closing_twice_is_closing_once(store: DirectoryStore) -> None:
    log = StoreStepLog(store, "run-1", "build", 1)
    log.write(b"x")
    assert await log.close() == await log.close()
    assert content(store, log_key("run-1", "build", 1)) == b"x"


async def test_writers_of_several_threads_lose_nothing(store: DirectoryStore) -> None:
    log = StoreStepLog(store, "run-1", "build", 1)
    threads = [
        threading.Thread(target=lambda n=n: [log.write(f"{n}:{i}\n".encode()) for i in range(500)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(content(store, await log.close()).splitlines()) == 2000


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07after", "after"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"10%\r20%\r\n", "10%\n20%\n"),
        (b"a\x08\x00\x7f\xc2\x9bb\tc\n", "ab\tc\n"),
        (b"\xff", "\ufffd"),
        (b"\x1bcreset", "creset"),
        (b"\x1b", ""),
        ("grün".encode(), "grün"),
    ],
)
def test_what_could_drive_a_terminal_is_taken_out(raw: bytes, text: str) -> None:
    assert readable(raw) == text
