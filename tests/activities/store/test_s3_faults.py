"""S3 when the world is not kind: throttled, slow, cut short, corrupt, refused, away, and writers that are killed."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.store.interface import BlobMissing, Store, StoreAway, StoreError, StoreForbidden
from activities.store.opening import open_store
from activities.store.patience import PatientStore, Vigil
from definitions.errors import EnvironmentUnfit
from tests.support import store_work
from tests.support.s3_faults import Fault, FaultProxy, fault_proxy
from tests.support.versitygw import Gateway, running_gateway

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[3]
BIG = os.urandom(9_000_000)
"""More than one part."""
ABSENT = "0" * 64
MOMENTS = ["before", "middle", "after"]
STRIDE = 1 if os.environ.get("PERDURE_LONG_TESTS") == "1" else 4
"""Which requests of a writer it is killed at: all of them takes two minutes."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running_gateway(tmp_path_factory.mktemp("faulty-s3")) as running:
        yield running


@dataclass
class Place:
    """A prefix of its own behind the proxy, and stores at it, each as of another machine."""

    proxy: FaultProxy
    location: str
    root: Path
    patch: pytest.MonkeyPatch
    count: int = 0

    def store(self, **options: bool) -> Store:
        """Return the store as a machine sees it that has nothing in its cache."""
        self.count += 1
        self.patch.setenv("PERDURE_STORE_CACHE", str(self.root / f"cache-{self.count}"))
        return open_store(self.location, **options)


@pytest.fixture
def place(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Place]:
    gateway.set_in(monkeypatch)
    with fault_proxy(gateway.address) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        name = f"{abs(hash(request.node.name)):x}"
        yield Place(proxy, f"s3://perdure/{name}", tmp_path, monkeypatch)


def everything(store: Store, folder: Path) -> tuple[str, str]:
    """Do all that a step does, and see that it came true; return the digests of a small and a big blob."""
    for name, content in (("small", b"small"), ("other", b"other"), ("big", BIG)):
        (folder / name).write_bytes(content)
    (small, _), _, (big, _) = store.write_blobs_from([folder / "small", folder / "other", folder / "big"])
    store.write_document("runs/a/run.json", b"{}")
    assert store.read_document("runs/a/run.json") == b"{}"
    assert store.create_record("cache/a/record", b"record")
    assert not store.create_record("cache/a/record", b"another")
    assert store.read_record("cache/a/record") == b"record"
    assert store.swap_document("runs/a/run.json", b"{}", b"{1}")
    assert list(store.list_keys("")) == ["cache/a/record", "runs/a/run.json"]
    assert store.missing_blobs([small, big, ABSENT]) == {ABSENT}
    return small, big


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=503),
        Fault("status", status=500),
        Fault("status", status=429),
        Fault("status", status=409, method="PUT"),
        Fault("reset"),
        Fault("lost-answer"),
        Fault("slow", seconds=0.2),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_everything_comes_true_when_some_requests_go_wrong(place: Place, tmp_path: Path, fault: Fault) -> None:
    store = PatientStore(place.store(), Vigil(timedelta(seconds=20)))  # as a worker has it
    for after in (0, 2, 3, 5, 8):  # never the same request twice in a row
        place.proxy.add(
            Fault(fault.kind, method=fault.method, status=fault.status, seconds=fault.seconds, after=after, times=1)
        )
    small, big = everything(store, tmp_path)
    place.proxy.clear()
    fresh = place.store()
    assert fresh.read_blob(small) == b"small"
    assert fresh.read_blob(big) == BIG
    assert len(list(fresh.list_blobs())) == 3


@pytest.mark.parametrize("kind", ["cut-short", "short-body", "corrupt"])
def test_no_wrong_byte_is_served_when_answers_are_damaged(place: Place, tmp_path: Path, kind: str) -> None:
    small, big = everything(place.store(), tmp_path)
    for digest, content in ((small, b"small"), (big, BIG)):
        place.proxy.add(Fault(kind, method="GET", times=1, after=1))  # pyright: ignore[reportArgumentType]
        reader = place.store()
        for number in range(3):
            target = tmp_path / f"{kind}-{digest[:4]}-{number}"
            try:
                assert reader.read_blob(digest) == content
                reader.copy_blob_to(digest, target)
                assert target.read_bytes() == content
            except StoreError:
                assert not target.exists()
        place.proxy.clear()
        assert place.store().read_blob(digest) == content  # what lay there was sound, and was not thrown away


@pytest.mark.parametrize("kind", ["cut-short", "short-body", "corrupt"])
def test_blob_counts_as_missing_or_away_when_every_answer_is_damaged(place: Place, tmp_path: Path, kind: str) -> None:
    small, big = everything(place.store(), tmp_path)
    place.proxy.add(Fault(kind, method="GET", key="/cas/"))  # pyright: ignore[reportArgumentType]
    place.proxy.add(Fault(kind, method="GET", key="/packs/"))  # pyright: ignore[reportArgumentType]
    reader = place.store()
    for digest in (small, big):
        with pytest.raises(StoreError) as failure:
            reader.read_blob(digest)
        assert isinstance(failure.value, (BlobMissing, StoreAway))
        with pytest.raises(StoreError):
            reader.copy_blob_to(digest, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()


def test_empty_blob_is_read_when_it_stands_alone_on_another_machine(place: Place, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    digest, _ = place.store().write_blob_from(tmp_path / "empty")
    reader = place.store()
    reader.copy_blob_to(digest, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == reader.read_blob(digest) == b""
    fetcher = place.store()
    fetcher.fetch([digest])
    assert fetcher.read_blob(digest) == b""


def test_empty_blob_is_read_when_it_is_the_last_of_a_pack(place: Place, tmp_path: Path) -> None:
    contents = [*(f"file {number}".encode() for number in range(40)), b""]
    for number, content in enumerate(contents):
        (tmp_path / str(number)).write_bytes(content)
    kept = place.store().write_blobs_from([tmp_path / str(number) for number in range(len(contents))])
    assert place.proxy.count("PUT", "/packs/") == 1
    reader = place.store()
    assert [reader.read_blob(digest) for digest, _ in kept] == contents


def test_upload_is_made_good_when_its_bytes_are_damaged_on_the_way(place: Place, tmp_path: Path) -> None:
    store = place.store()
    place.proxy.add(Fault("corrupt-upload", method="PUT", times=2))
    small, big = everything(store, tmp_path)
    place.proxy.clear()
    assert place.store().read_blob(small) == b"small"
    assert place.store().read_blob(big) == BIG


def test_blob_is_missing_and_never_wrong_when_it_was_damaged_where_it_lies(
    place: Place, gateway: Gateway, tmp_path: Path
) -> None:
    small, big = everything(place.store(), tmp_path)
    prefix = gateway.objects / place.location.rpartition("/")[2]
    for folder in ("cas", "packs"):
        for path in (prefix / folder).rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                path.write_bytes(content[: len(content) // 2] + b"\x00" * (len(content) - len(content) // 2))
    reader = place.store()
    for digest in (small, big):
        with pytest.raises(BlobMissing):
            reader.read_blob(digest)


@pytest.mark.parametrize(
    ("method", "key", "work"),
    [
        ("PUT", "", lambda store: store.write_blob(b"new")),
        ("PUT", "", lambda store: store.write_document("a/b", b"1")),
        ("PUT", "", lambda store: store.create_record("a/c", b"1")),
        ("DELETE", "", lambda store: store.delete_record("runs/a/run.json")),
        ("GET", "/keys/", lambda store: store.read_document("runs/a/run.json")),
        ("GET", "list-type", lambda store: list(store.list_keys(""))),
    ],
)
def test_refusal_says_what_lacks_and_nobody_waits_when_one_permission_is_denied(
    place: Place, method: str, key: str, work: Callable[[Store], object]
) -> None:
    store = place.store()
    store.write_document("runs/a/run.json", b"{}")
    place.proxy.clear()
    place.proxy.add(Fault("status", method=method, key=key, status=403))
    with pytest.raises(StoreForbidden, match="see that these credentials may do that with this bucket and prefix"):
        work(store)
    assert place.proxy.count(method, key) <= 2  # asked once more at most: a refusal does not pass


def test_store_is_read_when_its_credentials_may_not_write(place: Place, tmp_path: Path) -> None:
    small, big = everything(place.store(), tmp_path)
    place.proxy.add(Fault("status", method="PUT", status=403))
    place.proxy.add(Fault("status", method="POST", status=403))
    place.proxy.add(Fault("status", method="DELETE", status=403))
    with pytest.raises(EnvironmentUnfit, match="AccessDenied"):
        place.store()
    reader = place.store(may_be_read_only=True)
    assert reader.read_blob(small) == b"small"
    assert reader.read_blob(big) == BIG
    assert list(reader.list_keys("")) == ["cache/a/record", "runs/a/run.json"]
    with pytest.raises(StoreForbidden):
        reader.write_document("a/b", b"1")


def test_store_is_away_when_its_server_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.store.s3.client.TRIES", 1)
    store = place.store()
    place.proxy.is_away = True
    for work in (
        lambda: store.write_blob(b"x"),
        lambda: store.read_blob(ABSENT),
        lambda: store.has_blob(ABSENT),
        lambda: store.missing_blobs([ABSENT]),
        lambda: store.read_record("a/b"),
        lambda: store.create_record("a/b", b"1"),
        lambda: list(store.list_keys("")),
    ):
        with pytest.raises(StoreAway, match="see that the server is there"):
            work()
    place.proxy.is_away = False
    digest = store.write_blob(b"x")
    assert store.read_blob(digest) == b"x"


@pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(days=1)])
def test_refusal_names_the_clock_when_ours_is_off_by_a_day(
    place: Place, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    store = place.store()
    wrong = datetime.now(UTC) + off

    def their_time(remove_tzinfo: bool = True) -> datetime:
        return wrong.replace(tzinfo=None) if remove_tzinfo else wrong

    monkeypatch.setattr("botocore.auth.get_current_datetime", their_time)
    with pytest.raises(StoreForbidden, match="set the clock of this machine"):
        store.write_document("a/b", b"1")


def test_nothing_half_is_kept_when_the_cache_of_this_machine_is_full(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, big = everything(place.store(), tmp_path)
    code = (
        "import resource, signal, sys\n"
        "from activities.store.opening import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3, 3))\n"
        "assert len(store.read_blob(sys.argv[2])) == 5\n"
        "assert len(store.read_blob(sys.argv[3])) == 9_000_000\n"
        "store.fetch(sys.argv[2:])\n"
        "assert len(store.read_blob(sys.argv[3])) == 9_000_000\n"
    )
    monkeypatch.setenv("PERDURE_STORE_CACHE", str(tmp_path / "full"))
    argv = [sys.executable, "-c", code, place.location, small, big]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert ended.returncode == 0, ended.stderr


def test_one_writer_wins_and_all_agree_when_many_write_one_key(place: Place) -> None:
    stores = [place.store() for _ in range(6)]
    stores[0].write_document("tags/t", b"before")
    gate = threading.Barrier(len(stores))
    won: list[int] = []
    swapped: list[int] = []
    # while some of their answers are lost: who asks again must not take its own first try for another's
    place.proxy.add(Fault("lost-answer", method="PUT", key="/keys/", after=1, times=1))

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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("at", MOMENTS)
def test_nothing_half_is_visible_when_the_writer_is_killed_at_any_request(
    place: Place, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    monkeypatch.setenv("PERDURE_STORE_CACHE_SIZE", "0")
    argv = [sys.executable, "-m", "tests.support.store_work", place.location, str(tmp_path / "files")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        number, code = MOMENTS.index(at), -signal.SIGKILL
        while code:
            place.proxy.clear()
            shutil.rmtree(gateway.objects / place.location.rpartition("/")[2], ignore_errors=True)
            store_work.prepare(place.location, tmp_path / "files")
            place.proxy.clear()
            pids: list[int] = []
            known = threading.Event()

            def kill(pids: list[int] = pids, known: threading.Event = known) -> None:
                known.wait(10)
                os.kill(pids[0], signal.SIGKILL)

            place.proxy.add(Fault("call", at=at, call=kill, after=number, times=1))  # pyright: ignore[reportArgumentType]
            worker.stdin.write("work\n")
            worker.stdin.flush()
            pids.append(int(worker.stdout.readline()))
            known.set()
            code = int(worker.stdout.readline())
            place.proxy.clear()
            store_work.check(place.location, tmp_path / "files")
            number += STRIDE
        worker.stdin.close()
    assert number > 12
