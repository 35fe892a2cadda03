"""`init`, `validate`, `explain`, `schema`, `graph`: for who writes definitions. No server, no temporalio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from client import messages
from client.exit_codes import ExitCode
from client.options import json_option
from client.output import Problem, say, write_json

if TYPE_CHECKING:
    from definitions.loader import Loaded
    from definitions.steps import Step


@click.command(short_help="Check definitions; all findings at once.")
@click.argument("definitions", nargs=-1, required=True, metavar="DEFINITION...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How findings are printed.")
@click.option("--json", "as_json", is_flag=True, help="Short for `--format json`.")
def validate(definitions: tuple[str, ...], form: str, as_json: bool) -> ExitCode:
    """Check definitions and print all that is wrong or doubtful. Exit code 7 where there are errors."""
    from client.request_files import load_definition

    checked = [(file, loaded) for loaded, file in map(load_definition, definitions)]
    if as_json or form == "json":
        _print_json(checked)
    else:
        _print_text(checked)
    return ExitCode.SUCCESS if all(loaded.definition for _, loaded in checked) else ExitCode.INVALID


def _print_json(checked: list[tuple[str, Loaded]]) -> None:
    from definitions.rendering import render_json

    write_json([finding for _, loaded in checked for finding in render_json(loaded.diagnostics)])


def _print_text(checked: list[tuple[str, Loaded]]) -> None:
    """Print findings, which are the data here, to stdout; the verdicts are messages."""
    import os
    import sys

    from definitions.rendering import render_text

    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    errors, wrong = 0, list[str]()
    for file, loaded in checked:
        if loaded.diagnostics:
            click.echo(render_text(loaded.diagnostics, {file: loaded.source}, is_coloured).rstrip("\n") + "\n")
        found = sum(1 for finding in loaded.diagnostics if finding.severity == "error")
        if loaded.definition is None:
            errors += found
            wrong.append(file)
        else:
            say(messages.valid_definition(file, _count(loaded.definition.steps), len(loaded.diagnostics) - found))
    if wrong:
        say(messages.invalid_definition(wrong, errors), style="red")


def _count(steps: list[Step]) -> int:
    from definitions.steps import GroupStep

    return sum(1 + (_count(step.steps) if isinstance(step, GroupStep) else 0) for step in steps)


@click.command(short_help="Explain the code of a finding.")
@click.argument("code", required=False)
@json_option()
def explain(code: str | None, as_json: bool) -> ExitCode:
    """Explain a finding's CODE, such as `unknown-step`; without CODE, list all."""
    from definitions.codes import CODES, find, markdown, suggestion

    if code is None and as_json:
        write_json([{"code": slug, "title": entry.title} for slug, entry in sorted(CODES.items())])
        return ExitCode.SUCCESS
    if code is None:
        for slug, entry in sorted(CODES.items()):
            click.echo(f"{slug:28} {entry.title}")
        return ExitCode.SUCCESS
    page = find(code)
    if page is None:
        remedy = messages.explain_remedy(suggestion(code))
        raise Problem(messages.unknown_code(code), code=ExitCode.USAGE, slug="unknown-code", remedy=remedy)
    if as_json:
        write_json({"code": page.slug, "title": page.title, "page": markdown(page)})
    else:
        click.echo(markdown(page).rstrip("\n"))
    return ExitCode.SUCCESS


@click.command(short_help="Print the JSON Schema of definitions.")
def schema() -> ExitCode:
    """Print the JSON Schema of definitions, for editors."""
    from definitions.schema import json_schema

    write_json(json_schema())
    return ExitCode.SUCCESS


@click.command(short_help="Print a definition as a Mermaid graph.")
@click.argument("definition")
@json_option("Print an object with the graph as `mermaid`.")
def graph(definition: str, as_json: bool) -> ExitCode:
    """Print DEFINITION as a Mermaid graph."""
    from client.request_files import require_definition
    from definitions.graph import mermaid

    text = mermaid(require_definition(definition).definition).rstrip("\n")
    if as_json:
        write_json({"mermaid": text})
    else:
        click.echo(text)
    return ExitCode.SUCCESS


@click.command(short_help="Write a first definition and the editor's schema.")
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]")
def init(folder: Path) -> ExitCode:
    """Write a small definition with comments to DIR, and the schema that editors complete and check with.

    What is there already is left as it is.
    """
    from client.first_files import first_files

    try:
        for path, content in first_files(folder).items():
            _write(path, content)
    except OSError as error:
        message = messages.unwritable(folder, error.strerror or str(error))
        raise Problem(message, slug="unwritable") from error
    shown = folder / "hello.yaml"
    say(messages.try_it(shown if shown.is_absolute() or len(shown.parts) > 1 else Path("./hello.yaml")))
    return ExitCode.SUCCESS


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(content)
    except FileExistsError:
        say(messages.exists_already(path))
        return
    click.echo(str(path))
