"""A real S3 server for tests: versitygw over a folder, on a port of its own, with a bucket that is a folder.

with running_gateway(tmp_path) as gateway:      # started; ended by its process id
    gateway.environment                         # what boto3 finds it by; `gateway.set_in(monkeypatch)`
    gateway.end(); gateway.start()              # away for a while, same port, same content
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Generator, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.support.s3_gateway import s3_gateway
from tests.support.servers import free_port

BUCKET = "perdure"
START_LIMIT = timedelta(seconds=30)


class Gateway:
    """The server's process, which can be ended and started again."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "buckets" / BUCKET).mkdir(parents=True)

    @property
    def address(self) -> str:
        """What `AWS_ENDPOINT_URL_S3` is set to."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def objects(self) -> Path:
        """The folder that is the bucket: each object is a file in it."""
        return self.folder / "buckets" / BUCKET

    @property
    def environment(self) -> Mapping[str, str]:
        """What boto3 finds and enters it by."""
        return {
            "AWS_ENDPOINT_URL_S3": self.address,
            "AWS_ACCESS_KEY_ID": "perdure",
            "AWS_SECRET_ACCESS_KEY": "perdure-secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def set_in(self, patch: pytest.MonkeyPatch) -> None:
        """Let boto3 in this process find it."""
        for name, value in self.environment.items():
            patch.setenv(name, value)

    def make_bucket(self, name: str) -> Path:
        """Make another bucket: a folder beside the first."""
        folder = self.objects.parent / name
        folder.mkdir()
        return folder

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = self.folder / "versitygw.log"
        argv = [str(self._program), "--port", f"127.0.0.1:{self.port}", "--keep-alive", "--quiet"]
        argv += ["posix", str(self.objects.parent)]
        secrets = {"ROOT_ACCESS_KEY": "perdure", "ROOT_SECRET_KEY": "perdure-secret"}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **secrets}
            )
        deadline = time.monotonic() + START_LIMIT.total_seconds()
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise RuntimeError(f"versitygw did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def end(self) -> None:
        """End it, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        try:
            with urlopen(self.address, timeout=5):
                return True
        except HTTPError:
            return True
        except OSError:
            return False


@contextlib.contextmanager
def running_gateway(folder: Path) -> Generator[Gateway]:
    """Run a server while the block lasts. Raises `EnvironmentUnfit` where there is no program and no Go."""
    gateway = Gateway(folder, s3_gateway())
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.end()
