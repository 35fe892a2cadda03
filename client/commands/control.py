"""`pause`, `resume`, `cancel`: controls of a live run."""

from __future__ import annotations

import click
from pydantic import BaseModel

from client import messages
from client.exit_codes import ExitCode
from client.options import json_option, profile_option, run_argument
from client.output import say, write_json
from client.starting import user_name
from definitions.messages import Cancel, Pause, Resume

_reason = click.option("--reason", help="Why; it is recorded.")
_by = click.option("--by", default=user_name, show_default="the user's name", help="Who; it is recorded.")


@click.command(short_help="Start no more steps of a run.")
@run_argument
@_reason
@_by
@json_option()
@profile_option
def pause(execution_id: str, reason: str | None, by: str, as_json: bool, profile: str | None) -> ExitCode:
    """Pause the run ID: the running step ends, nothing new starts; deadlines run on."""
    return _control("pause", Pause(reason=reason, by=by), execution_id, profile, as_json=as_json)


@click.command(short_help="Go on with a paused run.")
@run_argument
@_by
@json_option()
@profile_option
def resume(execution_id: str, by: str, as_json: bool, profile: str | None) -> ExitCode:
    """Go on with the paused run ID."""
    return _control("resume", Resume(by=by), execution_id, profile, as_json=as_json)


@click.command(short_help="End a run; its processes end first.")
@run_argument
@_reason
@_by
@json_option()
@profile_option
def cancel(execution_id: str, reason: str | None, by: str, as_json: bool, profile: str | None) -> ExitCode:
    """Cancel the run ID: running processes end, then the run, as `cancelled`."""
    return _control("cancel", Cancel(reason=reason, by=by), execution_id, profile, as_json=as_json)


def _control(verb: str, message: BaseModel, execution_id: str, profile: str | None, *, as_json: bool) -> ExitCode:
    from client.connection import run_connected
    from client.controls import send_control

    answer = run_connected(lambda connection: send_control(connection, execution_id, verb, message), profile)
    if as_json:
        write_json(None if answer is None else answer.model_dump(mode="json"))
        return ExitCode.SUCCESS
    sent = messages.control_done(f"{verb} taken", execution_id)
    say(messages.control_sent(verb, execution_id) if answer is None else sent)
    return ExitCode.SUCCESS
