"""What the embedded server's namespace must have: a long retention, and our search attributes."""

import asyncio

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from definitions.messages import SEARCH_ATTRIBUTES
from worker.dev_server import RETENTION

_TYPES = {
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}
_NOT_YET = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.UNAVAILABLE})
"""What a server answers in the moments between its first open port and its last started service."""

_PAUSE = 0.05
_ATTEMPTS = 100


async def prepare_namespace(client: Client) -> None:
    """Bring the client's namespace to what we need; does nothing where it has it."""
    await _keep_closed_runs(client)
    await _add_search_attributes(client)


async def _keep_closed_runs(client: Client) -> None:
    now = await _described_retention(client)
    if now >= RETENTION.total_seconds():
        return
    request = UpdateNamespaceRequest(namespace=client.namespace)
    span = Duration()
    span.FromTimedelta(RETENTION)
    request.config.workflow_execution_retention_ttl.CopyFrom(span)
    await client.workflow_service.update_namespace(request)


async def _described_retention(client: Client) -> int:
    for _ in range(_ATTEMPTS):
        try:
            answer = await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=client.namespace)
            )
        except RPCError as error:
            if error.status not in _NOT_YET:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return answer.config.workflow_execution_retention_ttl.seconds
    raise TimeoutError(f"the server does not know its namespace `{client.namespace}`")


async def _add_search_attributes(client: Client) -> None:
    there = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {name: _TYPES[kind] for name, kind in SEARCH_ATTRIBUTES.items() if name not in there.custom_attributes}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
