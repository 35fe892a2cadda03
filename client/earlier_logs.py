"""Logs of steps that a run did not do itself: kept from an earlier run by a rerun, or found in the cache.

Their records say where the log is, in the folder of the run that printed it. Where the insides of what was kept have
been put away, the run that it was kept from has them under the same path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from activities.store.keys import run_key
from client.step_logs import Chunk, chunks_under, is_within, log_chunks
from definitions.records import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from activities.store.interface import Store
    from definitions.records import StepRecord
    from definitions.statuses import StepStatus


@dataclass(frozen=True, slots=True)
class EarlierLog:
    """What a step printed in an earlier run."""

    step: str
    run: str
    is_kept: bool
    """Whether a rerun kept the step; otherwise it came from the cache."""
    chunks: list[Chunk]


def recorded_steps(store: Store, execution_id: str) -> Mapping[str, StepRecord] | None:
    """Return the steps of a run as the store has them, None where it has nothing yet."""
    text = store.read_document(run_key(execution_id, "ledger.json"))
    return None if text is None else Ledger.model_validate_json(text).records


def earlier_logs(
    store: Store, execution_id: str, step: str | None, steps: Mapping[str, StepRecord] | Mapping[str, StepStatus]
) -> list[EarlierLog]:
    """Return the logs that the steps of a run, or those at or in one step, have in earlier runs."""
    found: list[EarlierLog] = []
    for path, record in steps.items():
        place = None if record.log is None or not is_within(path, step) else _place(record.log)
        if place is None or place[0] == execution_id:
            continue
        run, attempt = place
        chunks = chunks_under(store, f"{record.log}/", path, attempt)
        found.append(EarlierLog(path, run, record.kept_from is not None, chunks))
    if not found and step is not None and (origin := _kept_around(step, steps)) is not None:
        found.append(EarlierLog(step, origin, is_kept=True, chunks=log_chunks(store, origin, step)))
    return [log for log in found if log.chunks]


def _place(log: str) -> tuple[str, int] | None:
    """Return the run and the attempt of a log's key, `runs/ID/logs/PATH/ATTEMPT`."""
    match log.split("/"):
        case ["runs", run, "logs", _, attempt] if attempt.isdigit():
            return unquote(run), int(attempt)
        case _:
            return None


def _kept_around(step: str, steps: Mapping[str, StepRecord] | Mapping[str, StepStatus]) -> str | None:
    """Return the run from which the step was kept, or what it is in and has been put away with."""
    around = [path for path in steps if is_within(step, path)]
    return steps[max(around, key=len)].kept_from if around else None
