"""`validate`, `explain`, `graph`: for who writes definitions. No server, no temporalio."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.exit_codes import ExitCode
from client.messages import definition_words
from client.options import json_option
from client.output import Problem, say, write_json
from client.version import version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.checked_files import CheckedFile


FORMATS = ("text", "json", "sarif", "github")


@click.command(short_help="Check definitions; all findings at once.")
@click.argument("definitions", nargs=-1, required=True, metavar="DEFINITION...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="How findings are printed.")
@click.option("--json", "as_json", is_flag=True, help="Short for `--format json`.")
@click.option("--strict", is_flag=True, help="Warnings and lint are refused too.")
@click.option("--no-lint", "without_lint", is_flag=True, help="Leave out advice about what is legal and unwise.")
def validate(definitions: tuple[str, ...], form: str, *, as_json: bool, strict: bool, without_lint: bool) -> ExitCode:
    """Check definitions and test files, and print all that is wrong, doubtful or unwise.

    Exit code 7 where there are errors. `sarif` is for code scanning and editors, `github` makes annotations in
    GitHub Actions.
    """
    from client.checked_files import check_file

    checked = [check_file(name, with_lint=not without_lint) for name in definitions]
    _print("json" if as_json else form, checked)
    refused = [one for one in checked if one.is_refused(strict=strict)]
    for one in checked:
        if one not in refused:
            say(definition_words.valid_file(one.file, one.size, one.counts))
    if refused:
        counts = sum((one.counts for one in refused), Counter[str]())
        say(definition_words.refused_files([one.file for one in refused], counts), style="red")
    return ExitCode.INVALID if refused else ExitCode.SUCCESS


def _print(form: str, checked: Sequence[CheckedFile]) -> None:
    """Print the findings, which are the data here; what two files say of a third is printed once."""
    from definitions import rendering

    findings = list(dict.fromkeys(finding for one in checked for finding in one.diagnostics))
    match form:
        case "json":
            write_json(rendering.render_json(findings))
        case "sarif":
            write_json(rendering.render_sarif(findings, Path.cwd(), version()))
        case "github":
            click.echo(rendering.render_annotations(findings, Path.cwd()), nl=False)
        case _:
            sources = {file: text for one in checked for file, text in one.sources.items()}
            is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
            shown = rendering.render_text(findings, sources, is_coloured)
            click.echo(f"{shown}\n" if shown else "", nl=False)


@click.command(short_help="Explain the code of a finding.")
@click.argument("code", required=False)
@json_option()
def explain(code: str | None, as_json: bool) -> ExitCode:
    """Explain a finding's CODE, such as `unknown-step`; without CODE, list all."""
    from definitions.codes import CODES, find, markdown, suggestion

    if code is None and as_json:
        write_json(
            [{"code": slug, "severity": entry.severity, "title": entry.title} for slug, entry in sorted(CODES.items())]
        )
        return ExitCode.SUCCESS
    if code is None:
        for slug, entry in sorted(CODES.items()):
            click.echo(f"{slug:28} {entry.title}")
        return ExitCode.SUCCESS
    page = find(code)
    if page is None:
        remedy = definition_words.explain_remedy(suggestion(code))
        raise Problem(definition_words.unknown_code(code), code=ExitCode.USAGE, slug="unknown-code", remedy=remedy)
    if as_json:
        write_json({"code": page.slug, "severity": page.severity, "title": page.title, "page": markdown(page)})
    else:
        click.echo(markdown(page).rstrip("\n"))
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
