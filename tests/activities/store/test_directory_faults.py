"""A folder as a store when the world is not kind: kills, a full disk, a lost mount, clocks, read-only, company."""

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.store import failures, opening
from activities.store.durable_files import write_new_file
from activities.store.interface import Store, StoreAway, StoreError, StoreForbidden
from activities.store.opening import open_store
from definitions.errors import EnvironmentUnfit

ROOT = Path(__file__).parents[3]
ABSENT = "0" * 64
DAY = 24 * 3600


def in_python(code: str, *arguments: object, within: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process of its own, if need be inside another program."""
    argv = [*within, sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        argv, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )


def mounted(command: str) -> tuple[str, ...]:
    """Return the words before a program that has file systems of its own; the test ends where none may be mounted."""
    argv = ("unshare", "--map-root-user", "--mount", "sh", "-ec", f'{command}; exec "$@"', "sh")
    if sys.platform != "linux" or subprocess.run([*argv, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount file systems of their own")
    return argv


def test_nothing_half_is_visible_when_the_process_is_killed_at_any_call(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.support.store_work", "every-call", str(tmp_path)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 40


FULL = """
import os, sys
from pathlib import Path
from activities.store.interface import StoreError
from activities.store.opening import open_store

root, kept = Path(sys.argv[1]), b"kept"
store = open_store(root)
digest = store.write_blob(kept)
store.write_document("a/document", b"before")
(root / "ballast").write_bytes(os.urandom(2 ** 20 - 200_000))
source = Path(sys.argv[2]) / "source"
source.write_bytes(os.urandom(3_000_000))
said = []
for work in (
    lambda: store.write_blob(os.urandom(500_000)),
    lambda: store.write_blob_from(source),
    lambda: store.write_document("a/document", os.urandom(500_000)),
    lambda: store.create_record("a/record", os.urandom(500_000)),
    lambda: store.swap_document("a/document", b"before", os.urandom(500_000)),
):
    try:
        work()
        said.append("NO FAILURE")
    except StoreError as error:
        said.append(f"{type(error).__name__} {error.message}")
assert os.listdir(root / "tmp") == [], os.listdir(root / "tmp")
assert store.read_blob(digest) == kept
assert store.read_document("a/document") == b"before"
assert store.read_record("a/record") is None
assert [blob.digest for blob in store.list_blobs()] == [digest]
(root / "ballast").unlink()
store.write_blob(os.urandom(500_000))
print("\\n".join(said))
"""


def test_nothing_half_is_kept_and_the_way_out_is_said_when_the_disk_is_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    ended = in_python(FULL, disk, tmp_path, within=mounted(f"mount -t tmpfs -o size=1m none {disk}"))
    assert ended.returncode == 0, ended.stderr
    for line in ended.stdout.splitlines():
        assert line.startswith("StoreError cannot write to the store")
        assert "no space left on device; free space there" in line


LIMITED = """
import os, resource, signal, sys
from pathlib import Path
from activities.store.interface import StoreError
from activities.store.opening import open_store

store = open_store(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.write_blob(bytes(200_000))
except StoreError as error:
    print(error.message)
assert list(store.list_blobs()) == []
assert os.listdir(Path(sys.argv[1]) / "tmp") == []
"""


def test_nothing_half_is_kept_when_files_may_not_grow_further(tmp_path: Path) -> None:
    ended = in_python(LIMITED, tmp_path / "store")
    assert ended.returncode == 0, ended.stderr
    assert "file too large" in ended.stdout


READ_ONLY = """
import sys
from activities.store.interface import StoreError, StoreForbidden
from activities.store.opening import open_store
from definitions.errors import EnvironmentUnfit

try:
    open_store(sys.argv[1])
except EnvironmentUnfit as error:
    print(error.message, error.remedy)
store = open_store(sys.argv[1], may_be_read_only=True)
assert store.read_blob(sys.argv[2]) == b"content"
assert list(store.list_keys("")) == ["runs/a/run.json"]
for work in (
    lambda: store.write_blob(b"new"),
    lambda: store.write_document("a/b", b"1"),
    lambda: store.create_record("a/c", b"1"),
    lambda: store.delete_record("runs/a/run.json"),
    lambda: store.swap_document("runs/a/run.json", b"{}", b"1"),
):
    try:
        work()
        print("NO FAILURE")
    except StoreForbidden as error:
        print(error.message)
"""


def test_store_is_read_and_writes_are_refused_when_it_is_read_only(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store = open_store(root)
    digest = store.write_blob(b"content")
    store.write_document("runs/a/run.json", b"{}")
    ended = in_python(READ_ONLY, root, digest, within=mounted(f"mount --bind -o ro {root} {root}"))
    assert ended.returncode == 0, ended.stderr
    refused, *writes = ended.stdout.splitlines()
    assert "cannot be written: read-only file system make that folder writable" in refused
    assert len(writes) == 5
    assert all("read-only file system; make that folder writable for this user" in line for line in writes), writes


def test_folder_that_is_no_store_is_refused_when_it_is_read_only(tmp_path: Path) -> None:
    ended = in_python(
        "import sys; from activities.store.opening import open_store; open_store(sys.argv[1], may_be_read_only=True)",
        tmp_path,
        within=mounted(f"mount --bind -o ro {tmp_path} {tmp_path}"),
    )
    assert "EnvironmentUnfit" in ended.stderr


def _reads(store: Store) -> list[Callable[[], object]]:
    return [
        lambda: store.read_blob(ABSENT),
        lambda: store.has_blob(ABSENT),
        lambda: store.missing_blobs([ABSENT]),
        lambda: store.copy_blob_to(ABSENT, Path("unused")),
        lambda: store.read_record("a/b"),
        lambda: store.read_document("a/b"),
        lambda: list(store.list_keys("")),
        lambda: list(store.list_entries("")),
        lambda: list(store.list_blobs()),
        lambda: store.write_blob(b"x"),
        lambda: store.write_document("a/b", b"x"),
        lambda: store.create_record("a/b", b"x"),
    ]


@pytest.mark.parametrize("number", range(12))
def test_store_is_away_and_nothing_is_called_missing_when_its_folder_is_gone(tmp_path: Path, number: int) -> None:
    store = open_store(tmp_path / "store")
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreAway, match=r"network folder: mounted"):
        _reads(store)[number]()
    assert not (tmp_path / "store").exists()  # what lies below a mount point must not be written to


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ESTALE, StoreAway),
        (errno.ETIMEDOUT, StoreAway),
        (errno.EACCES, StoreForbidden),
        (errno.EROFS, StoreForbidden),
    ],
)
def test_what_may_pass_is_told_from_what_does_not_when_the_system_refuses(number: int, kind: type[StoreError]) -> None:
    assert type(failures.store_error(OSError(number, os.strerror(number)), "write to", "/x")) is kind


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_nobody_waits_when_a_disk_is_full_or_broken(number: int) -> None:
    assert type(failures.store_error(OSError(number, os.strerror(number)), "write to", "/x")) is StoreError


@pytest.mark.parametrize("days_off", [-1.5, 1.5])
def test_what_others_write_now_is_left_alone_when_our_clock_is_off_by_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days_off: float
) -> None:
    open_store(tmp_path)
    theirs = time.time() + days_off * DAY  # noqa: TID251 # the clock of the machine that has the folder
    for name, age in (("being-written", 0.0), ("abandoned", 1.2 * DAY)):
        (tmp_path / "tmp" / name).touch()
        os.utime(tmp_path / "tmp" / name, (theirs - age, theirs - age))

    def write_by_their_clock(path: Path, content: bytes) -> None:
        write_new_file(path, content)
        os.utime(path, (theirs, theirs))

    monkeypatch.setattr(opening, "write_new_file", write_by_their_clock)
    open_store(tmp_path)
    assert os.listdir(tmp_path / "tmp") == ["being-written"]


def test_one_writer_wins_and_all_agree_when_many_write_one_key(tmp_path: Path) -> None:
    stores = [open_store(tmp_path / "store") for _ in range(8)]
    gate = threading.Barrier(len(stores))
    won: list[int] = []
    swapped: list[int] = []
    stores[0].write_document("tags/t", b"before")

    def write(number: int) -> None:
        gate.wait(10)
        if stores[number].create_record("a/record", f"by {number}".encode()):
            won.append(number)
        if stores[number].swap_document("tags/t", b"before", f"by {number}".encode()):
            swapped.append(number)
        stores[number].write_blob(b"the same content" * 1000)

    writers = [threading.Thread(target=write, args=[number]) for number in range(len(stores))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert len(won) == len(swapped) == 1
    assert stores[0].read_record("a/record") == f"by {won[0]}".encode()
    assert stores[0].read_document("tags/t") == f"by {swapped[0]}".encode()
    assert len(list(stores[0].list_blobs())) == 1


def test_store_cannot_be_opened_when_its_folder_is_on_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentUnfit):
        open_store(tmp_path / "file" / "store", may_be_read_only=True)
