"""The pictures of the Web UI in the docs: the demo's run, its details at the gate and its timeline at the end."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
from temporalio.client import Client

from tools import demo
from tools.browser import find_browser, running_browser

FOLDER = demo.ROOT / "docs" / "pictures"
LIMIT_SECONDS = 120
WIDTH = 1280


def main() -> int:
    """Take the pictures; return the exit code."""
    program = find_browser()
    if program is None:
        click.echo("no Chromium: install it (Debian: apt install chromium), then run this again", err=True)
        return 1
    os.environ["LOGNAME"] = "ada"  # nobody's own name belongs into a picture
    with demo.stage():
        demo.perdure(*demo.run_arguments(demo.FIRST), "--detach")
        wait_until(lambda: status() == "waiting_approval")
        take(program, "user-metadata", "perdure approve", FOLDER / "web-ui-details.png", 1240)
        demo.perdure("approve", demo.FIRST, "--by", "ada", "--comment", "good tests")
        wait_until(lambda: status() == "completed")
        take(program, "history", "Workflow Execution Completed", FOLDER / "web-ui-timeline.png", 1160)
    return 0


def take(program: str, page: str, shows: str, target: Path, height: int) -> None:
    """Take a picture of a page of the run, once it shows a text."""
    with running_browser(program) as browser:
        browser.open(f"{address()}/{page}", shows, WIDTH, height)
        browser.take(target)
    click.echo(f"{target}: {target.stat().st_size} bytes")


def status() -> str:
    """Return the state of the demo's run."""
    return str(answer("show", demo.FIRST, "--json")["status"])


def address() -> str:
    """Return the address of the run's pages in the Web UI."""
    endpoint = answer("dev", "status", "--json")
    run_id = asyncio.run(temporal_run_id(str(endpoint["address"])))
    return f"{endpoint['ui_url']}/namespaces/{endpoint['namespace']}/workflows/{demo.FIRST}/{run_id}"


async def temporal_run_id(server: str) -> str:
    """Return Temporal's own id of the run, which its pages are addressed by."""
    client = await Client.connect(server)
    return (await client.get_workflow_handle(demo.FIRST).describe()).run_id


def answer(*arguments: str) -> dict[str, object]:
    """Return the JSON that a `perdure` command prints."""
    command = [demo.BIN / "perdure", *arguments]
    shown = subprocess.run(command, env=demo.environment(), capture_output=True, check=True, timeout=LIMIT_SECONDS)
    return json.loads(shown.stdout)


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise demo.StoryBroken(f"not within {LIMIT_SECONDS} s")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
