"""What a lock and its runs ask of the server: to claim a lock that may not live yet, and who has ended."""

from collections.abc import Mapping

from pydantic import JsonValue
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from definitions.concurrency import GROUP_LIMIT
from definitions.errors import ExpressionError
from definitions.locks import (
    LOCK_TYPE,
    AskCall,
    Claim,
    ClaimedGroup,
    Gone,
    GoneCall,
    LockInput,
    lock_id,
)
from definitions.models import Definition
from definitions.templates import render_value, to_text


def claimed_group(definition: Definition, scope: Mapping[str, JsonValue]) -> ClaimedGroup | None:
    """Return the group of runs that go one at a time, by name; None where the definition names none.

    Raises:
        ApplicationError: the name is none (non-retryable, type `concurrency-invalid`).
    """
    wanted = definition.concurrency
    if wanted is None:
        return None
    if wanted.group is None:
        return ClaimedGroup(group=definition.id, policy=wanted.policy)
    try:
        group = to_text(render_value(wanted.group, scope))
    except ExpressionError as error:
        raise _invalid(f"`concurrency.group` cannot be evaluated: {error.message}") from error
    if not group.strip() or len(group) > GROUP_LIMIT or not group.isprintable():
        shown = group.encode("unicode_escape").decode()[:60]
        raise _invalid(f"`{shown}` is no name of a group; it has 1 to {GROUP_LIMIT} characters that can be printed")
    return ClaimedGroup(group=group, policy=wanted.policy)


def _invalid(message: str) -> ApplicationError:
    return ApplicationError(message, type="concurrency-invalid", non_retryable=True)


async def ask_lock(client: Client, call: AskCall, task_queue: str) -> None:
    """Signal the lock of a group, starting it where it does not live. Once more is harmless.

    Raises:
        ApplicationError: another workflow has the lock's id (non-retryable, type `concurrency-refused`).
    """
    identity = lock_id(call.group)
    handle = await client.start_workflow(
        LOCK_TYPE,
        LockInput(),
        id=identity,
        task_queue=task_queue,
        start_signal="acquire",
        start_signal_args=[call.claim],
        static_summary=f"one run at a time in the group `{call.group}`"[:200],
    )
    description = await handle.describe()
    if description.workflow_type != LOCK_TYPE:
        message = (
            f"`{identity}` is the id of a running workflow `{description.workflow_type}`, so it cannot be the "
            f"lock of the group `{call.group}`; end that one, or give the group another name"
        )
        raise ApplicationError(message, type="concurrency-refused", non_retryable=True)


async def find_gone(client: Client, call: GoneCall) -> Gone:
    """Return the claims whose executions have ended, or whose id another execution has now."""
    return Gone(tokens=[claim.token for claim in call.claims if await _is_gone(client, claim)])


async def _is_gone(client: Client, claim: Claim) -> bool:
    try:
        description = await client.get_workflow_handle(claim.execution_id).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return True
    first = description.raw_description.workflow_execution_info.first_run_id
    return description.close_time is not None or (first != "" and first != claim.token)
