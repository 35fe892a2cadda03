import uuid

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from definitions.messages import SEARCH_ATTRIBUTES
from worker.dev_server import RETENTION
from worker.namespace import prepare_namespace

pytestmark = pytest.mark.server


@pytest.fixture
async def fresh(client: Client) -> Client:
    name = f"fresh-{uuid.uuid4().hex[:8]}"
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=Duration(seconds=86400))
    )
    return await Client.connect(client.service_client.config.target_host, namespace=name)


async def test_namespace_has_what_we_need_when_prepared_twice(fresh: Client):
    await prepare_namespace(fresh)
    await prepare_namespace(fresh)

    found = await fresh.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=fresh.namespace))
    attributes = await fresh.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=fresh.namespace)
    )
    assert found.config.workflow_execution_retention_ttl.seconds == RETENTION.total_seconds()
    assert set(SEARCH_ATTRIBUTES) <= set(attributes.custom_attributes)


async def test_waiting_ends_when_the_server_never_knows_the_namespace(client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("worker.namespace._PAUSE", 0)
    stranger = await Client.connect(client.service_client.config.target_host, namespace="never-made")

    with pytest.raises(TimeoutError, match="never-made"):
        await prepare_namespace(stranger)


async def test_error_is_raised_at_once_when_waiting_would_not_help(client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("worker.namespace._NOT_YET", frozenset())
    stranger = await Client.connect(client.service_client.config.target_host, namespace="never-made")

    with pytest.raises(RPCError, match="never-made"):
        await prepare_namespace(stranger)
