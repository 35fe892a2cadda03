"""A run from its start to the last look at it: which it is, where it goes, how to come back to it."""

from collections.abc import Sequence
from pathlib import Path

NO_RUNS = "no runs"
UNKNOWN_RUN_REMEDY = "`perdure list` shows the runs there are"
RERUN_REMEDY = "start it anew with `perdure run`"
NOTHING_TO_RERUN = "nothing is to be done again: the run completed, and nothing else was asked for; nothing was started"
NO_LINKS = "note: `workspace.link` is for the embedded default: on this server's workers nothing is linked"
INTERRUPTED_EARLY = "interrupted before the run was started"


def providers(known: Sequence[str]) -> str:
    """Name the providers."""
    return "there are " + ", ".join(f"`{name}`" for name in known)


def no_folder_to_link(link: str, root: Path) -> str:
    """Say that a folder to link is not there."""
    return f"note: `{link}` is not linked: there is no such folder in `{root}`"


def taken_id(execution_id: str) -> str:
    """Say that an id is in use."""
    return f"a run called `{execution_id}` exists already; nothing was started"


def taken_id_remedy(execution_id: str) -> str:
    """Say what to do about an id in use."""
    return f"choose another `--id`, or look at it: `perdure watch {execution_id}`"


def start_refused(reason: str) -> str:
    """Say that the server did not take the start."""
    return f"the server refused to start the run: {reason}"


def connected(address: str, namespace: str, *, is_embedded: bool) -> str:
    """Say where the run goes."""
    return f"server {address}, namespace {namespace}{' (embedded)' if is_embedded else ''}"


def run_started(execution_id: str, url: str | None) -> str:
    """Say that a run was started."""
    return f"run {execution_id}" + (f"  {url}" if url else "")


def detached(execution_id: str) -> list[str]:
    """Say how to come back to a run."""
    return [
        f"detached; the run goes on: {execution_id}",
        f"  come back: perdure watch {execution_id}",
        f"  end it:    perdure cancel {execution_id}",
    ]


def sign_of_life(running: Sequence[str], undecided: Sequence[str]) -> str:
    """Say what a run is at, where nothing was said for long."""
    told = [f"running: {', '.join(running)}"] if running else []
    told += [f"waits for a decision: {', '.join(undecided)}"] if undecided else []
    return f"still {'; '.join(told) or 'waiting'}"


def still_waiting(execution_id: str, timeout: str) -> list[str]:
    """Say that the time for watching is up."""
    return [f"not ended after {timeout}; the run goes on", f"  come back: perdure watch {execution_id}"]


def still_alive(execution_id: str) -> str:
    """Say that the run that is taken up has not ended."""
    return f"note: {execution_id} has not ended and goes on; what it does from here on is not taken over"


def unknown_run(execution_id: str) -> str:
    """Say that a run does not exist."""
    return f"no run is called `{execution_id}`"


def unknown_step(execution_id: str, step: str) -> str:
    """Say that a run has no such step."""
    return f"`{execution_id}` has no step `{step}`"
