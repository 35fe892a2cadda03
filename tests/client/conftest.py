"""Fixtures of the command line's tests.

cli       runs a command in this process: `cli("show", ID)` -> code, stdout, stderr
cluster   (session) a real server with a real worker of the real workflow, and a store
settled   the environment that makes commands use that cluster
write     writes a definition to a file in a new folder and returns its path
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from client.cli import run
from tests.support.threaded_worker import ThreadedWorker


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server, a queue and a store."""

    address: str
    task_queue: str
    store: Path


Cli = Callable[..., Ran]
Write = Callable[[str], str]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run(list(arguments))
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def cluster(dev_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    queue = f"cli-{uuid.uuid4().hex[:8]}"
    home = tmp_path_factory.mktemp("cli-home")
    found = Cluster(dev_server, queue, home / "store")
    worker = ThreadedWorker(found.address, queue, home)
    worker.start()
    yield found
    worker.stop()


@pytest.fixture
def settled(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cluster:
    use(cluster, monkeypatch)
    monkeypatch.chdir(tmp_path)
    return cluster


def use(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", cluster.address)
    monkeypatch.setenv("PERDURE_STORE", str(cluster.store))
    monkeypatch.setenv("PERDURE_TASK_QUEUE", cluster.task_queue)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> str:
        path = tmp_path / f"d{uuid.uuid4().hex[:6]}.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return to_file
