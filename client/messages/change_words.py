"""The files of a run: `perdure diff`, `perdure apply`, and branches made of what it changed."""

from pathlib import Path
from typing import TYPE_CHECKING

from client.messages import amount_words

if TYPE_CHECKING:
    from definitions.statuses import Status

NO_CHANGES = "the run changed no files"
NO_WORKSPACE = "the run has no files: its definition says `workspace: {from: none}`, or it has not begun"
NOTHING_TO_APPLY = "nothing to apply: the folder has all that the run changed"
ONE_FORM = "give one of `--stat`, `--name-only` and `--json`"


def no_changes_by(step: str) -> str:
    """Say that a step changed nothing."""
    return f"the step `{step}` changed no files"


def step_without_files(step: str, state: str) -> str:
    """Say that a step has no files of its own to show."""
    return f"the step `{step}` is {state.replace('_', ' ')}: only a completed step has changes to show"


def applied(count: int, folder: Path) -> str:
    """Say that changes were taken."""
    return f"{count} {'path' if count == 1 else 'paths'} changed in `{folder}`"


def merged_path(path: str) -> str:
    """Say that a text holds changes of both sides."""
    return f"merged `{path}`"


def branch_made(name: str, commit: str, count: int) -> str:
    """Say that a branch was made, and how to look at it."""
    changed = amount_words.plural(count, "path", "paths")
    return f"branch `{name}` made: commit {commit[:12]} changes {changed}; `git diff HEAD...{name}` shows it"


def commit_message(status: "Status") -> str:
    """Return the message of a commit with what a run changed."""
    name, run = status.definition_name or status.definition_id, status.execution_id
    return f"Changes by {name}\n\nMade by the run {run} of Perdure.\n\nPerdure-Run: {run}\n"
