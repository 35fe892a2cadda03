"""`catalog`: the ready-made definitions."""

from __future__ import annotations

import click

from client.exit_codes import ExitCode
from client.messages import definition_words
from client.options import json_option
from client.output import Problem, write_json, write_table


@click.group(invoke_without_command=True, short_help="List and show the ready-made definitions.")
@json_option()
@click.pass_context
def catalog(context: click.Context, as_json: bool) -> ExitCode | None:
    """List and show the ready-made definitions; `perdure run NAME` runs one."""
    if context.invoked_subcommand is None:
        return context.invoke(list_catalog, as_json=as_json)
    return None


@catalog.command("list", short_help="List the definitions of the catalog.")
@json_option()
def list_catalog(as_json: bool) -> ExitCode:
    """List the definitions of the catalog."""
    entries = [_entry(name) for name in _names()]
    if as_json:
        write_json(entries)
    else:
        cells = ((str(entry["name"]), str(entry["description"] or "")) for entry in entries)
        write_table(("NAME", "DESCRIPTION"), cells)
    return ExitCode.SUCCESS


@catalog.command(short_help="Print a definition of the catalog.")
@click.argument("name")
@json_option("Print name, description and inputs as JSON.")
def show(name: str, as_json: bool) -> ExitCode:
    """Print the text of the definition NAME."""
    from definitions.catalog import read
    from definitions.suggestions import closest

    if name not in _names():
        remedy = definition_words.catalog_remedy(name, closest(name, _names()))
        message = definition_words.unknown_catalog_name(name)
        raise Problem(message, code=ExitCode.USAGE, slug="unknown-definition", remedy=remedy)
    if as_json:
        write_json(_entry(name))
    else:
        click.echo(read(name)[0], nl=False)
    return ExitCode.SUCCESS


def _names() -> list[str]:
    from definitions.catalog import names

    return names()


def _entry(name: str) -> dict[str, object]:
    from definitions.catalog import read
    from definitions.loader import require

    definition = require(*read(name))
    inputs = {key: value.model_dump(mode="json", exclude_none=True) for key, value in definition.inputs.items()}
    return {"name": name, "version": definition.version, "description": definition.description, "inputs": inputs}
