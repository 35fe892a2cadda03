"""How a run ended, from the last event of its history: no worker is needed to know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from definitions.errors import ErrorClass
from definitions.records import StepError
from definitions.statuses import RunState, Status

if TYPE_CHECKING:
    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.client import Client

_COMPLETED = "workflow_execution_completed_event_attributes"
_FAILED = "workflow_execution_failed_event_attributes"
_CANCELLED = "workflow_execution_canceled_event_attributes"
_TERMINATED = "workflow_execution_terminated_event_attributes"
_TIMED_OUT = "workflow_execution_timed_out_event_attributes"
_ENDS = frozenset({_COMPLETED, _FAILED, _CANCELLED, _TERMINATED, _TIMED_OUT})


def is_end(event: HistoryEvent) -> bool:
    """Whether nothing of the run comes after `event`; continuing as new is no end."""
    return _kind(event) in _ENDS


def moment_of(event: HistoryEvent) -> datetime:
    """Return when it happened."""
    return event.event_time.ToDatetime(UTC)


async def status_in(client: Client, event: HistoryEvent) -> Status | None:
    """Return the status record that a run's result or failure carries."""
    match _kind(event):
        case "workflow_execution_completed_event_attributes":
            payloads = event.workflow_execution_completed_event_attributes.result
            values = await client.data_converter.decode_wrapper(payloads)
        case "workflow_execution_failed_event_attributes":
            values = list(getattr(await _failure(client, event), "details", ()))
        case _:
            return None
    try:
        return Status.model_validate(values[0]) if values else None
    except ValidationError:  # another workflow's result, or a newer shape
        return None


async def fate_of(client: Client, event: HistoryEvent) -> tuple[RunState, StepError | None]:
    """Return state and error of a run whose record is lost, or was never written."""
    match _kind(event):
        case "workflow_execution_completed_event_attributes":
            return "completed", None
        case "workflow_execution_canceled_event_attributes":
            return "cancelled", None
        case "workflow_execution_failed_event_attributes":
            failure = await _failure(client, event)
            kind = getattr(failure, "type", None) or str(ErrorClass.INTERNAL)
            return "failed", StepError(type=kind, message=str(getattr(failure, "message", failure)), step="")
        case "workflow_execution_terminated_event_attributes":
            reason = event.workflow_execution_terminated_event_attributes.reason or "no reason given"
            return "failed", StepError(type="terminated", message=f"the run was terminated: {reason}", step="")
        case _:
            return "failed", StepError(
                type=ErrorClass.TIMEOUT, message="the server ended the run: its time was up", step=""
            )


def _kind(event: HistoryEvent) -> str | None:
    return event.WhichOneof("attributes")


async def _failure(client: Client, event: HistoryEvent) -> BaseException:
    return await client.data_converter.decode_failure(event.workflow_execution_failed_event_attributes.failure)
