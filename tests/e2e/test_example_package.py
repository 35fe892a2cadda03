"""The example package under examples/: installed by its metadata, and run on a real server against a local site."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from activities.workspace.manifest import load_manifest
from definitions.loader import load_file
from tests.support.live_runs import run
from tests.support.plugin_packages import installed_project
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

PROJECT = Path(__file__).parents[2] / "examples" / "perdure-http-get"
DEFINITION = PROJECT / "fetch.yaml"


class Site(BaseHTTPRequestHandler):
    """Answers 503 to the first request for `/busy`, then with three words."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        is_busy = self.path == "/busy" and self.asked.count("/busy") == 1
        self.send_response(503 if is_busy else 404 if self.path == "/none" else 200)
        self.end_headers()
        self.wfile.write(b"one two three")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Site)
    Site.asked.clear()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def package(tmp_path: Path) -> Iterator[None]:
    with installed_project(PROJECT, tmp_path / "metadata"):
        yield


def body() -> str:
    return DEFINITION.read_text(encoding="utf-8").split("\n", 1)[1]


def test_definition_of_the_example_is_right():
    assert [finding.message for finding in load_file(DEFINITION).diagnostics] == []


async def test_document_is_fetched_again_when_the_site_was_busy(worker: RunningWorker, site: str):
    ended = await run(worker, body(), inputs={"url": f"{site}/busy"})
    assert (ended.status, ended.outputs) == ("completed", {"words": 3})
    assert Site.asked == ["/busy", "/busy"]
    step = ended.steps["fetch"]
    assert (step.type, step.attempt, step.outputs) == ("plugin", 2, {"status": 200, "bytes": 13})
    assert ended.tree is not None
    assert list(load_manifest(worker.store, ended.tree).by_path) == ["page.txt"]


async def test_document_is_not_fetched_again_when_the_step_is_cached(worker: RunningWorker, site: str):
    text = body().replace("    save_to: page.txt\n", "    save_to: page.txt\n    cache: true\n")
    await run(worker, text, inputs={"url": f"{site}/"})
    ended = await run(worker, text, inputs={"url": f"{site}/"})
    assert ended.outputs == {"words": 3}
    assert ended.steps["fetch"].cached
    assert Site.asked == ["/"]


@pytest.mark.parametrize(
    ("path", "options", "kind", "says"),
    [
        ("/none", "", "exit", "answered 404"),
        ("/", "    most_bytes: 5\n", "output", "more than 5 bytes"),
        ("/", "    expect: [404]\n", "exit", "answered 200"),
    ],
)
async def test_step_fails_when_the_document_is_not_as_wanted(
    worker: RunningWorker, site: str, path: str, options: str, kind: str, says: str
):
    text = body().replace("    save_to: page.txt\n", f"    save_to: page.txt\n{options}")
    ended = await run(worker, text.replace("on: [exit, timeout]", "on: [timeout]"), inputs={"url": site + path})
    assert ended.error is not None
    assert (ended.error.type, ended.error.step) == (kind, "fetch")
    assert says in ended.error.message


async def test_step_fails_when_an_input_gives_no_fit_address(worker: RunningWorker):
    ended = await run(worker, body(), inputs={"url": "file:///etc/passwd"})
    assert ended.error is not None
    assert ended.error.type == "expression"
    assert "`url`" in ended.error.message


async def test_path_cannot_leave_the_workspace(worker: RunningWorker, site: str):
    ended = await run(worker, body().replace("page.txt\n", "../../out.txt\n", 1), inputs={"url": site})
    assert ended.error is not None
    assert (ended.error.type, "leads out of the workspace" in ended.error.message) == ("workspace", True)


async def test_text_is_an_output_when_nothing_is_saved(worker: RunningWorker, site: str):
    text = f"workspace: {{from: none}}\nsteps: [{{id: a, type: http-get, url: '{site}/?q=1'}}]\n"
    ended = await run(worker, text)
    assert ended.steps["a"].outputs == {"status": 200, "text": "one two three"}
    assert Site.asked == ["/?q=1"]
