"""`bench`: what a cluster, with its workers as they are, does in how much time."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from client.exit_codes import ExitCode
from client.messages import bench_words
from client.options import json_option, profile_option
from client.output import Problem, say, write_json

if TYPE_CHECKING:
    from client.connection import Connection
    from client.measuring import Figure

MOST_RUNS = 500


@click.command(short_help="Measure the cluster: steps, queries, decisions.")
@click.option("--rounds", type=click.IntRange(2, 50), default=5, show_default=True, help="Measurements of each kind.")
@click.option(
    "--runs", type=click.IntRange(1, MOST_RUNS), default=20, show_default=True, help="Runs at once, for throughput."
)
@json_option()
@profile_option
def bench(rounds: int, runs: int, as_json: bool, profile: str | None) -> ExitCode:
    """Measure how long a step, a query and a decision take on the server at hand, and how much it does at once.

    Starts runs of small definitions that every worker has: `3 * ROUNDS + RUNS + 2` of them, nothing else.
    """
    from client.connection import run_connected

    facts, figures = run_connected(lambda connection: _measured(connection, rounds, runs), profile)
    if as_json:
        write_json({"facts": {**facts}, "figures": [asdict(figure) for figure in figures]})
        return ExitCode.SUCCESS
    for figure in figures:
        click.echo(bench_words.bench_figure(figure.name, figure.median, figure.unit, figure.worst, figure.count))
    return ExitCode.SUCCESS


async def _measured(connection: Connection, rounds: int, runs: int) -> tuple[dict[str, str], list[Figure]]:
    from client.measuring import OPEN_SECONDS, Silent, measure

    facts = await _facts(connection)
    say(bench_words.bench_begins(facts))
    try:
        return facts, await measure(connection, rounds, runs, lambda what: say(bench_words.bench_goes_on(what)))
    except Silent as error:
        raise Problem(
            bench_words.bench_silent(connection.endpoint.task_queue, OPEN_SECONDS),
            code=ExitCode.NO_SERVER,
            slug="no-worker",
            remedy=bench_words.BENCH_REMEDY,
        ) from error


async def _facts(connection: Connection) -> dict[str, str]:
    """Return what a reader must know of a figure: where it was measured, and with what."""
    from temporalio.api.workflowservice.v1 import GetSystemInfoRequest

    from client.version import version

    info = await connection.client.workflow_service.get_system_info(GetSystemInfoRequest())
    endpoint = connection.endpoint
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return {
        "server": f"{endpoint.address} ({info.server_version})",
        "namespace": endpoint.namespace,
        "task_queue": endpoint.task_queue,
        "perdure": version(),
        "seen_from": machine,
    }
