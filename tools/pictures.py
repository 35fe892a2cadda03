"""The pictures of the Web UI in the docs: the demo's run, its details at the gate and its timeline at the end."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
from temporalio.client import Client

from tools import demo

FOLDER = demo.ROOT / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LIMIT_SECONDS = 120
DRAWING_MILLISECONDS = 20_000
"""How long the browser lets the page work before it takes the picture (virtual time)."""


def main() -> int:
    """Take the pictures; return the exit code."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        click.echo("no Chromium: install it (Debian: apt install chromium), then run this again", err=True)
        return 1
    with demo.stage():
        demo.perdure(*demo.run_arguments(demo.FIRST), "--detach")
        wait_until(lambda: status() == "waiting_approval")
        take(browser, f"{address()}/user-metadata", FOLDER / "web-ui-details.png", 1280, 900)
        demo.perdure("approve", demo.FIRST, "--by", "ada", "--comment", "good tests")
        wait_until(lambda: status() == "completed")
        take(browser, f"{address()}/history", FOLDER / "web-ui-timeline.png", 1280, 900)
    return 0


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


def take(browser: str, page: str, target: Path, width: int, height: int) -> None:
    """Take a picture of a page."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}"]
    options += [f"--virtual-time-budget={DRAWING_MILLISECONDS}", f"--screenshot={target}"]
    target.unlink(missing_ok=True)
    subprocess.run([browser, *options, page], capture_output=True, check=True, timeout=LIMIT_SECONDS)
    click.echo(f"{target}: {target.stat().st_size} bytes")


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise demo.StoryBroken(f"not within {LIMIT_SECONDS} s")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
