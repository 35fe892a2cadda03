"""The workflow `perdure.lock`: one run of a concurrency group at a time, first come, first served.

It lives while somebody holds it or waits, as `lock/GROUP`. Messages are taken one after the other by the main loop
alone, so that nothing interleaves:

    acquire   granted, queued, refused; or (policy `cancel`) those before are cancelled
    release   the next one is told; who waited leaves the line
    a minute  the holder is looked for: one that was terminated, or lost, frees the lock

A holder is recorded before it is told. Where telling fails there is nobody to hold it, and the next one is told.
Where its history is long it continues as new between two messages; those that wait to be read go with it.
"""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError, FailureError

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from definitions.locks import (
        LOCK_SIGNAL,
        LOCK_TYPE,
        MOST_WAITING,
        Claim,
        Gone,
        GoneCall,
        LockInput,
        LockStanding,
        LockWord,
        Release,
    )
    from definitions.stored_values import json_size
    from workflows.gates import Refusal
    from workflows.incoming import NO_INPUT, dropping, plain, read_message
    from workflows.lock_inbox import Inbox

CHECK_EVERY = timedelta(minutes=1)
"""How long a holder that was terminated keeps the others waiting, where nobody comes meanwhile."""
FRESH = timedelta(seconds=5)
"""For how long a look at the holder counts for others who come."""
FIRST_WORD = timedelta(seconds=10)
"""How long a lock without a claim lives, for one that is on its way."""
HISTORY_LIMIT = 10_000
"""Events past which it continues as new, whatever has just come."""
CARRIED_LIMIT = 1_500_000
"""Bytes of what is handed on with which it still continues as new; over 2 MB the server would terminate it."""
LOOK_TIME = timedelta(seconds=30)
ACQUIRE = 'Claim the lock. {"execution_id": "deploy-20261121-1", "token": "FIRST RUN ID", "policy": "queue"}'
RELEASE = 'Give the lock back, or leave the line; also by hand, for another. {"execution_id": "deploy-20261121-1"}'


@workflow.defn(name=LOCK_TYPE)
class Lock:
    """The lock of a concurrency group."""

    @workflow.init
    def __init__(self, request: RawValue = NO_INPUT) -> None:
        carried = _read_input(request)
        self._group = workflow.info().workflow_id.removeprefix("lock/")
        self._holder = carried.holder
        self._waiting = list(carried.waiting)
        self._inbox = Inbox(carried.inbox)
        self._looked_at: datetime | None = None

    @workflow.run
    async def run(self, request: RawValue = NO_INPUT) -> None:
        """Keep the lock of the group that the workflow id names: `lock/GROUP`. Runs start it when they need it."""
        while True:
            await self._wait()
            await self._read_inbox()
            await self._grant()
            self._show()
            if self._holder is None and not self._inbox:
                return
            if self._is_long():
                self._continue_as_new()

    async def _read_inbox(self) -> None:
        """Act on the messages: all that are there, or where the history is long one, so that a flood ends nothing."""
        while self._inbox:
            match self._inbox.take():
                case Claim() as claim:
                    await self._acquire(claim)
                case Release() as release:
                    await self._release(release)
            if self._is_long():
                return

    def _continue_as_new(self) -> None:
        """Leave for a new history; return where too much waits to be read, which is read in this one first."""
        successor = LockInput(holder=self._holder, waiting=self._waiting, inbox=self._inbox.unread())
        carried = successor.model_dump(mode="json", exclude_defaults=True)
        if json_size(carried) <= CARRIED_LIMIT:
            workflow.continue_as_new(carried)

    # --- messages -----------------------------------------------------------------------------------

    @workflow.signal(name="acquire", description=ACQUIRE)
    async def acquire(self, message: Any = None) -> None:
        """Take a claim; what is no claim is dropped."""
        with dropping():
            claim = read_message(Claim, message)
            if claim.execution_id == workflow.info().workflow_id:
                raise Refusal("malformed", "a lock cannot claim itself")
            self._inbox.put(claim)

    @workflow.signal(name="release", description=RELEASE)
    async def release(self, message: Any = None) -> None:
        """Take a claim back."""
        with dropping():
            self._inbox.put(read_message(Release, message))

    @workflow.query(name="standing", description="Who holds the lock, and who waits, in order")
    def standing(self) -> LockStanding:
        """Return who holds the lock and who waits."""
        return LockStanding(
            group=self._group,
            holder=None if self._holder is None else self._holder.execution_id,
            waiting=[claim.execution_id for claim in self._waiting],
        )

    # --- the loop -----------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Return when a message is there, or it is time to look for the holder."""
        limit = FIRST_WORD if self._holder is None else CHECK_EVERY
        try:
            await workflow.wait_condition(lambda: bool(self._inbox), timeout=limit, timeout_summary="next look")
        except TimeoutError:
            await self._look_for_the_holder()

    async def _acquire(self, claim: Claim) -> None:
        await self._look_for_the_holder(timedelta(0) if claim.policy == "refuse" else FRESH)
        holder = self._holder
        if holder is not None and is_same(holder, claim):
            await self._tell(claim, "granted")  # it asks again: the word may have been lost with a reset
        elif holder is None and not self._waiting:
            self._waiting.append(claim)
        elif claim.policy == "cancel":
            await self._supersede(claim)
        elif any(is_same(known, claim) for known in self._waiting):
            await self._tell(claim, "queued", self._before(claim))
        elif claim.policy == "refuse" or len(self._waiting) >= MOST_WAITING:
            await self._tell(claim, "refused", holder.execution_id if holder else self._waiting[0].execution_id)
        else:
            self._waiting.append(claim)
            await self._tell(claim, "queued", self._before(claim))

    async def _supersede(self, claim: Claim) -> None:
        """Cancel who holds the lock and who waits; the holder has it until it has undone what it did."""
        cancelled = [known for known in self._waiting if not is_same(known, claim)]
        self._waiting = [claim]
        if self._holder is not None and not self._holder.superseded:
            # Once only: a second cancel would end its compensations.
            cancelled.insert(0, self._holder)
            self._holder = self._holder.model_copy(update={"superseded": True})
        for known in cancelled:
            if await self._tell(known, "superseded", claim.execution_id):
                await self._cancel(known)
            elif self._holder is not None and is_same(known, self._holder):
                self._holder = None
        if self._holder is not None:
            await self._tell(claim, "queued", self._before(claim))

    async def _release(self, release: Release) -> None:
        if self._holder is not None and is_of(release, self._holder):
            self._holder = None
            return
        for place, known in enumerate(self._waiting):
            if is_of(release, known):
                del self._waiting[place]
                if place < len(self._waiting):
                    behind = self._waiting[place]
                    await self._tell(behind, "queued", self._before(behind))
                return

    async def _grant(self) -> None:
        while self._holder is None and self._waiting:
            self._holder = self._waiting.pop(0)
            if not await self._tell(self._holder, "granted"):
                self._holder = None

    async def _look_for_the_holder(self, age: timedelta = FRESH) -> None:
        """Free the lock where its holder has ended without a word; not, where one looked less than `age` ago."""
        holder, now = self._holder, workflow.now()
        if holder is None or (self._looked_at is not None and now - self._looked_at < age):
            return
        try:
            gone = await workflow.execute_activity(
                "find_gone",
                GoneCall(claims=[holder]),
                result_type=Gone,
                schedule_to_close_timeout=LOOK_TIME,
                start_to_close_timeout=LOOK_TIME,
                retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1)),
                summary=f"does {holder.execution_id} live?"[:80],
            )
        except ActivityError:
            return  # nothing is known, so it keeps the lock
        self._looked_at = workflow.now()
        if holder.token in gone.tokens:
            self._holder = None

    def _is_long(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() > HISTORY_LIMIT

    # --- to the runs --------------------------------------------------------------------------------

    def _before(self, claim: Claim) -> str | None:
        """Return the execution whose end a claim waits for."""
        line = [*([] if self._holder is None else [self._holder]), *self._waiting]
        place = next((index for index, known in enumerate(line) if is_same(known, claim)), 0)
        return line[place - 1].execution_id if place else None

    async def _tell(self, claim: Claim, state: str, by: str | None = None) -> bool:
        """Send a word; return whether there was anybody to take it."""
        word = LockWord.model_validate({"state": state, "token": claim.token, "by": by})
        handle = workflow.get_external_workflow_handle(claim.execution_id)
        try:
            await handle.signal(LOCK_SIGNAL, word.model_dump(mode="json", exclude_none=True))
        except CancelledError:
            raise
        except FailureError:
            return False
        return True

    async def _cancel(self, claim: Claim) -> None:
        try:
            await workflow.get_external_workflow_handle(claim.execution_id).cancel()
        except CancelledError:
            raise
        except FailureError:
            return  # it has ended

    def _show(self) -> None:
        """Say in the Web UI who holds the lock."""
        standing = self.standing()
        waiting = [f"1. `{execution}`" for execution in standing.waiting[:50]]
        lines = [f"Held by `{standing.holder}`, {len(standing.waiting)} waiting", "", *waiting]
        workflow.set_current_details("\n".join(lines))


def is_same(one: Claim, other: Claim) -> bool:
    """Whether two claims are of the same execution."""
    return one.execution_id == other.execution_id and one.token == other.token


def is_of(release: Release, claim: Claim) -> bool:
    """Whether a release means a claim; without a token it means whatever has that id."""
    return release.execution_id == claim.execution_id and release.token in (None, claim.token)


def _read_input(request: RawValue) -> LockInput:
    """Return what is carried; a lock that is started by hand with nonsense begins empty."""
    try:
        return LockInput.model_validate(plain((request,)) or {})
    except (Refusal, ValidationError):
        return LockInput()
