import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from activities.memory import OBJECTS_BEFORE_A_LOOK
from activities.store.interface import BlobMissing, Store, StoreAway
from activities.workspace import pool as module
from activities.workspace.pool import Pool, in_pool
from activities.workspace.pool_process import Answer, answer_to, encoded_store, opened
from definitions.errors import ErrorClass, StepFailure

DEADLINE = 20


@pytest.fixture(scope="module")
def pool():
    made = Pool(2)
    yield made
    made.close()


def end_once(marker: Path) -> str:
    """End this process, and the second time not."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def end_always() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail(kind: str) -> None:
    if kind == "step":
        raise StepFailure(ErrorClass.WORKSPACE, "too big", {"paths": ["a"]})
    raise StoreAway("away") if kind == "away" else ValueError("odd")


def write(store: Store, content: bytes) -> str:
    return store.write_blob(content)


def unpicklable() -> object:
    return threading.Lock()


def test_work_is_done_in_another_process_when_it_is_called(pool: Pool) -> None:
    assert pool.call("", os.getpid) in pool.pids
    assert os.getpid() not in pool.pids


def test_garbage_is_looked_for_seldom_when_work_is_in_the_pool(pool: Pool) -> None:
    assert pool.call("", gc.get_threshold)[0] == OBJECTS_BEFORE_A_LOOK > gc.get_threshold()[0]


def test_folder_goes_to_the_same_process_always(pool: Pool) -> None:
    pids = {place: {pool.call(place, os.getpid) for _ in range(3)} for place in ("a", "b", "c", "d")}
    assert all(len(found) == 1 for found in pids.values())
    assert len(set.union(*pids.values())) == 2


def test_store_is_opened_there_when_it_is_an_argument(pool: Pool, store: Store) -> None:
    digest = pool.call("", write, store, b"content")
    assert store.read_blob(digest) == b"content"


@pytest.mark.parametrize(
    ("kind", "error", "text"), [("step", StepFailure, "too big"), ("away", StoreAway, "away"), ("x", ValueError, "odd")]
)
def test_failure_is_raised_here_when_work_fails_there(pool: Pool, kind: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as raised:
        pool.call("", fail, kind)
    if kind == "step":
        assert isinstance(raised.value, StepFailure)
        assert raised.value.details == {"paths": ["a"]}


def test_work_is_done_again_when_its_process_is_killed(pool: Pool, tmp_path: Path) -> None:
    assert pool.call("a", end_once, tmp_path / "marker") == "done"


def test_failure_names_the_cause_when_the_process_is_killed_each_time(pool: Pool) -> None:
    with pytest.raises(StepFailure, match="was ended 2 times"):
        pool.call("a", end_always)


def test_failure_names_the_cause_when_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(module.subprocess, "Popen", refuse)
    with pytest.raises(StepFailure, match="was ended"):
        Pool(1).call("", os.getpid)


def test_processes_end_when_the_pool_is_closed() -> None:
    made = Pool(1)
    pid = made.call("", os.getpid)
    made.close()
    made.close()
    assert made.pids == []
    assert not Path(f"/proc/{pid}").exists()
    assert made.call("", os.getpid) != pid
    made.close()


WORKER = """
import threading, time, sys
from activities.workspace.pool import Pool
pool = Pool(2)
import os
print(pool.call("a", os.getpid), pool.call("b", os.getpid), flush=True)
threading.Thread(target=pool.call, args=("a", time.sleep, 60), daemon=True).start()
time.sleep(60)
"""


def test_nothing_is_left_when_the_worker_is_killed() -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    pids = worker.stdout.readline().split()
    assert len(pids) == 2
    worker.kill()
    worker.wait()
    worker.stdout.close()
    deadline = time.monotonic() + DEADLINE
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, f"{pids} are still there"
        threading.Event().wait(0.02)


def _runs(pid: str) -> bool:
    """Whether a process is there; one that has ended and waits for a parent is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_call_waits_for_the_store_when_it_is_away(store: Store) -> None:
    class Vigil:
        calls = 0

        def call(self, work):
            self.calls += 1
            return work()

    class Waited:
        vigil = Vigil()
        location = store.location
        write_blobs_from = None

    assert in_pool(Waited(), "", write, Waited(), b"x") == store.write_blob(b"x")  # type: ignore[arg-type]
    assert Waited.vigil.calls == 1


def test_answer_says_so_when_a_value_cannot_travel() -> None:
    import pickle

    from activities.workspace.pool_process import Call

    for work, text in ((unpicklable, "cannot be handed over"), (fail, "missing 1 required")):
        answer: Answer = pickle.loads(answer_to(pickle.dumps(Call(work, (), {}))))
        with pytest.raises((RuntimeError, TypeError), match=text):
            answer.unpacked()
    missing = pickle.loads(answer_to(pickle.dumps(Call(_missing, (), {}))))
    with pytest.raises(BlobMissing, match="gone"):
        missing.unpacked()


def _missing() -> None:
    raise BlobMissing("gone")


def test_store_travels_by_its_location(store: Store) -> None:
    assert opened(encoded_store(store)).location == store.location  # type: ignore[attr-defined]
    assert opened(encoded_store("text")) == "text"
