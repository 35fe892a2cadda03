"""What a watcher says while server and worker come and go."""

import contextlib
import json
import socket
import subprocess
import threading
import uuid
from datetime import timedelta

import pytest
from temporalio.service import RPCError, RPCStatusCode

from client import watching
from client.connection import run_connected
from client.messages import connection_words
from client.runs import NoAnswer, current_status
from client.watching import watch
from definitions.messages import SEARCH_ATTRIBUTES
from tests.client.conftest import Cluster, use
from tests.client.test_run_command import FAILING, GATED, HELLO, new_id, wait_for
from tests.support.servers import free_port, server_binary
from tests.support.threaded_worker import ThreadedWorker

pytestmark = pytest.mark.server


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self):
        self.events, self.notices = [], []

    def event(self, event):
        self.events.append(event)

    def notice(self, text):
        self.notices.append(text)

    def tick(self):
        pass


@pytest.fixture
def lonely(dev_server, tmp_path, monkeypatch):
    """A queue that nobody serves yet, and the worker that could."""
    place = Cluster(dev_server, f"lonely-{uuid.uuid4().hex[:8]}", tmp_path / "store")
    use(place, monkeypatch)
    worker = ThreadedWorker(place.address, place.task_queue, tmp_path)
    yield worker
    worker.stop()


def in_thread(run_id, notes):
    ended = []

    def follow():
        ended.append(run_connected(lambda connection: watch(connection, run_id, notes), None))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    return thread, ended


def test_watch_says_that_no_worker_answers_and_goes_on_when_one_comes(lonely, cli, write, monkeypatch):
    monkeypatch.setattr("client.runs.QUERY_TIME", timedelta(seconds=1))
    run_id, notes = new_id(), Notes()
    assert cli("run", write(HELLO), "--id", run_id, "--detach").code == 0
    thread, ended = in_thread(run_id, notes)
    wait_for(lambda: any("no worker answers" in notice for notice in notes.notices))
    lonely.start()
    thread.join(30)
    assert ended[0].status == "completed"
    assert [event.sequence for event in notes.events] == list(range(1, len(notes.events) + 1))
    assert notes.events[-1].type == "run_completed"


def test_show_says_how_to_go_on_when_a_live_run_has_no_worker(lonely, cli, write, monkeypatch):
    monkeypatch.setattr("client.runs.QUERY_TIME", timedelta(seconds=1))
    run_id = new_id()
    cli("run", write(HELLO), "--id", run_id, "--detach")
    shown = cli("show", run_id)
    assert shown.code == 1
    assert f"error[no-worker]: no worker answers for `{run_id}`" in shown.err
    assert "`perdure worker`" in shown.err


def test_ended_run_is_told_in_full_when_no_worker_lives(lonely, cli, write):
    run_id = new_id()
    lonely.start()
    assert cli("run", write(FAILING), "--id", run_id).code == 1
    lonely.stop()
    notes = Notes()
    status = run_connected(lambda connection: watch(connection, run_id, notes), None)
    assert status.status == "failed"
    assert notes.events[-1].type == "run_failed"
    assert json.loads(cli("show", run_id, "--json").out)["error"]["type"] == "exit"


def test_watch_says_that_the_server_is_gone_and_back_when_it_restarts(cli, write, tmp_path, monkeypatch):
    port, database = free_port(), tmp_path / "temporal.db"
    place = Cluster(f"127.0.0.1:{port}", "restarted", tmp_path / "store")
    use(place, monkeypatch)
    monkeypatch.setattr("client.watching.LONGEST_PAUSE_SECONDS", 0.3)
    worker = ThreadedWorker(place.address, place.task_queue, tmp_path)
    run_id, notes = new_id(), Notes()
    with server_with_database(port, database):
        worker.start()
        cli("run", write(GATED), "--id", run_id, "--detach")
        wait_for(lambda: cli("gates", run_id).out)
        thread, ended = in_thread(run_id, notes)
        wait_for(lambda: notes.events)
    wait_for(lambda: any("does not answer" in notice for notice in notes.notices))
    with server_with_database(port, database):
        wait_for(lambda: any("answers again" in notice for notice in notes.notices), 30)
        wait_for(lambda: cli("approve", run_id).code == 0)
        thread.join(30)
        worker.stop()
    assert ended[0].status == "completed"
    assert [event.sequence for event in notes.events] == list(range(1, len(notes.events) + 1))


@contextlib.contextmanager
def server_with_database(port, database):
    """A server that keeps its state over restarts; killed, not stopped."""
    argv = [str(server_binary().path), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)]
    argv += ["--db-filename", str(database), "--log-level", "error"]
    argv += [f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: is_listening(port), 30)
        yield
    finally:
        process.kill()
        process.wait()


def is_listening(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_status_of_a_terminated_run_is_failed_with_the_reason(settled, cli, write):
    run_id = new_id()
    cli("run", write(GATED), "--id", run_id, "--detach")

    async def terminate(connection):
        await connection.handle(run_id).terminate(reason="wrong button")
        return await current_status(connection, run_id)

    status = run_connected(terminate, None)
    assert status.status == "failed"
    assert status.error.message == "the run was terminated: wrong button"
    assert cli("watch", run_id).code == 1


def test_question_that_stays_unanswered_is_asked_again_and_said_once(settled, cli, write, monkeypatch):
    run_id, notes = new_id(), Notes()
    cli("run", write(GATED), "--id", run_id, "--detach")
    wait_for(lambda: cli("gates", run_id).out)
    away = [NoAnswer("away"), NoAnswer("away"), RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")]
    original = watching.query_events

    async def query(*arguments):
        if away:
            raise away.pop(0)
        return await original(*arguments)

    monkeypatch.setattr(watching, "query_events", query)
    thread, ended = in_thread(run_id, notes)
    wait_for(lambda: any(event.type == "approval_required" for event in notes.events))
    assert notes.notices == [connection_words.NO_WORKER]
    assert cli("approve", run_id).code == 0
    thread.join(30)
    assert ended[0].status == "completed"


def test_run_is_asked_now_and_then_although_nothing_happens(settled, cli, write, monkeypatch):
    monkeypatch.setattr(watching, "PROBE_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(watching, "TICK_SECONDS", 0.02)
    run_id, notes, asked = new_id(), Notes(), []
    cli("run", write(GATED), "--id", run_id, "--detach")
    original = watching.query_events

    async def query(*arguments):
        asked.append(arguments)
        return await original(*arguments)

    monkeypatch.setattr(watching, "query_events", query)
    thread, _ = in_thread(run_id, notes)
    wait_for(lambda: len(asked) > 5)
    assert cli("approve", run_id).code == 0
    thread.join(30)
    assert notes.notices == []


def test_last_events_are_asked_for_when_the_store_has_none(settled, cli, write, monkeypatch):
    run_id, notes = new_id(), Notes()
    cli("run", write(HELLO), "--id", run_id)
    monkeypatch.setattr(watching, "recorded_events", lambda *_arguments: [])
    monkeypatch.setattr(watching, "SETTLE_SECONDS", 0.3)
    run_connected(lambda connection: watch(connection, run_id, notes), None)
    assert notes.events[-1].type == "run_completed"
