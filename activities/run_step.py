"""One attempt of a step: resolve, look up, run, keep.

    templates resolved  ->  key made, cache asked  ->  workspace laid out  ->  executor runs it
    ->  files taken over  ->  outputs and artifacts made  ->  record kept in the cache  ->  a small record back

Whatever fails before the last step leaves the tree before untouched: the next attempt starts from it.
"""

import asyncio
import contextlib
import functools
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from activities.attempts import Beat
from activities.cache.keys import CacheKey
from activities.cache.records import Hit, Producer, look_up, save, tree_after
from activities.executors.interface import Execution, Executor, Outcome
from activities.file_functions.reader import StoreFileReader
from activities.outputs import declared_outputs, kept_artifacts
from activities.process.environment import step_environment
from activities.rendering import parse_step, render_step
from activities.secrets.guarding import check_files
from activities.secrets.masking import Mask
from activities.secrets.sources import Secrets
from activities.step_identity import is_cached, step_key
from activities.step_log import StoreStepLog, log_key
from activities.store.interface import Store, StoreError
from activities.workspace.checkouts import Checkouts
from activities.workspace.manifest import Manifest, load_manifest, save_manifest
from definitions.errors import ErrorClass, StepFailure
from definitions.records import INLINE_LIMIT, RunContext, StepCall, StepResult, json_size
from definitions.secrets import secret_variables
from definitions.steps import Step


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known once templates are resolved."""

    call: StepCall
    context: RunContext
    manifest: Manifest
    """Of the tree before; empty where the run has no workspace."""
    execution: Execution
    executor: Executor
    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class NoLog:
    """A log that nobody reads: of an attempt that is only looked up."""

    def write(self, content: bytes) -> None:
        """Drop it."""

    def note(self, text: str) -> None:
        """Drop it."""

    def hide(self, mask: Mask) -> None:
        """Do nothing."""


class StepRunner:
    """Runs attempts on one worker."""

    def __init__(
        self,
        store: Store,
        checkouts: Checkouts,
        scratch: Path,
        executors: Mapping[str, Executor],
        secrets: Secrets | None = None,
    ) -> None:
        self._store = store
        self._checkouts = checkouts
        self._scratch = scratch
        self._executors = executors
        self._secrets = secrets or Secrets()
        self._context = functools.lru_cache(maxsize=256)(self._read_context)
        self._manifest = functools.lru_cache(maxsize=64)(functools.partial(load_manifest, store))

    async def run(self, call: StepCall, beat: Beat, resumed_from: dict[str, JsonValue] | None) -> StepResult:
        """Run one attempt. Raises StepFailure or ExpressionError."""
        log = StoreStepLog(self._store, call.run.execution_id, call.path, call.attempt)
        key: CacheKey | None = None
        try:
            async with self._prepared(call, log, beat, resumed_from) as attempt:
                if is_cached(attempt.execution.step, attempt.context):
                    key = await step_key(attempt.executor, attempt.execution, attempt.manifest)
                    if (hit := await self._hit(attempt, key)) is not None:
                        return hit
                result = await self._execute(attempt, key)
        except StepFailure as failure:
            failure.details["log"] = await log.close()
            failure.details["cache_key"] = None if key is None else key.digest
            raise
        except BaseException:
            await log.close()
            raise
        return result.model_copy(update={"log": await log.close()})

    async def from_cache(self, call: StepCall) -> StepResult | None:
        """Return what the cache has for an attempt, or None; nothing is run."""
        async with self._prepared(call, NoLog(), lambda details: None, None) as attempt:
            if not is_cached(attempt.execution.step, attempt.context):
                return None
            key = await step_key(attempt.executor, attempt.execution, attempt.manifest)
            return await self._hit(attempt, key)

    async def _hit(self, attempt: Attempt, key: CacheKey) -> StepResult | None:
        """Return what the cache has under a key, if it fits the tree."""
        manifest = None if attempt.call.tree is None else attempt.manifest
        hit = await asyncio.to_thread(look_up, self._store, key, manifest)
        return await asyncio.to_thread(self._from_hit, attempt.call, key, hit) if isinstance(hit, Hit) else None

    # --- before -------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _prepared(
        self, call: StepCall, log: StoreStepLog | NoLog, beat: Beat, resumed_from: dict[str, JsonValue] | None
    ) -> AsyncGenerator[Attempt]:
        scratch = Path(tempfile.mkdtemp(prefix="attempt-", dir=self._scratch))
        try:
            context = self._context(call.run.context)
            manifest = Manifest() if call.tree is None else self._manifest(call.tree)
            step, bindings = self._rendered(call, manifest)
            variables = secret_variables(step.env)
            secrets = await asyncio.to_thread(self._secrets.find, variables.values()) if variables else {}
            mask = Mask(secret.value for secret in secrets.values())
            log.hide(mask)
            plain = {name: value for name, value in step.env.items() if name not in variables}
            environment = step_environment(context.environment, context.definition_environment, plain)
            execution = Execution(
                call=call,
                context=context,
                step=step,
                bindings=bindings,
                workspace=scratch,
                scratch=scratch,
                environment=environment | {name: secrets[secret].value for name, secret in variables.items()},
                store=self._store,
                log=log,
                heartbeat=lambda details: beat(mask.masked_object(details)),
                resumed_from=resumed_from,
                mask=mask,
                secret_versions={name: secrets[secret].version for name, secret in variables.items()},
            )
            yield Attempt(call, context, manifest, execution, self._executors[step.type])
        finally:
            # not waited for: the step's result need not stand behind the removal of its scratch files
            asyncio.get_running_loop().run_in_executor(
                None, functools.partial(shutil.rmtree, scratch, ignore_errors=True)
            )

    def _read_context(self, digest: str) -> RunContext:
        return RunContext.model_validate_json(self._store.read_blob(digest))

    def _rendered(self, call: StepCall, manifest: Manifest) -> tuple[Step, dict[str, str]]:
        return render_step(parse_step(call.step), call.values, StoreFileReader(self._store, manifest))

    # --- the attempt --------------------------------------------------------------------------------

    async def _execute(self, attempt: Attempt, key: CacheKey | None) -> StepResult:
        call = attempt.call
        async with self._checkouts.hold(call.run.execution_id, call.path, call.tree) as folder:
            attempt.execution.workspace = folder
            outcome = await self._without_secrets(attempt, folder)
            manifest = attempt.manifest
            if call.tree is not None:
                manifest = await self._checkouts.snapshot(folder, attempt.manifest)
            result = await self._harvested(attempt, outcome, folder, manifest)
        if key is None:
            return result
        await asyncio.to_thread(self._keep, attempt, key, result, manifest)
        return result.model_copy(update={"cache_key": key.digest})

    def _keep(self, attempt: Attempt, key: CacheKey, result: StepResult, after: Manifest) -> None:
        """Keep a result in the cache; a store that cannot take it costs the next run time, not this one its success."""
        call, now = attempt.call, datetime.now(UTC)
        has_workspace = call.tree is not None
        try:
            save(
                self._store,
                key,
                before=attempt.manifest if has_workspace else None,
                after=after if has_workspace else None,
                outputs=result.outputs,
                artifacts=result.artifacts,
                produced_by=Producer(
                    execution_id=call.run.execution_id, definition_id=call.run.definition_id, path=call.path
                ),
                created_at=now,
                log=log_key(call.run.execution_id, call.path, call.attempt),
                usage=result.usage,
                seconds=(now - attempt.begun_at).total_seconds(),
            )
        except StoreError as error:
            attempt.execution.log.note(f"the result could not be cached: {error.message}")

    async def _without_secrets(self, attempt: Attempt, folder: Path) -> Outcome:
        """Run the attempt; whatever it says is masked, and files that hold a secret fail it before they are stored."""
        mask, begun = attempt.execution.mask, time.time_ns()
        if not mask:
            return await self._within_time(attempt)
        try:
            outcome = await self._within_time(attempt)
        except StepFailure as failure:
            details = mask.masked_object(failure.details)
            raise StepFailure(failure.error_class, mask.masked_text(failure.message), details) from None
        await asyncio.to_thread(check_files, folder, mask, begun)
        notes = tuple(map(mask.masked_text, outcome.notes))
        return replace(outcome, outputs=mask.masked_object(outcome.outputs), notes=notes)

    async def _within_time(self, attempt: Attempt) -> Outcome:
        timeout = attempt.execution.step.timeout
        try:
            async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
                return await attempt.executor.execute(attempt.execution)
        except TimeoutError as error:
            message = f"it took longer than {timeout} and was ended"
            raise StepFailure(ErrorClass.TIMEOUT, message, {"timeout": str(timeout)}) from error

    async def _harvested(self, attempt: Attempt, outcome: Outcome, folder: Path, manifest: Manifest) -> StepResult:
        """Harvest, in a thread where files are read or written: most steps keep none."""
        step = attempt.execution.step
        is_quick = not step.outputs and not step.artifacts and manifest == attempt.manifest
        if is_quick and json_size(outcome.outputs) <= INLINE_LIMIT:
            return self._harvest(attempt, outcome, folder, manifest)
        return await asyncio.to_thread(self._harvest, attempt, outcome, folder, manifest)

    def _harvest(self, attempt: Attempt, outcome: Outcome, folder: Path, manifest: Manifest) -> StepResult:
        step = attempt.execution.step
        files = StoreFileReader(self._store, manifest)
        return StepResult(
            outputs=declared_outputs(self._store, step, outcome.outputs, folder, attempt.call.values, files),
            artifacts=kept_artifacts(self._store, step, folder),
            tree=self._kept_tree(attempt, manifest),
            usage=outcome.usage,
            enforced_by=list(outcome.enforced_by),
            notes=[*outcome.notes, *manifest.notes],
        )

    def _kept_tree(self, attempt: Attempt, manifest: Manifest) -> str | None:
        return attempt.call.tree if manifest == attempt.manifest else save_manifest(self._store, manifest)

    def _from_hit(self, call: StepCall, key: CacheKey, hit: Hit) -> StepResult:
        record = hit.record
        return StepResult(
            outputs=record.outputs,
            artifacts=record.artifacts,
            tree=call.tree if call.tree is None else tree_after(self._store, hit),
            cached=True,
            cache_key=key.digest,
            log=record.log,
        )
