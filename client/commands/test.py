"""`test`: play the cases of test files and say which expectations were not met. Level *plan* needs no server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.exit_codes import ExitCode
from client.messages import definition_words, file_words, testing_words
from client.options import json_option
from client.output import Problem, coloured, plain, say, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client.testing.collecting import Collected
    from client.testing.results import CaseResult, FileResult
    from definitions.cases.models import Case


@click.command(short_help="Test definitions by their *.test.yaml files.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("-k", "named", metavar="TEXT", help="Only cases whose name contains TEXT.")
@click.option("--level", type=click.Choice(["plan", "simulated", "real"]), help="Only cases of this level.")
@click.option("--minimum", type=click.FloatRange(0, 100), metavar="N", help="Fail below N% coverage of a definition.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH", help="Write JUnit XML too.")
@click.option("--update", is_flag=True, help="Write what came of the cases into their expectations.")
@click.option("--init", "initial", is_flag=True, help="Write a first test file for each definition FILE.")
@json_option("Print one object with all verdicts.")
def test(
    files: tuple[str, ...],
    named: str | None,
    level: str | None,
    minimum: float | None,
    junit: Path | None,
    update: bool,
    initial: bool,
    as_json: bool,
) -> ExitCode:
    """Play the cases of test files; without FILE, of all below the current folder.

    FILE is a test file, a definition that has one beside it, a folder, or a name of the catalog. Exit code 1 when
    a case fails, 7 when a file is not valid.
    """
    if initial:
        return _init(files)
    collected = _collect(files)
    if _refused(collected, as_json=as_json):
        return ExitCode.INVALID

    def wanted(case: Case) -> bool:
        return (named is None or named in case.name) and (level is None or case.level == level)

    results = _play(collected, wanted, quiet=as_json or update)
    if update:
        results = _updated(results, collected, wanted, quiet=as_json)
    if junit is not None:
        _write_junit(junit, results)
    if as_json:
        _print_json(results)
    return _conclude(results, minimum, quiet=as_json)


def _collect(arguments: Sequence[str]) -> list[Collected]:
    from client.testing.collecting import collect, find_files

    try:
        paths = find_files(arguments)
        if not paths:
            raise Problem(
                testing_words.no_test_files(), code=ExitCode.USAGE, slug="no-test-file", remedy=testing_words.TEST_INIT
            )
        return [collect(path) for path in paths]
    except FileNotFoundError as error:
        raise Problem(str(error), code=ExitCode.USAGE, slug="no-test-file", remedy=testing_words.TEST_INIT) from error
    except OSError as error:
        message = file_words.unreadable(Path(str(error.filename)), error.strerror or str(error))
        raise Problem(message, code=ExitCode.USAGE, slug="unreadable") from error


def _refused(collected: list[Collected], *, as_json: bool) -> bool:
    """Show what is wrong with files; return whether one cannot be played."""
    from client.diagnostics_output import show_diagnostics
    from definitions.rendering import render_json

    wrong = [file for file in collected if file.cases is None]
    if as_json and wrong:
        write_json({"invalid": [finding for file in wrong for finding in render_json(file.diagnostics)]})
    for file in collected:
        show_diagnostics(file.diagnostics, file.sources)
    if wrong:
        named = list(dict.fromkeys(finding.file for file in wrong for finding in file.diagnostics))
        say(definition_words.invalid_definition(named, sum(len(file.diagnostics) for file in wrong)), style="red")
    return bool(wrong)


def _play(collected: Sequence[Collected], wanted: Callable[[Case], bool], *, quiet: bool = False) -> list[FileResult]:
    from client.testing.results import play_files

    return asyncio.run(play_files(collected, wanted, _say_nothing if quiet else _tell))


def _say_nothing(_file: Collected, _result: CaseResult) -> None:
    """Keep quiet about a case: all are told at once."""


def _tell(file: Collected, result: CaseResult) -> None:
    """Print what there is to say about a case."""
    from client.testing.report import case_lines

    for line in case_lines(file, result, color=_is_coloured()):
        click.echo(coloured(line))


def _is_coloured() -> bool:
    import os
    import sys

    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _print_json(results: Sequence[FileResult]) -> None:
    from client.testing.report import as_json

    write_json(as_json(results))


def _write_junit(path: Path, results: Sequence[FileResult]) -> None:
    from client.testing.report import junit
    from client.whole_files import write_whole

    try:
        write_whole(path, junit(results))
    except OSError as error:
        raise Problem(file_words.unwritable(path, error.strerror or str(error)), slug="unwritable") from error


def _conclude(results: Sequence[FileResult], minimum: float | None, *, quiet: bool) -> ExitCode:
    from client.testing.report import coverage_line

    played = [result for result in results if result.cases]
    cases = sum(len(result.cases) for result in played)
    failed = sum(result.failed for result in played)
    low = [result for result in played if minimum is not None and result.coverage.percent < minimum]
    if not quiet:
        for result in played:
            click.echo(plain(coverage_line(result.collected, result.coverage)))
    say(testing_words.tests_played(cases, failed), style="red" if failed or not cases else "green")
    for result in low:
        say(testing_words.coverage_too_low(result.collected.path, result.coverage.percent, minimum or 0), style="red")
    return ExitCode.FAILED if failed or low or not cases else ExitCode.SUCCESS


def _updated(
    results: list[FileResult], collected: Sequence[Collected], wanted: Callable[[Case], bool], *, quiet: bool
) -> list[FileResult]:
    """Bring files up to date and play all again where that changed one; return the last results."""
    from client.testing.collecting import collect

    changed = {path for result in results for path in _update(result)}
    if changed:
        return _play([collect(file.path) if file.path in changed else file for file in collected], wanted, quiet=quiet)
    if not quiet:
        for result in results:
            for case in result.cases:
                _tell(result.collected, case)
    return results


def _update(result: FileResult) -> list[Path]:
    """Write what came of the cases of a file into it; return its path where that changed anything."""
    from client.testing.updating import updated_text
    from client.testing.writing import replace_text

    changed = updated_text(result)
    if changed is None:
        return []
    path = result.collected.path
    try:
        is_written = replace_text(path, result.collected.loaded.source, changed.text)
    except OSError as error:
        raise Problem(file_words.unwritable(path, error.strerror or str(error)), slug="unwritable") from error
    if not is_written:
        raise Problem(testing_words.changed_meanwhile(path), slug="unwritable", remedy="run the command again")
    say(testing_words.test_file_updated(path, changed.count))
    return [path]


def _init(definitions: Sequence[str]) -> ExitCode:
    """Write a first test file for each definition; what is there already is left as it is."""
    from client.request_files import require_definition
    from client.testing.collecting import test_path
    from client.testing.writing import first_cases, write_new

    if not definitions:
        raise Problem(testing_words.test_init_wants(), code=ExitCode.USAGE, slug="usage")
    for name in definitions:
        source = require_definition(str(Path(name)) if "/" in name else f"./{name}")
        path = test_path(Path(name))
        try:
            write_new(path, first_cases(source.definition, source.loaded.source, path))
        except FileExistsError:
            say(file_words.exists_already(path))
        except OSError as error:
            raise Problem(file_words.unwritable(path, error.strerror or str(error)), slug="unwritable") from error
        else:
            click.echo(str(path))
    return ExitCode.SUCCESS
