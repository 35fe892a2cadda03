"""A run's report from its history alone: no worker answers, and its record was never written.

The history is replayed here by the run's own code, and the ledger that this leads to is the run's. Of a run that has
ended, the report is written to the store, where the worker of a rerun looks for it: that is what the run would have
done itself, had it not been terminated.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from temporalio import workflow
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from activities.finish import write_report
from client import closings
from definitions.messages import WORKFLOW_TYPE, Report
from workflows.run_definition import RunDefinition

if TYPE_CHECKING:
    from temporalio.api.history.v1 import HistoryEvent

    from client.connection import Connection

_SEEN: list[RunDefinition] = []
"""The workflow that is replayed: the replayer does not hand it out. One at a time."""


@workflow.defn(name=WORKFLOW_TYPE)
class RecalledRun(RunDefinition):
    """A run that is looked at after it was replayed."""

    @workflow.init
    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        _SEEN.append(self)

    @workflow.run
    async def run(self, request: Any = None) -> dict[str, Any]:
        """Run a definition, as it ran."""
        return await super().run(request)


async def recalled(connection: Connection, execution_id: str) -> Report | None:
    """Return the report of a run as far as its history tells; None where it cannot be replayed."""
    history = await connection.handle(execution_id).fetch_history()
    replayer = Replayer(
        workflows=[RecalledRun],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
        disable_safe_workflow_eviction=True,  # a safe one cancels what waits, and that would be in the ledger
    )
    _SEEN.clear()
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    if result.replay_failure is not None or not _SEEN:
        return None
    report = Report.model_validate(_SEEN.pop().report())
    last = history.events[-1]
    if report.prepared is None or not closings.is_end(last):
        return report
    report = await _ended(connection, report, last)
    await asyncio.to_thread(write_report, connection.store, report)
    return report


async def _ended(connection: Connection, report: Report, closing: HistoryEvent) -> Report:
    """Return a report that says how the run ended."""
    state, error = await closings.fate_of(connection.client, closing)
    status = report.status
    changes = {
        "status": state,
        "error": status.error or error,
        "completed_at": status.completed_at or closings.moment_of(closing),
    }
    return report.model_copy(update={"status": status.model_copy(update=changes)})
