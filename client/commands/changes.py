"""`diff` and `apply`: what a run made of the files, and taking it. The store alone is read where the run has ended."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.exit_codes import ExitCode
from client.messages import change_words, file_words
from client.options import json_option, profile_option, run_argument
from client.output import Problem, one_line, plain, say, write_json

if TYPE_CHECKING:
    from activities.store.interface import Store
    from client.file_changes import Trees
    from definitions.statuses import Status


@click.command(short_help="Show what a run changed in the files.")
@run_argument
@click.argument("step", required=False)
@click.option("--stat", is_flag=True, help="Print how much changed in each file, and the sums.")
@click.option("--name-only", is_flag=True, help="Print paths only.")
@json_option("Print the changed files as JSON.")
@profile_option
def diff(
    execution_id: str, step: str | None, stat: bool, name_only: bool, as_json: bool, profile: str | None
) -> ExitCode:
    """Show what the run ID changed in the files, or one STEP of it, as a unified diff against what it began with."""
    from client import file_changes

    if stat + name_only + as_json > 1:
        raise Problem(change_words.ONE_FORM, code=ExitCode.USAGE)
    status, store = _recorded(execution_id, profile)
    trees = file_changes.trees_of(status, store, step)
    changes = file_changes.changed_files(trees)
    if as_json:
        write_json([file_changes.as_row(count) for count in file_changes.counts(trees)])
    elif not changes:
        say(change_words.NO_CHANGES if step is None else change_words.no_changes_by(step))
    elif stat:
        click.echo("\n".join(file_changes.stat_lines(file_changes.counts(trees))))
    elif name_only:
        for change in changes:
            click.echo(one_line(change.path, 4096) if _is_terminal() else change.path.encode(errors="surrogateescape"))
    else:
        text = file_changes.text_of(trees)
        click.echo(plain(text) if _is_terminal() else text.encode(errors="surrogateescape"), nl=False)
    return ExitCode.SUCCESS


@click.command(short_help="Take what a run changed into a folder.")
@run_argument
@click.option(
    "--workspace", type=click.Path(path_type=Path), default=".", show_default=True, help="The folder to change."
)
@click.option("--merge", is_flag=True, help="Merge texts that were changed there too; conflicts are refused.")
@click.option("--branch", metavar="NAME", help="Make a git branch with a commit instead; the folder is not touched.")
@json_option("Print the paths written as JSON.")
@profile_option
def apply(
    execution_id: str, workspace: Path, merge: bool, branch: str | None, as_json: bool, profile: str | None
) -> ExitCode:
    """Take what the run ID changed into a folder, or onto a git branch.

    Where a file was changed there meanwhile, the paths are named and nothing is touched.
    """
    from client.file_changes import trees_of

    if not workspace.is_dir():
        raise Problem(file_words.no_folder(workspace), code=ExitCode.USAGE, slug="no-such-folder")
    status, store = _recorded(execution_id, profile)
    trees = trees_of(status, store)
    if branch is not None:
        _make_branch(trees, status, workspace, branch, merges=merge, as_json=as_json)
    else:
        _apply(trees, workspace, merges=merge, as_json=as_json)
    return ExitCode.SUCCESS


def _apply(trees: Trees, workspace: Path, *, merges: bool, as_json: bool) -> None:
    from client.file_changes import apply_changes, shown

    applied = apply_changes(trees, workspace, merges=merges)
    if as_json:
        write_json(shown(applied.written))
        return
    say(change_words.applied(len(applied.written), workspace) if applied.written else change_words.NOTHING_TO_APPLY)
    for path in applied.merged:
        say(change_words.merged_path(one_line(path)))


def _make_branch(trees: Trees, status: Status, workspace: Path, name: str, *, merges: bool, as_json: bool) -> None:
    from client.file_changes import changed_files, make_branch, shown

    if not changed_files(trees):
        if as_json:
            write_json({"branch": None, "commit": None, "paths": []})
        else:
            say(change_words.NO_CHANGES)
        return
    made = make_branch(trees, workspace, name, change_words.commit_message(status), merges=merges)
    if as_json:
        write_json({"branch": made.name, "commit": made.commit, "paths": shown(made.changed)})
        return
    say(change_words.branch_made(made.name, made.commit, len(made.changed)))
    for path in made.merged:
        say(change_words.merged_path(one_line(path)))


def _recorded(execution_id: str, profile: str | None) -> tuple[Status, Store]:
    from client.recorded import status_and_store

    return status_and_store(execution_id, profile)


def _is_terminal() -> bool:
    return sys.stdout.isatty()
