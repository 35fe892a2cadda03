"""Pause, resume, cancel, decide: an update, which answers; a signal where the server has no updates."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from client.exit_codes import ExitCode
from client.messages import connection_words, control_words
from client.output import Problem
from client.runs import no_answer, unknown_run
from definitions.messages import Answer

if TYPE_CHECKING:
    from temporalio.client import WorkflowHandle
    from temporalio.service import RPCError

    from client.connection import Connection

UPDATE_TIME = timedelta(seconds=20)


async def send_control(connection: Connection, execution_id: str, name: str, message: BaseModel) -> Answer | None:
    """Send a control; return its answer, None where the server has no updates and it went as a signal.

    Raises:
        Problem: the run refuses it, does not exist, or nobody answers.
    """
    from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
    from temporalio.service import RPCError

    handle: WorkflowHandle[Any, Any] = connection.handle(execution_id)
    content = message.model_dump(mode="json", exclude_none=True)
    try:
        answer: object = await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
            name, content, rpc_timeout=UPDATE_TIME
        )
    except WorkflowUpdateFailedError as error:
        raise _refusal(execution_id, error.cause) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise no_answer(execution_id) from error
    except RPCError as error:
        if not _has_no_updates(error):
            raise _of_rpc(execution_id, error) from error
        await _signal(connection, execution_id, name, content)
        return None
    return Answer.model_validate(answer)


def _refusal(execution_id: str, cause: BaseException | None) -> Problem:
    """Return a typed refusal as a person reads it."""
    slug = getattr(cause, "type", None) or "refused"
    message = getattr(cause, "message", None) or str(cause)
    return Problem(message, slug=slug, remedy=control_words.refusal_remedy(slug, execution_id))


def _has_no_updates(error: RPCError) -> bool:
    """Whether the server is too old for updates, or has them switched off."""
    from temporalio.service import RPCStatusCode

    is_off = error.status == RPCStatusCode.PERMISSION_DENIED and "update" in error.message.lower()
    return is_off or error.status == RPCStatusCode.UNIMPLEMENTED


def _of_rpc(execution_id: str, error: RPCError) -> Problem:
    from temporalio.service import RPCStatusCode

    match error.status:
        case RPCStatusCode.NOT_FOUND if "already completed" in error.message.lower():
            remedy = control_words.refusal_remedy("already-ended", execution_id)
            return Problem(control_words.already_ended(execution_id), slug="already-ended", remedy=remedy)
        case RPCStatusCode.NOT_FOUND:
            return unknown_run(execution_id)
        case RPCStatusCode.DEADLINE_EXCEEDED | RPCStatusCode.CANCELLED:
            return no_answer(execution_id)
        case RPCStatusCode.RESOURCE_EXHAUSTED:
            return Problem(control_words.busy(execution_id), slug="busy", remedy=control_words.BUSY_REMEDY)
        case _:
            message = connection_words.server_error(error.message)
            return Problem(message, code=ExitCode.NO_SERVER, slug="no-server", remedy=connection_words.SERVER_REMEDY)


async def _signal(connection: Connection, execution_id: str, name: str, content: dict[str, object]) -> None:
    from temporalio.service import RPCError

    try:
        await connection.handle(execution_id).signal(name, content)
    except RPCError as error:
        raise _of_rpc(execution_id, error) from error
