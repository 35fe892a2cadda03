"""Open gates of all runs: one visibility list, then a query per run that has one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from client.runs import NoAnswer, no_answer, query
from definitions.messages import WORKFLOW_TYPE
from definitions.records import Gate

if TYPE_CHECKING:
    from client.connection import Connection

WIDTH = 8
"""Queries at once."""
_GATES = TypeAdapter(list[Gate])


async def find_gates(connection: Connection, execution_id: str | None = None) -> list[tuple[str, Gate]]:
    """Return execution id and gate of each open gate, the oldest first.

    Raises:
        Problem: no worker answers for a run, or there is no such run.
    """
    runs = [execution_id] if execution_id is not None else await _waiting_runs(connection)
    width = asyncio.Semaphore(WIDTH)

    async def of_run(run: str) -> list[tuple[str, Gate]]:
        async with width:
            return [(run, gate) for gate in await _gates_of(connection, run)]

    found = await asyncio.gather(*(of_run(run) for run in runs))
    return sorted((pair for pairs in found for pair in pairs), key=lambda pair: pair[1].opened_at)


async def _gates_of(connection: Connection, execution_id: str) -> list[Gate]:
    try:
        return _GATES.validate_python(await query(connection, execution_id, "gates"))
    except NoAnswer as error:
        raise no_answer(execution_id) from error


async def _waiting_runs(connection: Connection) -> list[str]:
    """Return the runs with open gates; where the namespace lacks our search attribute, all live runs."""
    from temporalio.service import RPCError, RPCStatusCode

    live = f"WorkflowType = '{WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'"
    try:
        return await _ids(connection, f"{live} AND PerdureOpenGates > 0")
    except RPCError as error:
        if error.status != RPCStatusCode.INVALID_ARGUMENT:
            raise
        return await _ids(connection, live)


async def _ids(connection: Connection, listing: str) -> list[str]:
    return [execution.id async for execution in connection.client.list_workflows(listing)]
