"""Options and arguments that several commands share."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., object])


class DurationType(click.ParamType):
    """A number with a unit: `90s`, `10m`, `1h30m`."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the span that the text names."""
        from definitions.durations import parse_duration

        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class ExecutionIdType(click.ParamType):
    """The id of a run."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the id where it can be one."""
        if not re.fullmatch(r"[^\s\x00-\x1f\x7f]{1,200}", value):
            self.fail(f"`{value}` cannot be the id of a run: 1 to 200 characters without spaces", param, ctx)
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
    return click.argument("execution_id", metavar="ID", type=ExecutionIdType())(command)


def timeout_option(command: _Command) -> _Command:
    """Add `--timeout`."""
    return click.option(
        "--timeout", type=DurationType(), help="Stop watching after this long (exit code 5); the run goes on."
    )(command)


def strict_option(command: _Command) -> _Command:
    """Add `--strict`."""
    return click.option(
        "--strict", is_flag=True, help="A run that completed with failures handled or passed over counts as failed."
    )(command)
