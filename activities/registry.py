"""All activities of a worker, made once with what they need; light ones, and those of the agent queue."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from temporalio import activity
from temporalio.client import Client

from activities.attempts import beating, reported
from activities.definition_sources import DefinitionPolicy
from activities.evaluate import evaluate
from activities.executors.agent import AgentExecutor
from activities.executors.artifact import ArtifactExecutor
from activities.executors.interface import Executor
from activities.executors.plugin import PluginExecutor
from activities.executors.shell import ShellExecutor
from activities.fast_forward import FastForward
from activities.finish import finish
from activities.heavy_trees import merged_tree
from activities.items import items
from activities.leftovers import CHECKOUTS, SCRATCH
from activities.locks import ask_lock, find_gone
from activities.look_ahead import LookAhead
from activities.prepare import Preparation
from activities.run_step import StepRunner
from activities.secrets.sources import Secrets
from activities.start_run import start_run
from activities.step_cache import StepCache
from activities.store.interface import Store
from activities.store.patience import PatientStore, Vigil
from activities.workspace.checkouts import Checkouts
from definitions.locks import AskCall, Gone, GoneCall
from definitions.messages import CancelCall, FinishCall, PrepareCall, Prepared
from definitions.records import (
    EvaluateCall,
    EvaluateResult,
    Items,
    ItemsCall,
    MergeCall,
    MergeResult,
    StartedRun,
    StartRunCall,
    StepCall,
    StepResult,
)
from definitions.steps import STEP_MODELS, PluginStep
from definitions.trust import TRUSTED, Trust

Activity = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ActivitySettings:
    """What a worker may do."""

    definitions: DefinitionPolicy = field(default_factory=DefinitionPolicy)
    secrets: Secrets = field(default_factory=Secrets)
    """Where the values of secrets are found; nowhere, unless said."""
    vigil: Vigil = field(default_factory=Vigil)
    """How long steps wait for a store that does not answer."""
    trust: Trust = TRUSTED
    """How far what this worker caches is trusted."""


def activities(
    store: Store,
    work: Path,
    client: Client,
    settings: ActivitySettings,
    executors: Mapping[str, Executor] | None = None,
) -> tuple[list[Activity], list[Activity]]:
    """Return the activities of the two task queues: light, agent.

    Args:
        store: Where blobs, records and documents are.
        work: A folder of this worker's own, for checkouts and scratch files.
        client: To ask runs for their report, and to cancel them.
        settings: What the worker may do.
        executors: What runs the steps, by type; tests of definitions have their own.
    """
    scratch = work / SCRATCH
    scratch.mkdir(parents=True, exist_ok=True)
    executors = built_in_executors() if executors is None else executors
    store = PatientStore(store, settings.vigil)

    checkouts = Checkouts(work / CHECKOUTS, store)
    cache = StepCache(store, trust=settings.trust)
    runner = StepRunner(store, checkouts, scratch, executors, settings.secrets, cache)
    forward = FastForward(store, runner)
    preparation = Preparation(store, client, settings.definitions, forward, scratch)
    ahead = LookAhead(client, forward)
    by_queue: dict[str, list[Activity]] = {"none": [], "light": [], "agent": []}
    for model in (*STEP_MODELS, PluginStep):
        kind = str(get_args(model.model_fields["type"].annotation)[0])
        if kind in executors:
            by_queue[model.queue].append(_step_activity(kind, runner, ahead, settings.vigil))
    light = [*by_queue["light"], *_bookkeeping(store, checkouts, client, preparation, cache, settings.vigil)]
    return light, by_queue["agent"]


def built_in_executors() -> dict[str, Executor]:
    """Return what runs the steps that have an effect, by type."""
    return {
        "shell": ShellExecutor(),
        "agent": AgentExecutor(),
        "artifact": ArtifactExecutor(),
        "plugin": PluginExecutor(),
    }


def _step_activity(kind: str, runner: StepRunner, ahead: LookAhead, vigil: Vigil) -> Activity:
    @activity.defn(name=kind)
    async def attempt(call: StepCall) -> StepResult:
        details = activity.info().heartbeat_details
        with reported(call.path):
            async with beating(vigil) as beat:
                result = await runner.run(call, beat, details[0] if details else None)
                return await ahead.with_found(call, result)

    return attempt


def _bookkeeping(
    store: Store,
    checkouts: Checkouts,
    client: Client,
    preparation: Preparation,
    cache: StepCache,
    vigil: Vigil,
) -> list[Activity]:
    @activity.defn(name="prepare")
    async def prepare(call: PrepareCall) -> Prepared:
        with reported("prepare"):
            async with beating(vigil):
                return await preparation.prepare(call)

    @activity.defn(name="finish")
    async def finish_run(call: FinishCall) -> None:
        async with beating(vigil):
            await finish(store, checkouts, client, call)
            await asyncio.to_thread(cache.counts.flush)

    @activity.defn(name="evaluate")
    async def evaluate_expressions(call: EvaluateCall) -> EvaluateResult:
        with reported(call.path):
            async with beating(vigil):
                return await evaluate(store, call)

    @activity.defn(name="items")
    async def window_of_items(call: ItemsCall) -> Items:
        with reported(call.path):
            async with beating(vigil):
                return await items(store, call)

    @activity.defn(name="merge")
    async def merge_branches(call: MergeCall) -> MergeResult:
        with reported(call.path):
            async with beating(vigil):
                return MergeResult(
                    tree=await asyncio.to_thread(merged_tree, store, call.base, call.branches, texts=call.texts)
                )

    @activity.defn(name="start_run")
    async def start_other_run(call: StartRunCall) -> StartedRun:
        with reported(call.path):
            async with beating(vigil):
                return await start_run(store, client, call)

    @activity.defn(name="request_cancel")
    async def request_cancel(call: CancelCall) -> None:
        await client.get_workflow_handle(call.execution_id).cancel()

    @activity.defn(name="ask_lock")
    async def ask_for_turn(call: AskCall) -> None:
        await ask_lock(client, call, activity.info().task_queue)

    @activity.defn(name="find_gone")
    async def find_gone_claims(call: GoneCall) -> Gone:
        return await find_gone(client, call)

    return [
        prepare,
        finish_run,
        evaluate_expressions,
        window_of_items,
        merge_branches,
        start_other_run,
        request_cancel,
        ask_for_turn,
        find_gone_claims,
    ]
