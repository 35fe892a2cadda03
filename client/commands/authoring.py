"""`init`, `validate`, `explain`, `schema`, `graph`: for who writes definitions. No server, no temporalio."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client import messages
from client.exit_codes import ExitCode
from client.options import json_option
from client.output import Problem, say, write_json
from client.version import version

if TYPE_CHECKING:
    from definitions.loader import Loaded
    from definitions.steps import Step


FORMATS = ("text", "json", "sarif", "github")


@click.command(short_help="Check definitions; all findings at once.")
@click.argument("definitions", nargs=-1, required=True, metavar="DEFINITION...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="How findings are printed.")
@click.option("--json", "as_json", is_flag=True, help="Short for `--format json`.")
@click.option("--strict", is_flag=True, help="Warnings and lint are refused too.")
@click.option("--no-lint", "without_lint", is_flag=True, help="Leave out advice about what is legal and unwise.")
def validate(definitions: tuple[str, ...], form: str, *, as_json: bool, strict: bool, without_lint: bool) -> ExitCode:
    """Check definitions and print all that is wrong, doubtful or unwise. Exit code 7 where there are errors.

    `sarif` is for code scanning and editors, `github` makes annotations in GitHub Actions.
    """
    from client.request_files import load_definition

    found = [load_definition(name, with_lint=not without_lint) for name in definitions]
    checked = [_Checked(file, loaded, strict) for loaded, file in found]
    _print("json" if as_json else form, checked)
    _say_verdicts(checked)
    return ExitCode.INVALID if any(one.is_refused for one in checked) else ExitCode.SUCCESS


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file that was looked at."""

    file: str
    loaded: Loaded
    is_strict: bool

    @property
    def counts(self) -> Counter[str]:
        """Return how many findings there are, by severity."""
        return Counter(finding.severity for finding in self.loaded.diagnostics)

    @property
    def is_refused(self) -> bool:
        """Whether the file is not taken as it is."""
        return self.loaded.definition is None or (self.is_strict and bool(self.loaded.diagnostics))


def _print(form: str, checked: list[_Checked]) -> None:
    """Print the findings, which are the data here."""
    from definitions import rendering

    findings = [finding for one in checked for finding in one.loaded.diagnostics]
    match form:
        case "json":
            write_json(rendering.render_json(findings))
        case "sarif":
            write_json(rendering.render_sarif(findings, Path.cwd(), version()))
        case "github":
            click.echo(rendering.render_annotations(findings, Path.cwd()), nl=False)
        case _:
            sources = {one.file: one.loaded.source for one in checked}
            is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
            shown = rendering.render_text(findings, sources, is_coloured)
            click.echo(f"{shown}\n" if shown else "", nl=False)


def _say_verdicts(checked: list[_Checked]) -> None:
    for one in checked:
        if one.loaded.definition and not one.is_refused:
            say(messages.valid_definition(one.file, _count(one.loaded.definition.steps), one.counts))
    refused = [one for one in checked if one.is_refused]
    if refused:
        counts = sum((one.counts for one in refused), Counter[str]())
        say(messages.refused_definition([one.file for one in refused], counts), style="red")


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
