"""What every activity does around its work: it beats, and it tells a failure in the one way the interpreter reads.

A failure of a step is one non-retryable `ApplicationError` whose type is the `ErrorClass` and whose details are the
`StepError`. An attempt that ends because its worker stops is retryable: another worker takes it.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import timedelta

from pydantic import JsonValue
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.store.patience import Vigil, Waiter
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.messages import WAITING
from definitions.records import StepError, Usage

BEAT_SECONDS = 0.5
"""A cancel is seen after at most the worker's heartbeat throttle (0.8 s); beating faster gains nothing."""
MESSAGE_LIMIT = 2000
"""Characters of an error's message: failures stay in the server's mutable state."""

Beat = Callable[[dict[str, JsonValue]], None]


@contextlib.asynccontextmanager
async def beating(vigil: Vigil) -> AsyncGenerator[Beat]:
    """Send heartbeats while the block runs; the value sets what they carry. They say what holds the worker up."""
    carried: dict[str, JsonValue] = {}

    def send() -> None:
        trouble = vigil.trouble
        activity.heartbeat(carried if trouble is None else {**carried, WAITING: trouble})

    def beat(details: dict[str, JsonValue]) -> None:
        carried.update(details)
        send()

    async def drum() -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            send()

    async def let_go(waiter: Waiter) -> None:
        await activity.wait_for_cancelled()
        vigil.give_up(waiter)

    with vigil.waiter() as waiter:
        beside = [asyncio.create_task(drum()), asyncio.create_task(let_go(waiter))]
        try:
            yield beat
        finally:
            for task in beside:
                task.cancel()


@contextlib.contextmanager
def reported(path: str) -> Generator[None]:
    """Turn the failures of a step at `path` into what the interpreter reads."""
    try:
        yield
    except ExpressionError as error:
        raise _application_error(
            StepFailure(ErrorClass.EXPRESSION, error.message, {"code": error.code}), path
        ) from None
    except StepFailure as failure:
        raise _application_error(failure, path) from None
    except asyncio.CancelledError:
        details = activity.cancellation_details() if activity.in_activity() else None
        if details is not None and details.worker_shutdown and not details.cancel_requested:
            raise ApplicationError(
                "the worker stops; another one takes the step",
                type="worker-stopped",
                next_retry_delay=timedelta(milliseconds=200),
            ) from None
        raise


def _application_error(failure: StepFailure, path: str) -> ApplicationError:
    details = dict(failure.details)
    usage = details.pop("usage", None)
    log = details.pop("log", None)
    key = details.pop("cache_key", None)
    error = StepError(
        type=failure.error_class,
        message=failure.message[:MESSAGE_LIMIT],
        step=path,
        details=details,
        log=log if isinstance(log, str) else None,
        usage=Usage.model_validate(usage) if usage is not None else None,
        cache_key=key if isinstance(key, str) else None,
    )
    # Benign for the worker: a step that fails is what its author must see, not a traceback in our log.
    return ApplicationError(
        error.message,
        error.model_dump(mode="json", exclude_none=True),
        type=error.type,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )
