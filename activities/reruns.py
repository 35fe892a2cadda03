"""Reruns: what is known of the run that is taken up, and what a new run begins with because of it.

    report_of      the earlier run's report: from the store where it has ended, else the run itself is asked
    taken_over     the start input, with what it leaves out taken from the earlier run
    kept_of        the plan: which results are kept

The report is read here, by the worker, and never taken from the start input: whoever may start a run must not be able
to say what somebody approved. The one place beside `fast_forward` that imports `workflows/` (the plan is pure).
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue, ValidationError
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from activities.definition_sources import Resolved, kept
from activities.finish import report_from
from activities.store.interface import BlobMissing, Store
from activities.store.keys import NAME_LIMIT, encode_name, run_key
from definitions.inputs import as_given
from definitions.messages import Prepared, Report, RerunOf, RunInput, WorkspaceInput
from definitions.models import Definition
from definitions.records import Ledger, RunContext
from definitions.statuses import ENDED, Status
from workflows.rerun.plan import Earlier, NoSuchStep, Plan, Wanted, plan_rerun

QUERY_TIME = timedelta(seconds=10)


class NothingKnown(Exception):
    """The earlier run cannot be taken up; `code` is a code of Perdure's."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """An earlier run, as far as a new one needs it."""

    report: Report
    prepared: Prepared
    context: RunContext
    """Its provider, script, agents and the like."""
    library: Mapping[str, Definition]

    @property
    def execution_id(self) -> str:
        """Its id."""
        return self.report.status.execution_id

    @property
    def resolved(self) -> Resolved:
        """Its definition, frozen as it was."""
        return Resolved(Definition.model_validate(self.prepared.definition), self.library)

    @property
    def inputs(self) -> dict[str, JsonValue]:
        """Its inputs, those that were given anew with `resume` included."""
        return {**self.prepared.inputs, **self.report.ledger.inputs}


async def earlier_run(store: Store, client: Client, execution_id: str) -> EarlierRun:
    """Return what is known of a run, live or ended. Raises `NothingKnown`."""
    return await asyncio.to_thread(with_context, store, await report_of(store, client, execution_id))


def with_context(store: Store, report: Report) -> EarlierRun:
    """Return a run whose report is known, with what the store has of it. Raises `NothingKnown`."""
    run, prepared = report.status.execution_id, report.prepared
    if prepared is None:
        raise NothingKnown("not-begun", f"the run `{run}` has not begun: there is nothing to take up")
    try:
        context = RunContext.model_validate_json(store.read_blob(prepared.run.context))
    except (BlobMissing, ValidationError) as error:
        raise NothingKnown("run-lost", f"the store does not have what the run `{run}` was started with") from error
    library = {key: Definition.model_validate(body) for key, body in prepared.library.items()}
    with contextlib.suppress(KeyError):  # it starts no runs of its own
        library = {**kept(store, run), **library}
    return EarlierRun(report, prepared, context, library)


async def report_of(store: Store, client: Client, execution_id: str) -> Report:
    """Return the report of a run. Raises `NothingKnown`."""
    recorded = await asyncio.to_thread(recorded_report, store, execution_id)
    if recorded is not None and recorded.status.status in ENDED:
        return recorded
    try:
        handle = client.get_workflow_handle(execution_id)
        return await report_from(handle, QUERY_TIME)
    except (RPCError, WorkflowQueryFailedError, ValidationError) as error:
        is_unknown = isinstance(error, RPCError) and error.status == RPCStatusCode.NOT_FOUND
        if is_unknown and recorded is not None:  # the namespace has forgotten it: what was last written is all there is
            return recorded
        if is_unknown or (isinstance(error, RPCError) and error.status == RPCStatusCode.INVALID_ARGUMENT):
            raise NothingKnown("unknown-run", f"no run is called `{execution_id}`") from error
        raise NothingKnown("no-worker", f"no worker answers for `{execution_id}`") from error


def recorded_report(store: Store, execution_id: str) -> Report | None:
    """Return the report that was written to the store, None where one of its documents is not there."""
    if len(encode_name(execution_id)) > NAME_LIMIT:
        return None
    texts = [store.read_document(run_key(execution_id, f"{name}.json")) for name in ("run", "ledger", "prepared")]
    status, ledger, prepared = texts
    if status is None or ledger is None or prepared is None:
        return None
    try:
        return Report(
            status=Status.model_validate_json(status),
            ledger=Ledger.model_validate_json(ledger),
            prepared=Prepared.model_validate_json(prepared),
        )
    except ValidationError:  # of another version, or damaged: the run itself may answer
        return None


def taken_over(request: RunInput, earlier: EarlierRun, definition: Definition | None = None) -> RunInput:
    """Return a start input in which what was not given is as it was in the earlier run.

    Args:
        request: The start input of the rerun.
        earlier: The run that is taken up.
        definition: The definition given anew, whose inputs may be others.
    """
    inputs = {
        name: as_given(value)
        for name, value in earlier.inputs.items()
        if definition is None or name in definition.inputs
    }
    variables = {name: value for name, value in earlier.prepared.env.items() if isinstance(value, str)}
    workspace = request.workspace
    if workspace == WorkspaceInput() and earlier.prepared.tree is not None:
        workspace = WorkspaceInput(tree=earlier.prepared.tree, root=earlier.context.workspace_root)
    return request.model_copy(
        update={
            "inputs": {**inputs, **request.inputs},
            "env": {**variables, **request.env},
            "workspace": workspace,
            "provider": request.provider or earlier.context.provider,
            "script": earlier.context.script if request.script is None else request.script,
            "names": request.names if request.definition else earlier.context.names,
            "caller_environment": request.caller_environment or earlier.context.environment,
        }
    )


def kept_of(
    store: Store,
    earlier: EarlierRun,
    wanted: RerunOf,
    definition: Definition,
    library: Mapping[str, Definition],
    *,
    inputs: Mapping[str, JsonValue],
    env: Mapping[str, JsonValue],
) -> Plan:
    """Return the plan of a rerun. Raises `NoSuchStep`."""
    known = Earlier(
        execution_id=earlier.execution_id,
        definition=Definition.model_validate(earlier.prepared.definition),
        ledger=earlier.report.ledger,
        library=earlier.library,
        inputs=earlier.inputs,
        env=earlier.prepared.env,
        error=earlier.report.status.error,
        lost=_lost(store, earlier.report.ledger),
    )
    asked = Wanted(failed=wanted.failed, start=wanted.start)
    return plan_rerun(known, definition, library, asked, inputs=inputs, env=env)


def _lost(store: Store, ledger: Ledger) -> list[str]:
    """Return the paths of records whose files are not in the store any more."""
    trees = {record.tree for record in ledger.records.values() if record.tree is not None}
    gone = {tree for tree in trees if not store.has_blob(tree)}
    return [path for path, record in ledger.records.items() if record.tree in gone]


__all__ = [
    "EarlierRun",
    "NoSuchStep",
    "NothingKnown",
    "as_given",
    "earlier_run",
    "kept_of",
    "recorded_report",
    "report_of",
    "taken_over",
    "with_context",
]
