"""The compose file: held to the schema, and its commands run with its settings as plain processes."""

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.client import Client

from definitions.durations import parse_duration
from definitions.messages import SEARCH_ATTRIBUTES
from tests.support.deadlines import eventually
from tests.support.s3_gateway import VERSION, s3_gateway
from tests.support.servers import free_port, server_binary
from worker.dev_server import RETENTION
from worker.fingerprint import CODE_ROOT
from worker.tuning import TUNING

GIVEN = {"TEMPORAL_DB_PASSWORD": "db-secret", "S3_SECRET_KEY": "s3-secret"}
MAIN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from client.cli import main; main()"


def interpolated(text: str) -> str:
    def value(found: re.Match[str]) -> str:
        name, _, default = found[1].partition(":")
        return GIVEN.get(name) or default.removeprefix("-")

    return re.sub(r"\$\{([^}]+)\}", value, text)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(interpolated((CODE_ROOT / "docker-compose.yml").read_text()))


def environment_of(service: dict[str, Any], replaced: dict[str, str]) -> dict[str, str]:
    """Return the service's environment on top of a bare one, with addresses and folders of this machine."""
    bare = {"PATH": f"{server_binary().path.parent}:{os.environ['PATH']}", "HOME": os.environ["HOME"]}
    given = {name: str(value) for name, value in service["environment"].items()}
    return bare | {name: replaced.get(value, value) for name, value in given.items()}


def test_compose_file_fits_the_compose_schema():
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]

    checked = subprocess.run(argv, cwd=CODE_ROOT, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_secrets_are_asked_for_when_they_are_not_given():
    text = (CODE_ROOT / "docker-compose.yml").read_text()

    for name in GIVEN:
        assert set(re.findall(rf"\${{{name}(..)", text)) == {":?"}


def test_every_dependency_and_volume_exists(compose: dict[str, Any]):
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        named = {volume.split(":")[0] for volume in service.get("volumes", ()) if not volume.startswith(".")}
        assert named <= set(compose["volumes"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_server_has_the_settings_that_a_cluster_wants(compose: dict[str, Any]):
    settings = yaml.safe_load(compose["configs"]["temporal-settings"]["content"])

    wanted = {setting.key: [{"value": json.loads(setting.value)}] for setting in TUNING if setting.production == "yes"}
    assert settings == wanted


def test_s3_gateway_is_the_one_that_was_tested(compose: dict[str, Any]):
    assert compose["services"]["s3"]["image"] == f"versity/versitygw:{VERSION}"


def test_container_outlives_the_grace_when_the_worker_is_stopped(compose: dict[str, Any]):
    worker = compose["services"]["worker"]

    grace = parse_duration(worker["environment"]["PERDURE_GRACEFUL_SHUTDOWN"])
    assert parse_duration(worker["stop_grace_period"]) >= grace + timedelta(seconds=10)


def test_image_has_all_rooms_and_the_lock(compose: dict[str, Any]):
    assert compose["services"]["worker"]["build"] == "."
    copied = re.findall(r"(?m)^COPY (.+) \S+$", (CODE_ROOT / "Dockerfile").read_text())
    sources = [source for line in copied for source in shlex.split(line)]

    assert {"activities", "client", "definitions", "worker", "workflows", "locks/runtime.txt"} <= set(sources)
    allowed = (CODE_ROOT / ".dockerignore").read_text().splitlines()
    for source in sources:
        assert (CODE_ROOT / source).exists()
        assert f"!{source}" in allowed


@pytest.mark.server
async def test_namespace_is_set_up_when_the_settings_service_ran_twice(
    compose: dict[str, Any], dev_server: str, client: Client
):
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

    service = compose["services"]["temporal-settings"]
    argv = [*service["entrypoint"], *service["command"]]
    environment = environment_of(service, {"temporal:7233": dev_server})
    for _ in range(2):
        await asyncio.to_thread(subprocess.run, argv, env=environment, check=True, capture_output=True, timeout=60)

    namespace = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    there = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
    assert namespace.config.workflow_execution_retention_ttl.seconds == RETENTION.total_seconds()
    assert set(SEARCH_ATTRIBUTES) <= set(there.custom_attributes)


@pytest.fixture
def gateway(compose: dict[str, Any], tmp_path: Path) -> Iterator[str]:
    """Run the compose file's S3 store on the folders that its `folders` service makes; yield its address."""
    folders = compose["services"]["folders"]["command"][-1].split(" && ")[0]
    subprocess.run(["sh", "-ec", folders.replace(" /", f" {tmp_path}/")], check=True)
    service, port = compose["services"]["s3"], free_port()
    own = {":7070": f"127.0.0.1:{port}", "/s3": str(tmp_path / "s3")}
    argv = [str(s3_gateway()), *(str(own.get(argument, argument)) for argument in service["command"])]
    gateway = subprocess.Popen(argv, env=environment_of(service, {}), stdout=subprocess.DEVNULL)

    def is_up() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        eventually(is_up)
        yield f"127.0.0.1:{port}"
    finally:
        gateway.terminate()
        gateway.wait(timeout=10)


def test_bucket_is_there_and_keeps_things_when_the_s3_service_runs(gateway: str):
    import boto3

    s3 = boto3.client(
        "s3",
        endpoint_url=f"http://{gateway}",
        aws_access_key_id="perdure",
        aws_secret_access_key=GIVEN["S3_SECRET_KEY"],
        region_name="us-east-1",
    )
    s3.put_object(Bucket="perdure", Key="a/b", Body=b"kept")

    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["perdure"]
    assert s3.get_object(Bucket="perdure", Key="a/b")["Body"].read() == b"kept"


@pytest.mark.server
async def test_definition_of_the_folder_runs_when_the_worker_service_runs(
    compose: dict[str, Any], dev_server: str, client: Client, gateway: str, tmp_path: Path
):
    service = compose["services"]["worker"]
    (tmp_path / "definitions").mkdir()
    definition = "name: probe\nworkspace: {from: none}\nsteps: [{id: a, type: shell, command: 'true'}]\n"
    (tmp_path / "definitions" / "probe.yaml").write_text(definition)
    queue = f"shared-{uuid.uuid4().hex[:8]}"
    own = {"/work": str(tmp_path / "work"), "http://s3:7070": f"http://{gateway}"}
    own |= {"temporal:7233": dev_server, "folder:/definitions": f"folder:{tmp_path}/definitions"}
    environment = environment_of(service, own) | {"PERDURE_TASK_QUEUE": queue}
    argv = [sys.executable, "-P", "-c", MAIN, str(CODE_ROOT), *service["command"]]
    worker = await asyncio.create_subprocess_exec(*argv, env=environment, stderr=subprocess.PIPE)
    try:
        handle = await client.start_workflow(
            "perdure.run", {"definition": "probe"}, id=f"shared-{uuid.uuid4().hex}", task_queue=queue, result_type=dict
        )
        assert (await handle.result())["status"] == "completed"
        assert (tmp_path / "s3" / "perdure" / "format").is_file()
    finally:
        worker.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(worker.communicate(), 30)

    assert worker.returncode == 0
    assert f"serving `{queue}` and `{queue}.agent`" in said.decode()
