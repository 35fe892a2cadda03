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

from activities.artifacts.step_artifacts import Fetched, fetch_for, publish_for
from activities.artifacts.versions import ArtifactVersion
from activities.attempts import Beat
from activities.executors.interface import Execution, Executor, Outcome, StandIn
from activities.file_functions.reader import StoreFileReader
from activities.outputs import declared_outputs, kept_artifacts
from activities.process.environment import step_environment
from activities.rendering import parse_step, render_step
from activities.secrets.guarding import check_files
from activities.secrets.masking import Mask
from activities.secrets.sources import Secrets
from activities.step_cache import Asked, StepCache
from activities.step_log import StoreStepLog
from activities.store.interface import Store
from activities.workspace.checkouts import Checkouts
from activities.workspace.linked_folders import linked
from activities.workspace.manifest import Manifest, known_manifest, load_manifest, save_manifest
from activities.workspace.removal import remove_few
from activities.workspace.rewriting import mark, written_since
from activities.workspace.small_trees import SMALL
from definitions.errors import ErrorClass, StepFailure
from definitions.evaluation import FilesNeeded
from definitions.records import RunContext, StepCall, StepResult
from definitions.secrets import secret_variables
from definitions.steps import ArtifactStep, Step
from definitions.stored_values import INLINE_LIMIT, json_size


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


Resolved = tuple[StepCall, RunContext, Fetched, Step, dict[str, str]]
KNOWN_CONTEXTS = 1000
"""Runs whose context is remembered."""
SMALL_VALUES = 4096
"""Bytes of values that templates are resolved with outside of a thread, at most."""


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
        cache: StepCache | None = None,
    ) -> None:
        self._store = store
        self._checkouts = checkouts
        self._scratch = scratch
        self._executors = executors
        self._secrets = secrets or Secrets()
        self.cache = cache or StepCache(store)
        self._contexts: dict[str, RunContext] = {}
        self._manifest = functools.lru_cache(maxsize=64)(functools.partial(load_manifest, store))

    async def run(self, call: StepCall, beat: Beat, resumed_from: dict[str, JsonValue] | None) -> StepResult:
        """Run one attempt. Raises StepFailure or ExpressionError."""
        log = StoreStepLog(self._store, call.run.execution_id, call.path, call.attempt)
        asked: Asked | None = None
        try:
            async with self._prepared(call, log, beat, resumed_from) as attempt:
                asked = await self.cache.asked(attempt.executor, attempt.execution, attempt.manifest)
                async with self._turn(asked) as hit:
                    result = hit if hit is not None else await self._execute(attempt, asked)
                result = await self._shared(attempt, result)
        except StepFailure as failure:
            failure.details["log"] = await log.close()
            failure.details["cache_key"] = None if asked is None else asked.key.digest
            raise
        except BaseException:
            await log.close(in_haste=True)
            raise
        own = await log.close()
        return result if result.cached else result.model_copy(update={"log": own})

    async def from_cache(self, call: StepCall) -> StepResult | None:
        """Return what the cache has for an attempt, or None; nothing is run."""
        async with self._prepared(call, NoLog(), lambda details: None, None) as attempt:
            if attempt.execution.step.publications:
                return None  # publishing is an effect, which is the run's own and happens once it is reached
            asked = await self.cache.asked(attempt.executor, attempt.execution, attempt.manifest)
            hit = None if asked is None else await self.cache.look_up(asked)
            return None if hit is None else await self._shared(attempt, hit)

    def _turn(self, asked: Asked | None) -> contextlib.AbstractAsyncContextManager[StepResult | None]:
        return contextlib.nullcontext() if asked is None else self.cache.turn(asked)

    # --- before -------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _prepared(
        self, call: StepCall, log: StoreStepLog | NoLog, beat: Beat, resumed_from: dict[str, JsonValue] | None
    ) -> AsyncGenerator[Attempt]:
        scratch = Path(tempfile.mkdtemp(prefix="attempt-", dir=self._scratch))
        try:
            # else in a thread: a store that is waited for must not keep the worker from beating
            resolved = self._resolved_at_once(call) or await asyncio.to_thread(self._resolved, call)
            call, context, fetched, step, bindings = resolved
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
                fetched=fetched.versions,
            )
            yield Attempt(call, context, fetched.manifest, execution, self._executors[step.type])
        finally:
            if not remove_few(scratch):
                # not waited for: the step's result need not stand behind the removal of its scratch files
                asyncio.get_running_loop().run_in_executor(
                    None, functools.partial(shutil.rmtree, scratch, ignore_errors=True)
                )

    def _context(self, digest: str) -> RunContext:
        known = self._contexts.get(digest)
        if known is None:
            known = RunContext.model_validate_json(self._store.read_blob(digest))
            while len(self._contexts) >= KNOWN_CONTEXTS:
                self._contexts.pop(next(iter(self._contexts), ""), None)
            self._contexts[digest] = known
        return known

    def _resolved_at_once(self, call: StepCall) -> Resolved | None:
        """Return the same as `_resolved` where that asks no store and takes less than the way to a thread and back."""
        context = self._contexts.get(call.run.context)
        manifest = Manifest() if call.tree is None else known_manifest(call.tree)
        if context is None or manifest is None or manifest.count > SMALL or json_size(call.values) > SMALL_VALUES:
            return None
        written = parse_step(call.step)
        if written.fetches:
            return None
        try:
            return call, context, Fetched([], manifest), *render_step(written, call.values, None)
        except FilesNeeded:
            return None

    def _resolved(self, call: StepCall) -> Resolved:
        """Return what the store knows of the attempt, and its step with templates resolved. Blocks.

        A step that fetches begins with another tree than the one before it ended with: with the artifacts in it.
        """
        context = self._context(call.run.context)
        manifest = Manifest() if call.tree is None else self._manifest(call.tree)
        written = parse_step(call.step)
        fetched = self._fetched(call, written, manifest)
        if fetched.manifest is not manifest:
            call = call.model_copy(update={"tree": save_manifest(self._store, fetched.manifest)})
        files = StoreFileReader(self._store, fetched.manifest)
        return call, context, fetched, *render_step(written, call.values, files)

    def _fetched(self, call: StepCall, step: Step, manifest: Manifest) -> Fetched:
        """Return the artifacts that a step asks for, and the tree with them in it. Blocks."""
        executor = self._executors[step.type]
        if not step.fetches or (isinstance(executor, StandIn) and executor.stands_in(call)):
            return Fetched([], manifest)
        return fetch_for(self._store, step, call, StoreFileReader(self._store, manifest), manifest)

    async def _shared(self, attempt: Attempt, result: StepResult) -> StepResult:
        """Publish what the step publishes, and say in the result which versions these are, and which it fetched."""
        execution = attempt.execution
        if execution.step.publications and not isinstance(execution.step, ArtifactStep):
            execution.published += await asyncio.to_thread(self._publish, attempt, result)
        if not (execution.published or execution.fetched):
            return result
        versions = {
            "published": [version.shared() for version in execution.published],
            "fetched": [version.shared() for version in execution.fetched],
        }
        return result.model_copy(update=versions)

    def _publish(self, attempt: Attempt, result: StepResult) -> list[ArtifactVersion]:
        manifest = None if result.tree is None else load_manifest(self._store, result.tree)
        files = StoreFileReader(self._store, manifest)
        execution = attempt.execution
        return publish_for(
            self._store, execution.step, attempt.call, attempt.context, result, manifest, files, execution.fetched
        )

    # --- the attempt --------------------------------------------------------------------------------

    async def _execute(self, attempt: Attempt, asked: Asked | None) -> StepResult:
        call = attempt.call
        async with self._checkouts.hold(call.run.execution_id, call.path, call.tree) as folder:
            attempt.execution.workspace = folder
            async with linked(folder, attempt.context.links) as about_links:
                begun = await mark(attempt.execution.scratch) if asked is not None and asked.picks_files else None
                outcome = await self._without_secrets(attempt, folder)
            written = await self._written(attempt, folder, begun)
            outcome = replace(outcome, notes=(*outcome.notes, *about_links))
            manifest = attempt.manifest
            if call.tree is not None:
                manifest = await self._checkouts.snapshot(folder, attempt.manifest)
            result = await self._harvested(attempt, outcome, folder, manifest)
        if asked is None:
            return result
        notes = await self.cache.keep(asked, result, manifest, written)
        return result.model_copy(update={"cache_key": asked.key.digest, "notes": [*result.notes, *notes]})

    async def _written(self, attempt: Attempt, folder: Path, begun: int | None) -> frozenset[str]:
        """Return what the attempt wrote, where somebody needs to know."""
        if begun is None:
            return frozenset()
        return await asyncio.to_thread(written_since, self._store, folder, begun, attempt.manifest)

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
            artifacts=kept_artifacts(self._store, step, folder, None if attempt.call.tree is None else manifest),
            tree=self._kept_tree(attempt, manifest),
            usage=outcome.usage,
            enforced_by=list(outcome.enforced_by),
            notes=[*outcome.notes, *manifest.notes],
        )

    def _kept_tree(self, attempt: Attempt, manifest: Manifest) -> str | None:
        return attempt.call.tree if manifest == attempt.manifest else save_manifest(self._store, manifest)
