"""`perdure logs`: nothing was printed, or another run printed it."""

from collections.abc import Sequence

NO_LOG = "nothing was printed"


def earlier_log(steps: Sequence[str], run: str, is_kept: bool) -> str:
    """Say which run printed what a later one shows."""
    what = f"`{steps[0]}` was" if len(steps) == 1 else f"`{steps[0]}` to `{steps[-1]}` ({len(steps)} steps) were"
    return f"note: {what} made by the run `{run}` and {'kept' if is_kept else 'found in the cache'}"


def earlier_logs(execution_id: str, count: int) -> str:
    """Say that the logs of steps that a run did not do itself are not among those shown."""
    steps = "1 step was" if count == 1 else f"{count} steps were"
    return f"note: {steps} kept or found in the cache; `perdure logs {execution_id} STEP` has what one printed"
