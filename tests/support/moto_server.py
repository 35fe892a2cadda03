"""moto's server in this process: S3 as far as a mock goes, where no real server can be had."""

import contextlib
from collections.abc import Generator, Mapping

import boto3.session
import pytest

from tests.support.versitygw import BUCKET


class MotoServer:
    """A server on a port of its own."""

    def __init__(self, address: str) -> None:
        self.address = address

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


@contextlib.contextmanager
def running_moto() -> Generator[MotoServer]:
    """Run a server with our bucket while the block lasts."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        moto = MotoServer(f"http://{host}:{port}")
        with pytest.MonkeyPatch.context() as patch:
            moto.set_in(patch)
            boto3.session.Session().client("s3").create_bucket(Bucket=BUCKET)
        yield moto
    finally:
        server.stop()
