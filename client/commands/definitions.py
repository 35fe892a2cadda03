"""`definitions`: the folder of definitions as things: list, create, update, delete, show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.exit_codes import ExitCode
from client.messages import folder_words
from client.options import json_option, profile_option
from client.output import Problem, say, write_json, write_table

if TYPE_CHECKING:
    from client.connection import Connection
    from client.definition_folder import Entry

STATES = ("draft", "active")
MOST_RUNS = 20
"""Runs that are looked at in search of a definition that they use, and named."""

_folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where they are; absent: the folder of PERDURE_DEFINITIONS, else `.perdure/definitions`.",
)
_status_option = click.option("--status", type=click.Choice(STATES), help="Write this status into the definition.")


@click.group(invoke_without_command=True, short_help="List and change the definitions of a folder.")
@click.pass_context
def definitions(context: click.Context) -> ExitCode | None:
    """List and change the definitions of a folder: files `ID.workflow.yml`, run by `perdure run ID`."""
    if context.invoked_subcommand is None:
        return context.invoke(list_definitions)
    return None


@definitions.command("list", short_help="List the definitions of the folder.")
@click.option("--status", type=click.Choice(STATES), help="Only these.")
@_folder_option
@json_option()
def list_definitions(status: str | None = None, folder: Path | None = None, *, as_json: bool = False) -> ExitCode:
    """List the definitions of the folder."""
    from client.definition_folder import entries

    lines = [_line(one) for one in entries(_folder(folder))]
    lines = [line for line in lines if status in (None, line["status"])]
    if as_json:
        write_json(lines)
    elif lines:
        keys = ("id", "version", "status", "description")
        write_table([key.upper() for key in keys], ([str(line[key] or "") for key in keys] for line in lines))
    else:
        say(folder_words.NO_DEFINITIONS)
    return ExitCode.SUCCESS


@definitions.command(short_help="Take a definition into the folder.")
@click.argument("file", type=click.Path(path_type=Path))
@_status_option
@_folder_option
@json_option()
def create(file: Path, status: str | None, folder: Path | None, *, as_json: bool) -> ExitCode:
    """Take the definition in FILE into the folder, under its id, which must be new there."""
    from client.definition_folder import create as create_in

    return _tell("created", create_in(_folder(folder), file, status=_state(status)), as_json=as_json)


@definitions.command(short_help="Replace a definition, or its status.")
@click.argument("definition_id", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@_status_option
@_folder_option
@json_option()
def update(
    definition_id: str, file: Path | None, status: str | None, folder: Path | None, *, as_json: bool
) -> ExitCode:
    """Replace the definition ID by the one in FILE; without FILE, change its status."""
    from client import definition_folder

    state = _state(status)
    if file is not None:
        known = definition_folder.update(_folder(folder), definition_id, file, status=state)
    elif state is not None:
        known = definition_folder.set_status(_folder(folder), definition_id, state)
    else:
        raise click.UsageError("there is nothing to change: give FILE, or --status")
    return _tell("updated", known, as_json=as_json)


@definitions.command(short_help="Delete a definition that no run uses.")
@click.argument("definition_id", metavar="ID")
@click.option("--force", is_flag=True, help="Do not ask the server whether runs use it.")
@_folder_option
@profile_option
def delete(definition_id: str, folder: Path | None, profile: str | None, *, force: bool) -> ExitCode:
    """Delete the definition ID. Refused while runs use it, or others of the folder refer to it."""
    from client import definition_folder

    place = _folder(folder)
    definition = definition_folder.entry(place, definition_id).definition
    if not force:
        runs = _runs_that_use(definition.id if definition else definition_id, profile)
        if runs:
            message = folder_words.in_use(definition_id, runs)
            raise Problem(message, code=ExitCode.USAGE, slug="definition-in-use", remedy=folder_words.IN_USE_REMEDY)
    path = definition_folder.delete(place, definition_id)
    say(folder_words.definition_deleted(definition_id, str(path)))
    return ExitCode.SUCCESS


@definitions.command(short_help="Print a definition.")
@click.argument("definition_id", metavar="ID")
@_folder_option
@json_option("Print what is known of it as JSON, with its text.")
def show(definition_id: str, folder: Path | None, *, as_json: bool) -> ExitCode:
    """Print the text of the definition ID."""
    from client.definition_folder import entry

    known = entry(_folder(folder), definition_id)
    if as_json:
        write_json({**_line(known), "text": known.whole.loaded.source})
    else:
        click.echo(known.whole.loaded.source, nl=False)
    return ExitCode.SUCCESS


def _folder(given: Path | None) -> Path:
    from client.definition_folder import folder_of

    return given or folder_of(os.environ, Path())


def _state(status: str | None):
    from client.definition_folder import State

    states: dict[str, State] = {"draft": "draft", "active": "active"}
    return None if status is None else states[status]


def _tell(verb: str, known: Entry, *, as_json: bool) -> ExitCode:
    line = _line(known)
    if as_json:
        write_json(line)
    say(folder_words.definition_written(verb, known.name, str(known.path), str(line["status"])))
    return ExitCode.SUCCESS


def _line(known: Entry) -> dict[str, object]:
    definition = known.definition
    errors = sum(1 for finding in known.whole.diagnostics if finding.severity == "error")
    line: dict[str, object] = {
        "id": known.name,
        "name": definition.name if definition else None,
        "version": definition.version if definition else None,
        "status": definition.status if definition and not errors else "invalid",
        "description": definition.description if definition else None,
        "digest": known.whole.digest if known.whole.definition else None,
        "file": str(known.path),
    }
    return line


def _runs_that_use(definition_id: str, profile: str | None) -> list[str]:
    """Return runs that have not ended and were started from a definition, or have it as a part."""
    from client.connection import run_connected

    async def asked(connection: Connection) -> list[str]:
        from client.runs import runs_with_definition

        return [run async for run in runs_with_definition(connection, definition_id, MOST_RUNS)]

    return run_connected(asked, profile)
