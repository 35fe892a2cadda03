"""What a collection removes, and what it never does: content of open runs, of kept ones, of what is being written."""

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.artifacts.versions import ArtifactVersion
from activities.cache.counts import COUNTS
from activities.cache.records import needed_blobs, records_of
from activities.garbage.collecting import LEASE, Busy, Retention, collect
from activities.store.canonical_json import digest_of
from activities.store.directory import DirectoryStore
from activities.store.interface import Store, StoreError
from activities.store.opening import open_store
from activities.workspace.manifest import Entry, Manifest, load_manifest, save_manifest
from activities.workspace.restoring import restore
from activities.workspace.snapshots import snapshot
from activities.workspace.stat_cache import StatCache
from definitions.errors import StepFailure
from definitions.stored_values import value_reference
from tests.activities.cache.results import NOON, keep, key_of

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=200)
RETENTION = Retention()


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    opened = open_store(tmp_path / "store")
    assert isinstance(opened, DirectoryStore)
    return opened


def age(store: Store, *digests: str, moment: datetime = LONG_AGO) -> None:
    """Let blobs (all, where none is named) be of another time."""
    for path in (Path(store.location) / "cas").rglob("*"):
        if path.is_file() and (not digests or path.name in digests):
            os.utime(path, (moment.timestamp(), moment.timestamp()))


def age_documents(store: Store, prefix: str, moment: datetime = LONG_AGO) -> None:
    for path in (Path(store.location) / "keys" / prefix).rglob("*"):
        os.utime(path, (moment.timestamp(), moment.timestamp()))


def tree(store: Store, folder: Path, **files: str) -> tuple[str, set[str]]:
    """Keep a tree; return its digest, and those of its files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return save_manifest(store, snapshot(store, folder)), {digest_of(text.encode()) for text in files.values()}


def ended_run(store: Store, name: str, ended: datetime, **ledger: object) -> None:
    store.write_document(f"runs/{name}/ledger.json", json.dumps(ledger).encode())
    store.write_document(f"runs/{name}/logs/a/1/log-00001", b"hi")
    record = {"status": "completed", "completed_at": ended.isoformat()}
    store.write_document(f"runs/{name}/run.json", json.dumps(record).encode())


def there(store: Store) -> set[str]:
    return {blob.digest for blob in store.list_blobs()}


def test_blob_goes_when_nothing_refers_to_it_and_it_is_old(store: DirectoryStore):
    old, young = store.write_blob(b"old"), store.write_blob(b"young")
    age(store, old)
    collected = collect(store, [], [], RETENTION)
    assert (collected.swept.blobs, collected.swept.bytes) == (1, 3)
    assert there(store) == {young}


def test_nothing_goes_when_it_is_only_tried(store: DirectoryStore):
    old = store.write_blob(b"old")
    age(store)
    ended_run(store, "gone", LONG_AGO)
    age_documents(store, "runs/gone")
    collected = collect(store, [], [], RETENTION, dry_run=True)
    assert (collected.swept.blobs, collected.runs) == (1, ["gone"])
    assert store.has_blob(old)
    assert store.read_document("runs/gone/run.json") is not None
    assert store.read_document(LEASE) is None


def test_run_goes_with_all_it_has_when_it_ended_long_ago(store: DirectoryStore, tmp_path: Path):
    kept_tree, kept_files = tree(store, tmp_path / "w1", a="shared", b="of the kept run")
    gone_tree, gone_files = tree(store, tmp_path / "w2", a="shared", b="of the run that goes")
    ended_run(store, "kept", NOW, tree=kept_tree)
    ended_run(store, "a%2Fgone", LONG_AGO, tree=gone_tree)
    age(store)
    age_documents(store, "runs/a%2Fgone")
    collected = collect(store, [], [], RETENTION)
    assert (collected.runs, collected.kept_runs) == (["a/gone"], 1)
    assert list(store.list_keys("runs/a%2Fgone/")) == []
    assert there(store) >= {kept_tree, *kept_files}
    assert there(store).isdisjoint({gone_tree, *(gone_files - kept_files)})


def test_value_stays_with_the_file_that_it_refers_to(store: DirectoryStore):
    inner = store.write_blob(b"inner")
    value = store.write_blob(json.dumps([{"$file": "a", "digest": inner, "size": 5}] * 30).encode())
    ended_run(store, "kept", NOW, outputs=value_reference(value, 2000))
    age(store)
    collect(store, [], [], RETENTION)
    assert there(store) == {value, inner}


def test_open_run_keeps_its_files_when_it_is_older_than_any_time(store: DirectoryStore, tmp_path: Path):
    root, files = tree(store, tmp_path / "w", a="1", b="2")
    store.write_document("runs/waits/definitions.json", b"{}")
    age(store)
    age_documents(store, "runs/waits")
    collect(store, ["waits"], [root, "f" * 64], RETENTION)
    assert there(store) >= {root, *files}
    assert store.read_document("runs/waits/definitions.json") == b"{}"


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b'{"status": "running"}', b'{"status": "failed"}'])
def test_run_goes_by_its_age_when_its_end_was_never_recorded(store: DirectoryStore, content: bytes):
    store.write_document("runs/lost/run.json", content)
    store.write_document("runs/later/ledger.json", b"{}")
    age_documents(store, "runs/lost")
    assert collect(store, [], [], RETENTION).runs == ["lost"]


def test_cached_step_goes_when_it_is_old_and_stays_with_what_it_needs_when_not(store: DirectoryStore, tmp_path: Path):
    young, old = key_of("young"), key_of("old")
    before, after = Manifest(), Manifest((Entry("made", "f", store.write_blob(b"made"), 4),))
    keep(store, young, before, after, hours=int((NOW - NOON) / timedelta(hours=1)))
    keep(store, old, before, after)
    age(store)
    collected = collect(store, [], [], RETENTION)
    assert collected.cached_steps == 1
    assert records_of(store, old.digest) == []
    (record,) = records_of(store, young.digest)
    assert list(needed_blobs(record))
    assert store.missing_blobs([record.descriptor, record.files, *needed_blobs(record)]) == set()


def test_artifact_stays_with_its_content(store: DirectoryStore, tmp_path: Path):
    folder, files = tree(store, tmp_path / "w", a="1")
    file, other = store.write_blob(b"report"), store.write_blob(b"mentioned by a tag")
    facts = {"size": 1, "file_name": "r", "media_type": "text/plain", "published_at": NOW, "publication": "p"}
    for name, kind, digest in (("report", "file", file), ("site", "folder", folder)):
        version = ArtifactVersion(name=name, version=1, kind=kind, digest=digest, **facts)
        store.create_record(f"artifacts/{name}/1", version.model_dump_json().encode())
    store.write_document("artifacts/report/tags/latest", other.encode())
    age(store)
    collect(store, [], [], RETENTION)
    assert there(store) == {file, folder, other, *files}


def test_old_file_stays_when_a_young_tree_has_it(store: DirectoryStore, tmp_path: Path):
    """The source of a run that begins in this moment: its files were kept by an earlier one, long ago."""
    root, files = tree(store, tmp_path / "w", a="1", b="2")
    age(store, *files)
    collect(store, [], [], RETENTION)
    assert there(store) == {root, *files}


def test_renewed_blob_stays_when_it_was_marked_for_removal(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch):
    blob = store.write_blob(b"wanted again")
    age(store)
    rename = os.rename

    def rename_late(source: str, target: str) -> None:
        assert store.renew([blob]) == set()
        rename(source, target)

    monkeypatch.setattr("os.rename", rename_late)
    assert collect(store, [], [], RETENTION).swept.blobs == 0
    assert store.read_blob(blob) == b"wanted again"


def test_young_and_missing_are_told_when_blobs_are_renewed(store: DirectoryStore):
    blob = store.write_blob(b"x")
    assert store.is_young(blob)
    age(store)
    assert not store.is_young(blob)
    assert store.renew([blob, "0" * 64]) == {"0" * 64}
    assert store.is_young(blob)
    assert not store.is_young("0" * 64)
    age(store)
    store.write_blob(b"x")
    assert store.is_young(blob)


def test_second_collector_is_refused_and_a_dead_ones_lease_runs_out(store: DirectoryStore):
    def lease(moment: datetime) -> bytes:
        return json.dumps({"since": moment.isoformat()}).encode()

    store.write_document(LEASE, lease(NOW - timedelta(hours=1)))
    with pytest.raises(Busy, match="somebody collects garbage"):
        collect(store, [], [], RETENTION)
    for left in (lease(NOW - timedelta(hours=7)), b"nonsense", b"[]"):
        store.write_document(LEASE, left)
        collect(store, [], [], RETENTION)
        assert store.read_document(LEASE) is None


def test_nothing_is_swept_when_marking_took_too_long(store: DirectoryStore):
    blob = store.write_blob(b"x")
    age(store)
    moments: Iterator[datetime] = iter([NOW, NOW + timedelta(hours=7)])
    with pytest.raises(StoreError, match="took so long"):
        collect(store, [], [], RETENTION, clock=lambda: next(moments))
    assert store.has_blob(blob)


def test_trees_are_whole_when_runs_race_with_collections(store: DirectoryStore, tmp_path: Path):
    """Writers come back to content that was made long ago and that nothing refers to, while collectors sweep it."""
    stop = threading.Event()
    faults: list[str] = []

    def write(number: int) -> None:
        folder, turn = tmp_path / f"w{number}", 0
        folder.mkdir()
        stats = StatCache()
        while not stop.is_set():
            turn += 1
            for name in range(6):
                (folder / f"{name}").write_text(f"content {number} {name} {turn % 2}")
            manifest = snapshot(store, folder, stats=stats)
            root = save_manifest(store, manifest)
            try:
                restore(store, load_manifest(store, root), tmp_path / f"out{number}-{turn}")
            except StepFailure as failure:
                faults.append(failure.message)
                return
            age(store, root, *(entry.digest for entry in manifest.entries))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    swept = sum(collect(store, [], [], RETENTION).swept.blobs for _ in range(60))
    stop.set()
    for writer in writers:
        writer.join(30)
    assert faults == []
    assert swept > 0


def test_notes_go_when_they_are_old(store: DirectoryStore):
    store.write_document("cache/flights/dead", b"{}")
    age_documents(store, "cache/flights")
    store.write_document("cache/flights/alive", b"{}")
    old, young = (f"{COUNTS}{day.date().isoformat()}/host-1" for day in (LONG_AGO, NOW))
    for key in (old, young):
        store.write_document(key, b"{}")
    collect(store, [], [], RETENTION, dry_run=True)
    assert store.read_document(old) == b"{}"
    collect(store, [], [], RETENTION)
    assert list(store.list_keys("cache/")) == [young, "cache/flights/alive"]
