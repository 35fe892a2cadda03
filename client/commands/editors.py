"""`init` and `schema`: what editors and coding agents need to help who writes definitions. No server, no temporalio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.exit_codes import ExitCode
from client.messages import definition_words, file_words
from client.output import Problem, say, write_json

if TYPE_CHECKING:
    from client.first_files import FirstFile


@click.command(short_help="Print the JSON Schema of definitions.")
@click.option("--tests", "of_tests", is_flag=True, help="The schema of test files (NAME.test.yaml) instead.")
@click.option("--llms", "as_page", is_flag=True, help="The whole language on one page instead, for coding agents.")
def schema(of_tests: bool, as_page: bool) -> ExitCode:
    """Print the JSON Schema of definitions, for editors.

    With `--llms`, print llms.txt: all that a coding agent needs to write definitions and their tests.
    """
    if of_tests and as_page:
        raise click.UsageError("--tests and --llms exclude each other")
    if as_page:
        from definitions.llms import page

        click.echo(page().rstrip("\n"))
        return ExitCode.SUCCESS
    from definitions.schema import cases_schema, json_schema

    write_json(cases_schema() if of_tests else json_schema())
    return ExitCode.SUCCESS


@click.command(short_help="Write a first definition, its tests and the editor's settings.")
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]")
def init(folder: Path) -> ExitCode:
    """Write a small definition with comments and its tests to DIR, and what editors complete and check with.

    What is there already is left as it is: settings of VS Code are added to, schemas of an older Perdure renewed.
    """
    from client.first_files import first_files

    try:
        for file in first_files(folder):
            _write(file)
    except OSError as error:
        message = file_words.unwritable(folder, error.strerror or str(error))
        raise Problem(message, slug="unwritable") from error
    shown = folder / "hello.yaml"
    say(definition_words.try_it(shown if shown.is_absolute() or len(shown.parts) > 1 else Path("./hello.yaml")))
    return ExitCode.SUCCESS


def _write(file: FirstFile) -> None:
    file.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.path.open("x", encoding="utf-8") as stream:
            stream.write(file.content)
    except FileExistsError:
        _renew(file)
        return
    click.echo(str(file.path))


def _renew(file: FirstFile) -> None:
    from client.settings_files import NotSettingsError
    from client.whole_files import write_whole

    try:
        with file.path.open(encoding="utf-8", newline="") as stream:
            there = stream.read()
        wanted = file.renewed(there)
    except (NotSettingsError, UnicodeDecodeError) as error:
        say(file_words.cannot_add(file.path, str(error), file.content))
        return
    if wanted == there:
        say(file_words.exists_already(file.path))
        return
    write_whole(file.path.resolve(), wanted)
    click.echo(str(file.path))
