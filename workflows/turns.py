"""A run's turn in its concurrency group: claimed before its first step, given back when it has ended.

The lock answers by signal (`workflows.lock`); a run that hears nothing for a while asks again, which is harmless and
starts a lock anew that somebody terminated. A run that continues as new while it waits asks again too.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, FailureError

from definitions.errors import ErrorClass
from definitions.locks import AskCall, Claim, ClaimedGroup, LockWord, Release, lock_id
from definitions.records import StepError
from workflows.temporal_host import Controls

ASK_AGAIN = timedelta(minutes=5)
ASK_TIME = timedelta(seconds=30)
REFUSED = "concurrency-refused"


class Turn:
    """What a run knows of its turn."""

    def __init__(self, controls: Controls, on_change: Callable[[], None]) -> None:
        info = workflow.info()
        self._controls = controls
        self._on_change = on_change
        self._execution_id = info.workflow_id
        self._token = info.first_execution_run_id
        self._claimed: ClaimedGroup | None = None
        self._word: LockWord | None = None
        self.reason: str | None = None
        """Why the run waits, or why it was cancelled; None: there is nothing to say."""
        self.is_waiting = False

    def told(self, word: LockWord) -> None:
        """Take a word of the lock; one for an earlier execution of the same id is not for us."""
        claimed = self._claimed
        if claimed is None or word.token != self._token:
            return
        match word.state:
            case "queued":
                after = "" if word.by is None else f", behind `{word.by}`"
                self.reason = f"waits for its turn in the group `{claimed.group}`{after}"
            case "superseded":
                self.reason = f"`{word.by}` took its place in the group `{claimed.group}`"
            case "granted" | "refused":
                self._word = word
        self._on_change()

    def keep(self, claimed: ClaimedGroup) -> None:
        """Know that the run has its turn, as its predecessor before continue-as-new did."""
        self._claimed = claimed

    async def take(self, claimed: ClaimedGroup) -> StepError | None:
        """Return when it is the run's turn; an error where the run must not wait for it."""
        self._claimed = claimed
        self.is_waiting = True
        self.reason = f"asks for its turn in the group `{claimed.group}`"
        while self._word is None:
            if (error := await self._ask(claimed)) is not None:
                return error
            await self._hear()
        self.is_waiting = False
        if self._word.state == "refused":
            message = f"the group `{claimed.group}` is taken by `{self._word.by}`, and this run does not wait"
            self.reason = message
            return StepError(type=REFUSED, message=message, step="")
        self.reason = None
        self._on_change()
        return None

    async def _hear(self) -> None:
        """Return when the lock has said yes or no, or it is time to ask again."""
        try:
            await workflow.wait_condition(
                lambda: self._word is not None or self._is_leaving(), timeout=ASK_AGAIN, timeout_summary="ask again"
            )
        except TimeoutError:
            return
        if self._word is None:
            self._controls.is_leaving = True
            await asyncio.Event().wait()  # the run continues as new

    def _is_leaving(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()

    async def _ask(self, claimed: ClaimedGroup) -> StepError | None:
        claim = Claim(execution_id=self._execution_id, token=self._token, policy=claimed.policy)
        self._controls.in_flight += 1
        try:
            await workflow.execute_activity(
                "ask_lock",
                AskCall(group=claimed.group, claim=claim),
                start_to_close_timeout=ASK_TIME,
                retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=ASK_TIME),
                # so that the release of a cancelled run comes after its claim
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=f"turn in {claimed.group}"[:80],
            )
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                raise asyncio.CancelledError from error
            kind = error.cause.type if isinstance(error.cause, ApplicationError) else None
            return StepError(type=kind or ErrorClass.INTERNAL, message=str(error.cause), step="")
        finally:
            self._controls.in_flight -= 1
        return None

    async def give_back(self) -> None:
        """Give the turn back, or leave the line. A lock that is not there any more needs no word."""
        if self._claimed is None:
            return
        release = Release(execution_id=self._execution_id, token=self._token)
        handle = workflow.get_external_workflow_handle(lock_id(self._claimed.group))
        try:
            await handle.signal("release", release.model_dump(mode="json"))
        except CancelledError:
            raise
        except FailureError:
            workflow.logger.info("the lock of `%s` is gone", self._claimed.group)
