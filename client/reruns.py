"""Taking up an earlier run: what is known of it, the plan of the new one, and its start.

What the plan says is what the worker will do: both make it from the same records with the same code.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from client.exit_codes import ExitCode
from client.messages import run_words
from client.output import Problem
from client.request_files import Source, inputs_given_anew, with_names
from client.runs import no_answer, unknown_run
from client.starting import caller_environment, environment_of, new_execution_id, send_start, user_name
from definitions.messages import Report, RerunOf, RunInput

if TYPE_CHECKING:
    from activities.definition_sources import Resolved
    from activities.reruns import EarlierRun, NothingKnown
    from activities.store.interface import Store
    from client.connection import Connection
    from workflows.rerun.plan import Plan


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks for, checked as far as this machine can without knowing the earlier run."""

    wanted: RerunOf
    source: Source | None = None
    """The definition given anew."""
    assignments: Sequence[str] = ()
    inputs_file: Path | None = None
    execution_id: str | None = None
    provider: str | None = None
    script: dict[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class Rerun:
    """A rerun that is ready to start."""

    earlier: EarlierRun
    resolved: Resolved
    message: RunInput
    plan: Plan

    @property
    def is_idle(self) -> bool:
        """Whether the earlier run ended well, and nothing would be done."""
        return self.earlier.report.status.status == "completed" and not self.plan.again and not self.plan.fresh


async def earlier_of(connection: Connection, execution_id: str) -> EarlierRun:
    """Return what is known of a run: from the store, from the run itself, or from its history alone.

    Raises:
        Problem: there is no such run, or nothing of it can be taken up.
    """
    from activities.reruns import NothingKnown, earlier_run

    try:
        return await earlier_run(connection.store, connection.client, execution_id)
    except NothingKnown as error:
        if error.code != "no-worker":
            raise _problem(execution_id, error) from error
    from client.recall import recalled

    report = await recalled(connection, execution_id)
    if report is None:
        raise no_answer(execution_id)
    return await asyncio.to_thread(_with_context, connection.store, execution_id, report)


def recorded_earlier(store: Store, execution_id: str) -> EarlierRun | None:
    """Return a run that has ended from the store alone, None where that does not have it."""
    from activities.reruns import recorded_report
    from definitions.statuses import ENDED

    report = recorded_report(store, execution_id)
    if report is None or report.status.status not in ENDED:
        return None
    return _with_context(store, execution_id, report)


def make_rerun(store: Store, request: Request, earlier: EarlierRun) -> Rerun:
    """Return a rerun with its plan. Raises `Problem` where inputs do not fit, or no step is as asked for."""
    from activities.definition_sources import Resolved
    from activities.frozen_environment import frozen_environment
    from activities.reruns import NoSuchStep, as_given, kept_of, taken_over
    from definitions.inputs import check_inputs

    source = request.source
    resolved = earlier.resolved
    if source is not None:
        source = with_names(source, Path(), request.provider or earlier.context.provider)
        assert source.whole.definition is not None  # noqa: S101 - it was required to have no errors
        resolved = Resolved(source.whole.definition, source.whole.library, source.whole)
    definition = resolved.definition
    before = {name: as_given(value) for name, value in earlier.inputs.items()}
    given = inputs_given_anew(definition, request.assignments, request.inputs_file, before)
    message = _message(request, source, given, resolved, earlier)
    full = taken_over(message, earlier, None if source is None else definition)
    inputs = {
        name: earlier.inputs[name] if before.get(name) == value and name in earlier.inputs else value
        for name, value in check_inputs(definition, full.inputs)[0].items()
    }
    env = frozen_environment(definition, full.env, resolved.library.values())
    try:
        plan = kept_of(store, earlier, request.wanted, definition, resolved.parts, inputs=inputs, env=env)
    except NoSuchStep as error:
        raise Problem(error.message, code=ExitCode.USAGE, slug="unknown-step", remedy=error.remedy) from error
    return Rerun(earlier, resolved, message, plan)


async def start_rerun(connection: Connection, request: Request, rerun: Rerun) -> str:
    """Start a rerun; return its execution id. Raises `Problem` where the id is taken, or the server refuses."""
    definition = rerun.resolved.definition
    message = rerun.message
    if connection.endpoint.is_embedded:
        message = message.model_copy(update={"caller_environment": caller_environment()})
    execution_id = request.execution_id or new_execution_id(definition.id)
    await send_start(connection, execution_id, message, definition)
    return execution_id


def _message(
    request: Request,
    source: Source | None,
    given: dict[str, JsonValue],
    resolved: Resolved,
    earlier: EarlierRun,
) -> RunInput:
    """Return the start input: only what is given anew; the worker takes the rest from the earlier run."""
    message = RunInput(
        inputs=given,
        starter=user_name(),
        provider=request.provider,
        script=request.script,
        rerun_of=request.wanted,
    )
    if source is None:
        return message
    used = environment_of(resolved.definition, os.environ, resolved.library.values())
    variables = {name: value for name, value in used.items() if name not in earlier.prepared.env}
    return message.model_copy(update={"definition": source.reference, "names": source.names, "env": variables})


def _with_context(store: Store, execution_id: str, report: Report) -> EarlierRun:
    from activities.reruns import NothingKnown, with_context

    try:
        return with_context(store, report)
    except NothingKnown as error:
        raise _problem(execution_id, error) from error


def _problem(execution_id: str, error: NothingKnown) -> Problem:
    if error.code == "unknown-run":
        return unknown_run(execution_id)
    return Problem(error.message, code=ExitCode.FAILED, slug=error.code, remedy=run_words.RERUN_REMEDY)
