"""Which runs are open on the server, and which blobs their histories name: what a collection of garbage must leave."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from definitions.messages import WORKFLOW_TYPE

if TYPE_CHECKING:
    from client.connection import Connection

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_QUERY = f"WorkflowType = '{WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'"


@dataclass(slots=True)
class OpenRuns:
    """Open runs, and whatever looks like a digest in what they were told and have done."""

    execution_ids: set[str] = field(default_factory=set[str])
    digests: set[str] = field(default_factory=set[str])


async def open_runs(connection: Connection) -> OpenRuns:
    """Ask the server; no worker needs to live. Raises RPCError."""
    found = OpenRuns()
    async for execution in connection.client.list_workflows(_QUERY):
        found.execution_ids.add(execution.id)
        handle = connection.client.get_workflow_handle(execution.id, run_id=execution.run_id)
        async for event in handle.fetch_history_events():
            found.digests.update(digest.decode("ascii") for digest in _DIGEST.findall(event.SerializeToString()))
    return found
