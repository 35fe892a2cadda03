"""`diff` and `apply`: what a run made of the files, and taking it. The store alone is read where the run has ended."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client import messages
from client.exit_codes import ExitCode
from client.options import json_option, profile_option, run_argument
from client.output import Problem, one_line, plain, say, write_json

if TYPE_CHECKING:
    from client.file_changes import Trees


@click.command(short_help="Show what a run changed in the files.")
@run_argument
@click.option("--stat", is_flag=True, help="Print paths only, with what became of them.")
@json_option("Print the changed paths as JSON.")
@profile_option
def diff(execution_id: str, stat: bool, as_json: bool, profile: str | None) -> ExitCode:
    """Show what the run ID changed in the files, as a unified diff against what it began with."""
    from client.file_changes import changed_paths, text_of

    trees = _trees(execution_id, profile)
    changes = changed_paths(trees)
    if as_json:
        write_json([{"path": path, "change": change} for path, change in changes])
    elif not changes:
        say(messages.NO_CHANGES)
    elif stat:
        for path, change in changes:
            click.echo(f"{change:9} {one_line(path, 400)}")
    else:
        text = text_of(trees)
        click.echo(plain(text) if _is_terminal() else text, nl=False)
    return ExitCode.SUCCESS


@click.command(short_help="Take what a run changed into a folder.")
@run_argument
@click.option(
    "--workspace", type=click.Path(path_type=Path), default=".", show_default=True, help="The folder to change."
)
@json_option("Print the paths written as JSON.")
@profile_option
def apply(execution_id: str, workspace: Path, as_json: bool, profile: str | None) -> ExitCode:
    """Take what the run ID changed into a folder.

    Where a file was changed there meanwhile, the paths are named and nothing is touched.
    """
    from client.file_changes import apply_changes

    if not workspace.is_dir():
        raise Problem(messages.no_folder(workspace), code=ExitCode.USAGE, slug="no-such-folder")
    written = apply_changes(_trees(execution_id, profile), workspace)
    if as_json:
        write_json(written)
    else:
        say(messages.applied(len(written), workspace) if written else messages.NOTHING_TO_APPLY)
    return ExitCode.SUCCESS


def _trees(execution_id: str, profile: str | None) -> Trees:
    from client.file_changes import trees_of
    from client.recorded import status_and_store

    status, store = status_and_store(execution_id, profile)
    return trees_of(status, store)


def _is_terminal() -> bool:
    return sys.stdout.isatty()
