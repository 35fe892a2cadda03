"""`rerun`: take up an earlier run in a new one, from what failed, from a step, or from the beginning."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.commands.run import Follower, interruptible, known_provider, page_of, tell_detached
from client.exit_codes import ExitCode
from client.messages import run_words
from client.options import (
    json_option,
    profile_option,
    read_execution_id,
    run_argument,
    strict_option,
    timeout_option,
)
from client.output import say, write_json

if TYPE_CHECKING:
    from client.connection import Connection
    from client.reruns import Request, Rerun


@click.command(short_help="Take up an ended or stuck run in a new one.")
@run_argument
@click.option("--failed", is_flag=True, help="Do again what failed or did not end, and what depends on it.")
@click.option("--from", "start", metavar="STEP", help="Do this step again, and what depends on it.")
@click.option("--definition", metavar="FILE", help="Another definition; results that no longer fit are named.")
@click.option("-i", "--input", "assignments", multiple=True, metavar="NAME=VALUE", help="An input given anew.")
@click.option("--inputs", "inputs_file", type=click.Path(path_type=Path), help="A YAML or JSON file of such inputs.")
@click.option("--dry-run", is_flag=True, help="Say what would be reused and what would run, and why; start nothing.")
@click.option("--id", "new_id", callback=read_execution_id, help="The new run's id; made up where it is not given.")
@click.option("--provider", help="Runs agent steps that name another provider, or none. Default: as before.")
@click.option("--script", type=click.Path(path_type=Path), help="Answers of the scripted provider. Default: as before.")
@click.option("--detach", is_flag=True, help="Start, and do not watch.")
@strict_option
@timeout_option
@json_option("Print events as NDJSON; the last line is the run record. With --dry-run, the plan.")
@profile_option
def rerun(
    execution_id: str,
    failed: bool,
    start: str | None,
    definition: str | None,
    assignments: tuple[str, ...],
    inputs_file: Path | None,
    dry_run: bool,
    new_id: str | None,
    provider: str | None,
    script: Path | None,
    detach: bool,
    strict: bool,
    timeout: timedelta | None,
    as_json: bool,
    profile: str | None,
) -> ExitCode:
    """Take up the run ID in a new run, and watch that.

    Results of steps are kept as far as nothing that they depend on is done again; without --failed and --from all
    is done again, and the cache may answer. Definition, inputs, variables and files are those of the run ID, unless
    given. What is reused and what runs, and why, is said before anything starts.
    """
    if failed and start is not None:
        raise click.UsageError("`--failed` and `--from` exclude each other")
    from client.request_files import read_mapping, require_definition
    from client.reruns import Request
    from definitions.messages import RerunOf

    request = Request(
        wanted=RerunOf.model_validate({"id": execution_id, "failed": failed, "from": start}),
        source=None if definition is None else require_definition(definition),
        assignments=assignments,
        inputs_file=inputs_file,
        execution_id=new_id,
        provider=known_provider(provider),
        script=None if script is None else read_mapping(script, "answers by step path"),
    )
    if dry_run:
        return _show(_planned(request, profile), as_json=as_json)
    follower = Follower(as_json=as_json, strict=strict, timeout=timeout)
    return interruptible(follower, lambda: _run(request, follower, profile, detach=detach, as_json=as_json))


def _planned(request: Request, profile: str | None) -> Rerun:
    """Return the rerun, with no server where the run has ended and the store has it."""
    from client.connection import offline_store, run_connected
    from client.reruns import earlier_of, make_rerun, recorded_earlier

    store = offline_store(profile)
    earlier = recorded_earlier(store, request.wanted.id)
    if earlier is None:
        earlier = run_connected(lambda connection: earlier_of(connection, request.wanted.id), profile)
    return make_rerun(store, request, earlier)


def _show(planned: Rerun, *, as_json: bool) -> ExitCode:
    from client.plan_text import plan_lines, plan_record

    if as_json:
        write_json(plan_record(planned))
        return ExitCode.SUCCESS
    for line in plan_lines(planned):
        click.echo(line)
    return ExitCode.SUCCESS


def _run(request: Request, follower: Follower, profile: str | None, *, detach: bool, as_json: bool) -> ExitCode:
    from client.connection import run_connected

    async def started(connection: Connection) -> ExitCode:
        import asyncio

        from client.plan_text import plan_lines
        from client.reruns import earlier_of, make_rerun, start_rerun
        from definitions.statuses import ENDED

        endpoint = connection.endpoint
        say(run_words.connected(endpoint.address, endpoint.namespace, is_embedded=endpoint.is_embedded))
        earlier = await earlier_of(connection, request.wanted.id)
        planned = await asyncio.to_thread(make_rerun, connection.store, request, earlier)
        for line in plan_lines(planned):
            say(line)
        if earlier.report.status.status not in ENDED:
            say(run_words.still_alive(request.wanted.id))
        if planned.is_idle:
            say(run_words.NOTHING_TO_RERUN)
            return ExitCode.SUCCESS
        execution_id = await start_rerun(connection, request, planned)
        say(run_words.run_started(execution_id, page_of(connection, execution_id)))
        if not detach:
            return await follower.follow(connection, execution_id)
        tell_detached(execution_id, planned.resolved.definition, as_json=as_json)
        return ExitCode.SUCCESS

    return run_connected(started, profile)
