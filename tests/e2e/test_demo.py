"""`make demo` as a stranger sees it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent.parent.parent
LIMIT_SECONDS = 150

pytestmark = [pytest.mark.server, pytest.mark.timeout(400)]


def start(stage: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "tools.demo"],
        cwd=ROOT,
        env={**os.environ, "PERDURE_DEMO_FOLDER": str(stage)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left_behind(stage: Path) -> list[str]:
    """Return the processes that were started for the demo and live."""
    found: list[str] = []
    for process in psutil.process_iter(["pid", "cmdline", "environ", "status"]):
        command = " ".join(process.info["cmdline"] or [])
        home = (process.info["environ"] or {}).get("PERDURE_HOME", "")
        belongs = str(stage) in command or home.startswith(str(stage))
        if belongs and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(f"{process.info['pid']} {command}")
    return found


def test_the_demo_tells_its_story_and_leaves_no_process_when_run_twice(tmp_path: Path) -> None:
    stage = tmp_path / "demo"
    for _ in range(2):
        with start(stage) as demo:
            story, _ = demo.communicate(timeout=LIMIT_SECONDS)
        assert demo.returncode == 0, story
        in_order = [
            "$ perdure run raise-coverage",
            "waits for a decision",
            "$ perdure approve demo-first",
            "from the cache",
            "$ perdure cache explain demo-second write_tests",
            "made by demo-first, step write_tests",
            "$ perdure apply demo-first",
            " M tests/test_discounts.py",
            "basket  completed  (from the cache)",
            "$ perdure cache explain demo-fourth discounts",
            "inputs.files: shop/discounts.py: ",
            '{{ steps.vouchers.outputs.stdout }}: "WELCOME SPRING" -> "WELCOME SPRING SUMMER"',
            "perdure dev",
        ]
        places = [story.find(part) for part in in_order]
        assert -1 not in places, story
        assert places == sorted(places), story
        assert left_behind(stage) == []


def test_the_demo_leaves_no_process_when_it_is_interrupted(tmp_path: Path) -> None:
    stage = tmp_path / "demo"
    with start(stage) as demo:
        assert demo.stdout is not None
        story = ""
        while "write_tests" not in story and (line := demo.stdout.readline()):
            story += line
        demo.send_signal(signal.SIGTERM)
        story += demo.stdout.read()
    assert demo.returncode == 130, story
    deadline = time.monotonic() + 60
    while left_behind(stage) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind(stage) == []
