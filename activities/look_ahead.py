"""Looking ahead: a step that came from the cache in the midst of a run brings what comes after it, too.

    a miss runs  ->  the next step's activity finds a hit  ->  it asks its own run for the ledger, and fast-forwards

`prepare` does the same before the first step. A step behind a miss that is a hit all the same shows that the cache
goes on beyond it; then one activity answers for all that follows, and costs the run nothing more. What cannot be had
(the run does not answer, it is long, nothing is found) is no loss. After looks in vain a run is asked less and less.
"""

import contextlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from activities.fast_forward import FastForward
from definitions.errors import StepFailure
from definitions.messages import PartQuery, Report
from definitions.records import StepCall, StepRecord, StepResult

QUERY_TIME = timedelta(seconds=2)
MOST_RECORDS = 1000
"""A longer ledger is not asked for at each hit."""
KNOWN_RUNS = 200


@dataclass(slots=True)
class Luck:
    """How it went with a run."""

    is_looking: bool = False
    in_vain: int = 0
    to_skip: int = 0


class LookAhead:
    """What the cache has for the steps after one that it had."""

    def __init__(self, client: Client, forward: FastForward) -> None:
        self._client = client
        self._forward = forward
        self._runs: OrderedDict[str, Luck] = OrderedDict()

    async def with_found(self, call: StepCall, result: StepResult) -> StepResult:
        """Return a step's result, with what was found behind it."""
        if not result.cached or (luck := self._luck(call.run.execution_id)) is None:
            return result
        luck.is_looking = True
        try:
            found = await self._found(call, result)
        finally:
            luck.is_looking = False
        if found is None:
            luck.in_vain += 1
            luck.to_skip = 2**luck.in_vain
            return result
        luck.in_vain = 0
        return result.model_copy(update={"found": found})

    def _luck(self, execution_id: str) -> Luck | None:
        """Return how it went with a run, None where it is not to be asked now."""
        luck = self._runs.setdefault(execution_id, Luck())
        self._runs.move_to_end(execution_id)
        if len(self._runs) > KNOWN_RUNS:
            self._runs.popitem(last=False)
        if luck.is_looking:
            return None
        if luck.to_skip > 0:
            luck.to_skip -= 1
            return None
        return luck

    async def _found(self, call: StepCall, result: StepResult) -> dict[str, StepRecord] | None:
        with contextlib.suppress(RPCError, WorkflowQueryFailedError, ValidationError, StepFailure):
            handle = self._client.get_workflow_handle(call.run.execution_id)
            part = PartQuery(limit=MOST_RECORDS)
            report = await handle.query("report", part, result_type=Report, rpc_timeout=QUERY_TIME)
            if len(report.ledger.records) < MOST_RECORDS:
                return await self._forward.onward(report, call, result)
        return None
