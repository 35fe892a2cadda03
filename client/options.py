"""Options and arguments that several commands share."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., object])


def read_duration(_context: click.Context, parameter: click.Parameter, value: str | None) -> timedelta | None:
    """Return the span that an option's text names: `90s`, `10m`, `1h30m`."""
    if value is None:
        return None
    from definitions.durations import parse_duration

    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from error


def read_execution_id(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return the text where it can be the id of a run."""
    if value is not None and not re.fullmatch(r"[^\s\x00-\x1f\x7f]{1,200}", value):
        reason = f"`{value}` cannot be the id of a run: 1 to 200 characters without spaces"
        raise click.BadParameter(reason, param=parameter)
    return value


def profile_option(command: _Command) -> _Command:
    """Add `--profile`."""
    return click.option(
        "--profile", metavar="NAME", help="A profile of the Temporal CLI's configuration; its server is used."
    )(command)


def json_option(help_text: str = "Print JSON.") -> Callable[[_Command], _Command]:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help=help_text)


def run_argument(command: _Command) -> _Command:
    """Add the argument `ID`."""
    return click.argument("execution_id", metavar="ID", callback=read_execution_id)(command)


def timeout_option(command: _Command) -> _Command:
    """Add `--timeout`."""
    return click.option(
        "--timeout",
        metavar="DURATION",
        callback=read_duration,
        help="Stop watching then, with exit code 5.",
    )(command)


def strict_option(command: _Command) -> _Command:
    """Add `--strict`."""
    return click.option(
        "--strict", is_flag=True, help="A run that completed with failures handled or passed over counts as failed."
    )(command)
