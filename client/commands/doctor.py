"""`doctor`: what Perdure needs on this machine, checked one by one, each with a remedy."""

from __future__ import annotations

from dataclasses import asdict

import click

from client.exit_codes import ExitCode
from client.machine_checks import Check
from client.options import json_option, profile_option
from client.output import one_line, write_json


@click.command(short_help="Check what Perdure needs on this machine.")
@json_option()
@profile_option
def doctor(as_json: bool, profile: str | None) -> ExitCode:
    """Check Python, server, worker, store and agents on this machine. Exit code 1 where something needed is missing."""
    from client.machine_checks import all_checks

    checks = all_checks(profile)
    if as_json:
        write_json([asdict(check) for check in checks])
    else:
        for check in checks:
            _print(check)
    return ExitCode.FAILED if any(check.state == "failed" for check in checks) else ExitCode.SUCCESS


def _print(check: Check) -> None:
    colour = {"ok": "green", "warning": "yellow", "failed": "red"}[check.state]
    click.echo(f"{click.style(check.state.ljust(8), fg=colour)}{check.name}: {one_line(check.message)}")
    if check.remedy:
        click.echo(f"        = help: {one_line(check.remedy)}")
