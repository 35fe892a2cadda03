"""Collections on a real S3 server, where content lies in packs: races as on a folder, and what only packs have."""

import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.garbage.collecting import Retention, collect
from activities.garbage.verifying import verify
from activities.store.s3.local_cache import LocalCache
from activities.store.s3.pack_index import INDEX
from activities.store.s3.store import S3Store
from activities.workspace.manifest import load_manifest, save_manifest
from activities.workspace.restoring import restore
from activities.workspace.snapshots import snapshot
from definitions.errors import StepFailure
from tests.activities.store.s3_places import fresh_store
from tests.support.versitygw import BUCKET, Gateway

LONG_AGO = (datetime.now(UTC) - timedelta(days=200)).timestamp()
ROUNDS = 12


class Machine:
    """Workers that know nothing of each other, on one server."""

    def __init__(self, gateway: Gateway, store: S3Store) -> None:
        self._bucket = store._bucket
        self._objects = gateway.objects / store.location.partition(f"{BUCKET}/")[2]

    def worker(self) -> S3Store:
        """Return a store as a process that was just started has it, its local cache empty and its memory too."""
        return S3Store(self._bucket, LocalCache(Path(), limit=0))

    def age(self, digests: Iterable[str]) -> None:
        """Let the objects that hold these be of another time."""
        index = self.worker()._index
        index.refresh()
        for digest in digests:
            packed = index.find(digest)
            name = f"cas/{digest[:2]}/{digest}" if packed is None else INDEX + packed.pack
            os.utime(self._objects / name, (LONG_AGO, LONG_AGO))

    def packs(self) -> set[str]:
        return {path.name for path in (self._objects / "packs").rglob("*") if path.is_file()}


@pytest.fixture
def machine(s3_server: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    s3_server.set_in(monkeypatch)
    return Machine(s3_server, fresh_store(monkeypatch, tmp_path / "cache"))


def lay(folder: Path, **texts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def keep(store: S3Store, folder: Path) -> tuple[str, set[str]]:
    """Keep a tree; return its digest, and those of its files."""
    manifest = snapshot(store, folder)
    return save_manifest(store, manifest), {entry.digest for entry in manifest.entries}


def test_trees_are_whole_when_runs_race_with_collections(machine: Machine, tmp_path: Path) -> None:
    """Writers come back to packs that were made long ago and that nothing refers to, while collectors sweep them."""
    stop = threading.Event()
    faults: list[str] = []

    def write(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            changing = {f"c{name}": f"{number} {name} {turn % 2}" for name in range(8)}
            folder = lay(tmp_path / f"w{number}", **changing, **{f"s{name}": f"{number} {name}" for name in range(4)})
            try:
                root, files = keep(machine.worker(), folder)
                reader = machine.worker()
                restore(reader, load_manifest(reader, root), tmp_path / f"out{number}-{turn}")
            except StepFailure as failure:
                faults.append(failure.message)
                return
            machine.age([root, *files])

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    swept = [collect(machine.worker(), [], [], Retention()).swept for _ in range(ROUNDS)]
    stop.set()
    for writer in writers:
        writer.join(60)
    assert faults == []
    assert sum(one.blobs for one in swept) > 0
    assert verify(machine.worker()).damages == []


def test_pack_is_written_anew_when_little_of_it_is_live(machine: Machine, tmp_path: Path) -> None:
    old = lay(tmp_path / "old", **{f"f{number}": f"text {number}" for number in range(20)})
    root, files = keep(machine.worker(), old)
    before = machine.packs()
    machine.age([root, *files])
    small = lay(tmp_path / "small", f0="text 0", f1="text 1")
    kept_root, kept = keep(machine.worker(), small)  # too few for a pack: they are where they were
    planned = collect(machine.worker(), [], [], Retention(), dry_run=True).swept
    assert machine.packs() == before
    swept = collect(machine.worker(), [], [], Retention()).swept
    assert swept == planned
    assert swept.packs == 1
    assert len(machine.packs() - before) == 1
    assert machine.packs() & before == set()
    reader = machine.worker()
    assert {blob.digest for blob in reader.list_blobs()} == {kept_root, *kept}
    restore(reader, load_manifest(reader, kept_root), tmp_path / "out")
    assert (tmp_path / "out" / "f1").read_text() == "text 1"
    assert verify(reader).damages == []
