"""A step and the cache: whether it need not run, who runs it when several want to, and what is kept of it.

    asked  ->  (a key)  ->  turn: looked up; on a miss the lead of the flight  ->  [the step runs]  ->  keep  ->  landed

`mode: read` keeps nothing and leads nothing; `mode: write` looks nothing up. Only a result that ended well comes to
`keep`, and not all are kept: a tool that was replaced while the step ran makes its key a lie.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from activities.cache.counts import Count, Counts
from activities.cache.flights import Flights, Lead
from activities.cache.index import Line, remember
from activities.cache.keys import CacheKey, record_key
from activities.cache.lookup import Hit, Limits, look_up, tree_after
from activities.cache.records import Producer
from activities.cache.saving import Kept, save
from activities.executors.interface import Execution, Executor
from activities.step_identity import is_cached, policy_of, step_key
from activities.step_log import log_key
from activities.store.canonical_json import canonical_json
from activities.store.interface import Store, StoreError
from activities.workspace.manifest import Manifest
from definitions.errors import StepFailure
from definitions.records import StepResult
from definitions.steps.base import CachePolicy
from definitions.trust import TRUSTED, Trust, parse_trust

JOINED = "taken over from another attempt that did the same at the same time"
CHANGED_TOOL = "a tool of it was replaced while it ran"


@dataclass(slots=True)
class Asked:
    """A step whose author wants it cached, and its key."""

    execution: Execution
    executor: Executor
    manifest: Manifest
    """The tree before; empty where there is no workspace."""
    key: CacheKey
    policy: CachePolicy
    trust: Trust
    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    reason: str = ""
    """Why it runs."""
    noted: asyncio.Task[None] | None = None

    @property
    def tree(self) -> Manifest | None:
        """The tree before; None where there is no workspace."""
        return None if self.execution.call.tree is None else self.manifest

    @property
    def picks_files(self) -> bool:
        """Whether the tree may be another when the result is taken: the author says which files matter."""
        return self.policy.inputs is not None and self.tree is not None

    @property
    def limits(self) -> Limits:
        """Which results count."""
        return Limits(self.trust, self.policy.ttl)

    @property
    def producer(self) -> Producer:
        """Which attempt this is."""
        call = self.execution.call
        return Producer(execution_id=call.run.execution_id, definition_id=call.run.definition_id, path=call.path)


class StepCache:
    """The cache, as the steps of a worker meet it."""

    def __init__(
        self, store: Store, *, trust: Trust = TRUSTED, flights: Flights | None = None, counts: Counts | None = None
    ) -> None:
        self._store = store
        self._flights = flights or Flights(store)
        self.trust = trust
        """What this worker's results are worth at most."""
        self.counts = counts or Counts(store)

    async def asked(self, executor: Executor, execution: Execution, manifest: Manifest) -> Asked | None:
        """Return a step with its key; None where its author does not want it cached. Raises StepFailure."""
        if not is_cached(execution.step, execution.context):
            return None
        key = await step_key(executor, execution, None if execution.call.tree is None else manifest)
        trust = self.trust.lowered(parse_trust(execution.context.trust))
        return Asked(execution, executor, manifest, key, policy_of(execution.step), trust)

    async def look_up(self, asked: Asked) -> StepResult | None:
        """Return what is kept, as the step's result; on None, `asked.reason` says why."""
        if asked.policy.mode == "write":
            asked.reason = "its author wants it to run (`mode: write`)"
            return None
        step = asked.execution.step if asked.picks_files else None
        found = await asyncio.to_thread(look_up, self._store, asked.key, asked.tree, asked.limits, step)
        if isinstance(found, Hit):
            return await self._taken(asked, found)
        asked.reason = found.reason
        if found.is_damage:
            asked.execution.log.note(f"cache: {found.reason}")
        return None

    @contextlib.asynccontextmanager
    async def turn(self, asked: Asked) -> AsyncGenerator[StepResult | None]:
        """Yield what is kept; else None, when it is this attempt's turn to do it: equal ones wait meanwhile."""
        hit = await self.look_up(asked)
        lead: Lead | None = None
        if hit is None and asked.policy.mode == "on":
            lead, hit = await self._led(asked)
        try:
            if hit is None:
                self._begin(asked)
            yield hit
        finally:
            if lead is not None:
                await lead.land()
            if asked.noted is not None:
                await asyncio.gather(asked.noted, return_exceptions=True)

    async def keep(self, asked: Asked, result: StepResult, after: Manifest, written: Collection[str] = ()) -> list[str]:
        """Keep a result; return what a reader should know. A store that cannot take it costs the next run time only.

        `written`: the paths that the step wrote, also those that are what they were (`asked.picks_files`).
        """
        seconds = (datetime.now(UTC) - asked.begun_at).total_seconds()
        self._count(asked, Count(seconds=seconds, usd=_usd(result)))
        if asked.policy.mode == "read":
            return []
        if asked.noted is not None:
            await asyncio.gather(asked.noted, return_exceptions=True)
        if await self._has_changed(asked):
            return [await self._not_kept(asked, CHANGED_TOOL)]
        try:
            kept = await asyncio.to_thread(self._save, asked, result, after, seconds, written)
        except StoreError as error:
            return [await self._not_kept(asked, error.message)]
        return _remarks(kept)

    # --- within -------------------------------------------------------------------------------------

    async def _taken(self, asked: Asked, hit: Hit) -> StepResult:
        record, call = hit.record, asked.execution.call
        tree = call.tree if call.tree is None or hit.tree is asked.manifest else await self._kept_tree(hit)
        usd = 0.0 if record.usage is None else record.usage.usd or 0.0
        self._count(asked, Count(hits=1, seconds_saved=record.seconds, usd_saved=usd))
        return StepResult(
            outputs=record.outputs,
            artifacts=record.artifacts,
            tree=tree,
            cached=True,
            cache_key=asked.key.digest,
            log=record.log,
            enforced_by=record.enforced_by,
            notes=record.notes,
        )

    async def _kept_tree(self, hit: Hit) -> str | None:
        return await asyncio.to_thread(tree_after, self._store, hit)

    async def _led(self, asked: Asked) -> tuple[Lead | None, StepResult | None]:
        """Return the lead, or the result of whoever had it."""
        call = asked.execution.call
        owner = f"{call.run.execution_id}/{call.path}/{call.attempt}"
        name = record_key(asked.key.digest, asked.trust).removeprefix("cache/")
        while True:
            lead = await self._flights.join(name, owner, is_patient=asked.execution.step.timeout is None)
            hit = await self._looked_up_again(asked, lead)
            if lead is not None:
                return lead, hit
            if hit is not None:
                return None, hit.model_copy(update={"notes": [*hit.notes, JOINED]})

    async def _looked_up_again(self, asked: Asked, lead: Lead | None) -> StepResult | None:
        try:
            return await self.look_up(asked)
        except BaseException:
            if lead is not None:
                await lead.land()
            raise

    def _begin(self, asked: Asked) -> None:
        """Write down, beside the work, that and why the step runs."""
        asked.begun_at = datetime.now(UTC)
        self._count(asked, Count(runs=1))
        asked.noted = asyncio.create_task(asyncio.to_thread(self._note, asked))

    def _note(self, asked: Asked, not_kept: str = "") -> None:
        with contextlib.suppress(StoreError):  # it costs an explanation
            key, producer = asked.key, asked.producer
            line = Line(
                key=key.digest,
                execution_id=producer.execution_id,
                created_at=asked.begun_at,
                descriptor=self._store.write_blob(canonical_json(key.descriptor)),
                files=self._store.write_blob(key.files),
                reason=asked.reason,
                not_kept=not_kept,
            )
            remember(self._store, producer.definition_id, producer.path, line, asked.trust)

    async def _has_changed(self, asked: Asked) -> bool:
        """Whether the tools are others now than when the key was made."""
        try:
            identity = await asked.executor.identity(asked.execution)
        except StepFailure:
            return True
        return identity != asked.key.descriptor["tool"]

    async def _not_kept(self, asked: Asked, reason: str) -> str:
        asked.execution.log.note(f"the result could not be cached: {reason}")
        await asyncio.to_thread(self._note, asked, reason)
        return f"not kept in the cache: {reason}"

    def _save(
        self, asked: Asked, result: StepResult, after: Manifest, seconds: float, written: Collection[str]
    ) -> Kept:
        call = asked.execution.call
        return save(
            self._store,
            asked.key,
            before=asked.tree,
            after=after if asked.tree is not None else None,
            outputs=result.outputs,
            artifacts=result.artifacts,
            produced_by=asked.producer,
            created_at=datetime.now(UTC),
            log=log_key(call.run.execution_id, call.path, call.attempt),
            usage=result.usage,
            enforced_by=result.enforced_by,
            notes=result.notes,
            seconds=seconds,
            limits=asked.limits,
            replaces=asked.policy.mode == "write",
            written=written,
        )

    def _count(self, asked: Asked, count: Count) -> None:
        call = asked.execution.call
        self.counts.add(call.run.definition_id, call.path, count)


def _usd(result: StepResult) -> float:
    return 0.0 if result.usage is None else result.usage.usd or 0.0


def _remarks(kept: Kept) -> list[str]:
    if not kept.differs:
        return []
    other = "" if kept.other is None else f" in {kept.other.execution_id}"
    return [f"on the same inputs the step gave another result{other}: {', '.join(kept.differs)}"]
