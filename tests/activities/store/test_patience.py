import asyncio
import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.store import patience
from activities.store.interface import BlobMissing, StoreAway
from activities.store.opening import open_store
from activities.store.patience import PatientStore, Vigil
from tests.support.flaky_stores import FlakyStore

ABSENT = "0" * 64


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pauses be short."""
    monkeypatch.setattr(patience, "FIRST_PAUSE", timedelta(milliseconds=2))
    monkeypatch.setattr(patience, "LONGEST_PAUSE", timedelta(milliseconds=8))


@pytest.fixture
def flaky(tmp_path: Path) -> FlakyStore:
    return FlakyStore(open_store(tmp_path / "store"))


@pytest.fixture
def store(flaky: FlakyStore) -> PatientStore:
    return PatientStore(flaky, Vigil())


@pytest.mark.parametrize("is_late", [False, True])
def test_every_call_is_answered_when_the_store_comes_back(
    store: PatientStore, flaky: FlakyStore, tmp_path: Path, is_late: bool
) -> None:
    flaky.is_late = is_late
    (tmp_path / "a").write_bytes(b"a")

    def away() -> PatientStore:
        flaky.absences = 3
        return store

    digest = away().write_blob(b"content")
    assert away().write_blob_from(tmp_path / "a") == away().write_blobs_from([tmp_path / "a"])[0]
    assert away().read_blob(digest) == b"content"
    assert away().has_blob(digest)
    assert away().missing_blobs([digest, ABSENT]) == {ABSENT}
    assert away().is_young(digest)
    assert away().renew([digest, ABSENT]) == {ABSENT}
    away().check_blob(digest)
    assert away().link_to(digest, 60, "a", "text/plain") is None
    away().fetch([digest])
    assert store.sweep(lambda _: False, datetime.now(UTC) - timedelta(days=2), dry_run=True).blobs == 0
    assert away().create_record("a/record", b"1")
    assert not store.create_record("a/record", b"2")
    assert away().read_record("a/record") == b"1"
    away().write_document("a/document", b"1")
    assert away().read_document("a/document") == b"1"
    assert away().swap_document("a/document", b"1", b"2")
    assert not away().swap_document("a/document", b"1", b"3")
    away().delete_record("a/record")
    assert store.read_record("a/record") is None
    assert [blob.digest for blob in store.list_blobs() if blob.digest == digest] == [digest]
    assert store.location == str(tmp_path / "store")
    assert flaky.absences == 0


def test_file_is_copied_when_the_store_comes_back(store: PatientStore, flaky: FlakyStore, tmp_path: Path) -> None:
    digest = store.write_blob(b"content")
    flaky.absences = 2
    store.copy_blob_to(digest, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"content"


def test_another_writers_record_stays_another_when_our_answer_was_lost(store: PatientStore, flaky: FlakyStore) -> None:
    flaky.create_record("a/record", b"theirs")
    flaky.absences, flaky.is_late = 1, True
    assert not store.create_record("a/record", b"ours")
    assert store.read_record("a/record") == b"theirs"


@pytest.mark.parametrize("broken_at", [0, 1, 2])
def test_listing_goes_on_where_it_broke_off_when_the_store_comes_back(
    store: PatientStore, flaky: FlakyStore, broken_at: int
) -> None:
    for name in ("a", "b", "c"):
        store.write_document(f"x/{name}", b"1")
    flaky.breaks_listing_at = broken_at
    flaky.absences = 2
    assert list(store.list_keys("x/")) == ["x/a", "x/b", "x/c"]
    flaky.absences = 2
    assert [entry.key for entry in store.list_entries("x/")] == ["x/a", "x/b", "x/c"]


def test_blobs_go_on_arriving_when_the_store_comes_back(store: PatientStore, flaky: FlakyStore) -> None:
    flaky.absences = 2
    wanted = {store.write_blob(b"%d" % number) for number in range(5)}
    arrived: list[str] = []
    for arrival in store.arriving(wanted):
        arrived += arrival.digests
        flaky.absences = 1
    assert len(arrived) == 5
    assert set(arrived) == wanted


def test_failure_is_told_at_once_when_it_does_not_pass(store: PatientStore, flaky: FlakyStore) -> None:
    with pytest.raises(BlobMissing):
        store.read_blob(ABSENT)
    assert flaky.calls == ["read_blob"]


def test_call_fails_with_the_last_word_when_patience_is_used_up(flaky: FlakyStore) -> None:
    flaky.absences = 1_000_000
    with pytest.raises(StoreAway, match="does not answer"):
        PatientStore(flaky, Vigil(timedelta(milliseconds=20))).read_blob(ABSENT)
    assert len(flaky.calls) > 1


def test_trouble_is_told_while_it_lasts_and_logged_once_when_many_wait(
    store: PatientStore, flaky: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    digest = store.write_blob(b"x")
    flaky.absences = 1_000_000
    assert store.vigil.trouble is None
    caplog.set_level(logging.WARNING, "perdure.store")
    readers = [threading.Thread(target=store.read_blob, args=[digest]) for _ in range(4)]
    for reader in readers:
        reader.start()
    deadline = time.monotonic() + 60
    while not (told := store.vigil.trouble) and time.monotonic() < deadline:
        time.sleep(0.001)
    assert told is not None
    assert "UTC: the store `flaky` does not answer" in told
    flaky.absences = 0
    for reader in readers:
        reader.join(10)
    assert store.vigil.trouble is None
    assert "steps wait: the store `flaky` does not answer" in caplog.text
    assert "has ended" in caplog.text
    assert len(caplog.records) % 2 == 0


def test_nobody_waits_on_when_the_worker_ends(flaky: FlakyStore) -> None:
    flaky.absences = 1_000_000
    store = PatientStore(flaky, Vigil())
    failures: list[StoreAway] = []

    def read() -> None:
        try:
            store.read_blob(ABSENT)
        except StoreAway as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    store.vigil.end()
    reader.join(10)
    assert len(failures) == 1


async def test_one_attempt_waits_no_more_and_others_do_when_it_is_given_up(flaky: FlakyStore) -> None:
    flaky.absences = 1_000_000
    store = PatientStore(flaky, Vigil())
    digest = flaky._store.write_blob(b"x")  # pyright: ignore[reportPrivateUsage]
    other = asyncio.create_task(asyncio.to_thread(store.read_blob, digest))
    with store.vigil.waiter() as waiter:
        given_up = asyncio.create_task(asyncio.to_thread(store.read_blob, digest))
    while len(flaky.calls) < 2:  # the other side is threads
        await asyncio.sleep(0.001)
    store.vigil.give_up(waiter)
    with pytest.raises(StoreAway):
        await given_up
    assert not other.done()
    flaky.absences = 0
    assert await other == b"x"
