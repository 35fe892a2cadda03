"""One run, two workers, nothing shared but a store on S3: begun on one machine, ended on another with an empty disk."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowHandle

from definitions.messages import WORKFLOW_TYPE
from tests.support.live_runs import finished, until, until_open
from tests.support.s3_faults import Fault, FaultProxy, fault_proxy
from tests.support.versitygw import Gateway, running_gateway

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
SHAPE = (
    r"find . -mindepth 1 -printf '%P %y %l\n' | sort; find . -type f -perm -u+x | sort; "
    "find . -type f -print0 | sort -z | xargs -0 sha256sum"
)
"""All of a tree that counts: paths, types, links, exec bits, bytes."""
DEFINITION = f"""
name: two-workers
workspace: {{from: empty}}
inputs: {{log: {{type: string}}}}
env: {{LOG: "{{{{ inputs.log }}}}"}}
steps:
  - id: make
    type: shell
    command: |
      echo make >> $LOG
      mkdir -p src/deep/er empty "odd name"
      for n in $(seq 300); do echo "file $n" > src/deep/$n.txt; done
      head -c 9000000 /dev/urandom > src/big.bin
      printf '#!/bin/sh\\necho run\\n' > run.sh; chmod +x run.sh
      ln -s src/deep/1.txt link; touch "odd name/ü"
      ({SHAPE}) | sha256sum
  - {{id: ok, type: approval}}
  - id: look
    type: shell
    command: |
      echo look >> $LOG
      ({SHAPE}) | sha256sum
      ./run.sh
"""


@dataclass
class Machines:
    """Workers as processes, each with a disk of its own; all see one store."""

    address: str
    queue: str
    environment: dict[str, str]
    root: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a worker on a machine with an empty disk."""
        own = {"PERDURE_HOME": str(self.root / name), "TEMPORAL_ADDRESS": self.address, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "from client.cli import main; main()", "worker", "--task-queue", self.queue]
        with (self.root / f"{name}.log").open("wb") as log:
            worker = subprocess.Popen(command, env={**os.environ, **self.environment, **own}, stdout=log, stderr=log)
        self.processes.append(worker)
        return worker

    def lose(self, worker: subprocess.Popen[bytes], name: str) -> None:
        """Kill a worker and all that its machine had."""
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        shutil.rmtree(self.root / name)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running_gateway(tmp_path_factory.mktemp("shared-s3")) as running:
        yield running


@pytest.fixture
def proxy(gateway: Gateway) -> Iterator[FaultProxy]:
    with fault_proxy(gateway.address) as running:
        yield running


@pytest.fixture
def machines(
    dev_server: str, task_queue: str, gateway: Gateway, proxy: FaultProxy, tmp_path: Path
) -> Iterator[Machines]:
    environment = {
        **gateway.environment,
        "AWS_ENDPOINT_URL_S3": proxy.endpoint,
        "PERDURE_STORE": "s3://perdure",
        "PERDURE_PROJECT": task_queue,
        "PERDURE_DEFINITIONS": "inline",
        "PERDURE_GRACEFUL_SHUTDOWN": "1s",
    }
    found = Machines(dev_server, task_queue, environment, tmp_path)
    yield found
    for worker in found.processes:
        if worker.poll() is None:
            worker.terminate()
            worker.wait(30)


async def begin(client: Client, machines: Machines) -> WorkflowHandle:
    request = {"definition": {"text": DEFINITION}, "inputs": {"log": str(machines.root / "attempts")}}
    name = f"two-{machines.queue}"
    return await client.start_workflow(WORKFLOW_TYPE, request, id=name, task_queue=machines.queue)


def attempts(machines: Machines) -> list[str]:
    log = machines.root / "attempts"
    return log.read_text().split() if log.exists() else []


async def approve(handle: WorkflowHandle) -> None:
    await handle.signal("decide", {"gate": "ok", "verdict": "approve", "by": "ana"})


async def test_tree_is_the_same_byte_for_byte_when_another_worker_with_an_empty_disk_goes_on(
    client: Client, machines: Machines
) -> None:
    first = machines.start("first")
    handle = await begin(client, machines)
    await until_open(handle, "ok")
    machines.lose(first, "first")
    machines.start("second")
    await approve(handle)
    status = await finished(handle)
    assert status.status == "completed", status.error
    assert attempts(machines) == ["make", "look"]
    made, seen = (str(status.steps[path].outputs["stdout"]) for path in ("make", "look"))
    assert seen.splitlines() == [made, "run"]


async def test_run_goes_on_when_its_worker_is_killed_in_an_upload_and_the_store_is_away(
    client: Client, machines: Machines, proxy: FaultProxy
) -> None:
    first = machines.start("first")
    killed: list[bool] = []

    def kill() -> None:
        proxy.is_away = True
        first.send_signal(signal.SIGKILL)
        killed.append(True)

    proxy.add(Fault("call", method="PUT", key="/packs/", at="middle", call=kill, times=1))
    handle = await begin(client, machines)

    async def is_killed() -> bool:
        return bool(killed)

    await until(is_killed, "the worker to be killed in its upload")
    machines.lose(first, "first")
    proxy.is_away = False
    machines.start("second")
    proxy.add(Fault("status", status=503, after=5, times=3))
    await until_open(handle, "ok")
    proxy.is_away = True
    await approve(handle)
    asked = proxy.count()

    async def is_missed() -> bool:
        return proxy.count() > asked

    await until(is_missed, "the second step to miss the store")
    proxy.is_away = False
    status = await finished(handle)
    assert status.status == "completed", status.error
    assert attempts(machines) == ["make", "make", "look"]  # a lost worker's attempt begins again, and only that
    assert str(status.steps["look"].outputs["stdout"]).splitlines() == [status.steps["make"].outputs["stdout"], "run"]
