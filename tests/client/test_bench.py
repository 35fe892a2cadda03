"""`perdure bench` against a real server and worker."""

import json

import pytest

from client import measuring
from tests.client.conftest import Cli, Cluster

pytestmark = pytest.mark.server


def test_figures_are_printed_when_a_worker_answers(cli: Cli, settled: Cluster):
    ran = cli("bench", "--rounds", "2", "--runs", "2", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert [(figure["name"], figure["unit"], figure["count"]) for figure in told["figures"]] == [
        ("a run of one step", "ms", 2),
        ("each further step", "ms", 2),
        ("status query", "ms", 100),
        ("from a decision to the end of its run", "ms", 2),
        ("2 runs of 20 steps at once", "steps/s", 2),
    ]
    assert all(figure["median"] > 0 for figure in told["figures"])
    assert told["facts"]["task_queue"] == settled.task_queue
    assert settled.address in told["facts"]["server"]


def test_table_has_a_line_a_figure_when_people_read_it(cli: Cli, settled: Cluster):
    ran = cli("bench", "--rounds", "2", "--runs", "1")
    assert ran.code == 0, ran.err
    assert [line[:43].strip() for line in ran.out.splitlines()][:2] == ["a run of one step", "each further step"]
    assert "measuring server" in ran.err


def test_it_says_that_no_worker_answers_when_the_queue_has_none(
    cli: Cli, settled: Cluster, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PERDURE_TASK_QUEUE", "nobody-polls-this")
    monkeypatch.setattr(measuring, "OPEN_SECONDS", 1)
    ran = cli("bench")
    assert ran.code == 6
    assert "no worker of the task queue `nobody-polls-this`" in ran.err
    assert "perdure worker" in ran.err


def test_rounds_are_bounded_when_somebody_asks_for_many(cli: Cli):
    assert cli("bench", "--rounds", "1000").code == 2
