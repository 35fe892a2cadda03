"""A headless Chromium, driven over its own pipe: open a page, wait until it shows a text, take a picture.

Waiting for a text is what the browser's own `--screenshot` cannot do: a page that polls never comes to rest.
"""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
LIMIT_SECONDS = 60
_READS, _WRITES = 3, 4
"""The descriptors that `--remote-debugging-pipe` uses: the browser reads commands from 3 and answers on 4."""


def find_browser() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """A browser with one page."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._received = b""
        self._last = 0
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def open(self, address: str, shows: str, width: int, height: int) -> None:
        """Open a page and wait until its text, frames included, has `shows`."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._ask("Page.navigate", url=address)
        deadline = time.monotonic() + LIMIT_SECONDS
        while shows not in self._text():
            if time.monotonic() > deadline:
                raise TimeoutError(f"`{address}` did not show `{shows}` within {LIMIT_SECONDS} s")
            time.sleep(0.3)
        time.sleep(1.5)  # the page fades its parts in after they are there

    def take(self, target: Path) -> None:
        """Write a picture of the page."""
        target.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"]))

    def _text(self) -> str:
        read = "[document, ...[...document.querySelectorAll('iframe')].map(frame => frame.contentDocument || "
        read += "{body: {innerText: frame.srcdoc}})].map(page => page.body ? page.body.innerText : '').join('\\n')"
        return str(self._ask("Runtime.evaluate", expression=read, returnByValue=True)["result"].get("value", ""))

    def _ask(self, method: str, **params: object) -> dict[str, Any]:
        self._last += 1
        session = getattr(self, "_session", None)
        message = {"id": self._last, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            more = os.read(self._answers, 1 << 20)
            if not more:
                raise RuntimeError("the browser ended")
            self._received += more
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)


@contextlib.contextmanager
def running_browser(program: str) -> Generator[Browser]:
    """Run a browser while the block lasts."""
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
        script = f'exec "$@" {_READS}<&{commands_out} {_WRITES}>&{answers_in}'
        process = subprocess.Popen(
            ["bash", "-c", script, "browser", program, *options, f"--user-data-dir={profile}"],
            pass_fds=(commands_out, answers_in),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(commands_out)
        os.close(answers_in)
        before = signal.signal(signal.SIGALRM, _hangs)
        signal.alarm(3 * LIMIT_SECONDS)
        try:
            yield Browser(commands_in, answers_out)
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(commands_in)
            os.close(answers_out)


def _hangs(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError("the browser does not answer")
