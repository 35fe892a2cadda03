"""boto3's client, set up for a store: short timeouts, few tries, a pool as wide as our threads.

Credentials, region and endpoint come by boto3's own chain and by nothing else. A server that is not AWS is spoken
to with the bucket in the path, and without checksums in trailers (boto3 sends them since 1.36, and others break:
boto3#4392); we send our own sha256 as a header with every object.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

import boto3.session
import botocore.loaders
import botocore.session
from botocore.config import Config

THREADS = 16
"""Requests at once for one store, besides those of the threads that ask."""
CONNECT_SECONDS = 3
READ_SECONDS = 20
TRIES = 4


class Operation(Protocol):
    """One kind of request: parameters and answer are those of boto3."""

    def __call__(self, **parameters: Any) -> Mapping[str, Any]:
        """Ask, and return the answer."""
        ...


class S3Client(Protocol):
    """What we use of boto3's client, which has no types of its own."""

    put_object: Operation
    get_object: Operation
    head_object: Operation
    delete_object: Operation
    list_objects_v2: Operation
    create_multipart_upload: Operation
    upload_part: Operation
    upload_part_copy: Operation
    complete_multipart_upload: Operation
    abort_multipart_upload: Operation
    list_multipart_uploads: Operation
    generate_presigned_url: Callable[..., str]


def make_client() -> S3Client:
    """Return a client of its own session: clients may be used by many threads, sessions may not."""
    core = cast("Any", botocore.session).get_session()
    core.register_component("data_loader", _descriptions())
    session = cast("Any", boto3.session.Session(botocore_session=core))
    settings: dict[str, Any] = {
        "retries": {"mode": "standard", "total_max_attempts": TRIES},
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "max_pool_connections": 2 * THREADS,
        "signature_version": "s3v4",
        "tcp_keepalive": True,
    }
    # S3 has a name in every region; this one is what boto3's other clients fall back to as well
    region = session.region_name or "us-east-1"
    client = session.client("s3", region_name=region, config=Config(**settings))
    if _is_aws(str(client.meta.endpoint_url)):
        return client
    settings |= {
        "s3": {"addressing_style": "path"},
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    return session.client("s3", region_name=region, config=Config(**settings))


@functools.cache
def _descriptions() -> object:
    """The descriptions of S3's requests: reading them is most of what a client costs, so sessions share them."""
    return cast("Any", botocore.loaders).create_loader()


def _is_aws(endpoint: str) -> bool:
    host = endpoint.split("//")[-1].split("/")[0].split(":")[0]
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
