"""`pause`, `resume`, `cancel`: controls of a live run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

import click
from pydantic import BaseModel, JsonValue

from client.exit_codes import ExitCode
from client.messages import control_words
from client.options import json_option, profile_option, run_argument
from client.output import say, write_json
from client.starting import user_name
from definitions.messages import Cancel, Pause, Resume

if TYPE_CHECKING:
    from client.connection import Connection

Action = Literal["retry", "skip", "fail"]


def read_steps(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Action]:
    """Return what shall become of held steps, by path."""
    steps: dict[str, Action] = {}
    for value in values:
        path, _, word = value.rpartition("=")
        if not path or word not in get_args(Action):
            reason = f"`{value}` is not understood; write it like `deploy=retry`, `deploy=skip` or `deploy=fail`"
            raise click.BadParameter(reason, param=parameter)
        steps[path] = cast("Action", word)
    return steps


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
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="PATH=WORD",
    callback=read_steps,
    help="What becomes of a failed step that paused the run: retry (the default), skip or fail; may be repeated.",
)
@click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input given anew.")
@_by
@json_option()
@profile_option
def resume(
    execution_id: str,
    steps: dict[str, Action],
    inputs: tuple[str, ...],
    by: str,
    as_json: bool,
    profile: str | None,
) -> ExitCode:
    """Go on with the paused run ID."""
    given = _read_inputs(execution_id, inputs, profile) if inputs else {}
    return _control("resume", Resume(by=by, steps=steps, inputs=given), execution_id, profile, as_json=as_json)


@click.command(short_help="End a run; its processes end first.")
@run_argument
@_reason
@_by
@json_option()
@profile_option
def cancel(execution_id: str, reason: str | None, by: str, as_json: bool, profile: str | None) -> ExitCode:
    """Cancel the run ID: running processes end, then the run, as `cancelled`."""
    return _control("cancel", Cancel(reason=reason, by=by), execution_id, profile, as_json=as_json)


def _read_inputs(execution_id: str, assignments: tuple[str, ...], profile: str | None) -> dict[str, JsonValue]:
    """Return inputs by their types, which the run's own definition declares. Raises `Refused`."""
    from client.connection import run_connected
    from client.request_files import inputs_given_anew
    from client.runs import NoAnswer, no_answer, query
    from definitions.models import Definition
    from definitions.statuses import Status

    async def read(connection: Connection) -> dict[str, JsonValue]:
        try:
            definition = Definition.model_validate(await query(connection, execution_id, "definition"))
            status = Status.model_validate(await query(connection, execution_id, "status"))
        except NoAnswer as error:
            raise no_answer(execution_id) from error
        return inputs_given_anew(definition, assignments, None, status.inputs)

    return run_connected(read, profile)


def _control(verb: str, message: BaseModel, execution_id: str, profile: str | None, *, as_json: bool) -> ExitCode:
    from client.connection import run_connected
    from client.controls import send_control

    answer = run_connected(lambda connection: send_control(connection, execution_id, verb, message), profile)
    if as_json:
        write_json(None if answer is None else answer.model_dump(mode="json"))
        return ExitCode.SUCCESS
    sent = control_words.control_done(f"{verb} taken", execution_id)
    say(control_words.control_sent(verb, execution_id) if answer is None else sent)
    return ExitCode.SUCCESS
