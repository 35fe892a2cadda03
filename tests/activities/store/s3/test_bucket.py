import hashlib
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError, NoCredentialsError

from activities.store.interface import StoreAway, StoreError, StoreForbidden
from activities.store.s3 import bucket as bucket_module
from activities.store.s3.bucket import Bucket
from activities.store.s3.failures import store_failure
from activities.store.s3.keyed import KeyedObjects
from activities.store.s3.location import S3Location, parse_location
from activities.store.s3.store import S3Store


def refusal(code: str, status: int, retries: int = 0) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status, "RetryAttempts": retries}
    return ClientError({"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": metadata}, "PutObject")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (refusal("AccessDenied", 403), StoreForbidden, "see that these credentials may do that"),
        (refusal("RequestTimeTooSkewed", 403), StoreForbidden, "set the clock of this machine"),
        (refusal("ExpiredToken", 400), StoreForbidden, "sign in again"),
        (refusal("NoSuchBucket", 404), StoreError, "Perdure never makes one"),
        (refusal("PermanentRedirect", 301), StoreError, "set `AWS_REGION`"),
        (refusal("XMinioStorageFull", 507), StoreError, "free space there"),
        (refusal("SlowDown", 503), StoreAway, "see that the server is well"),
        (refusal("TooManyRequests", 429), StoreAway, "see that the server is well"),
        (refusal("MalformedXML", 400), StoreError, "look at that bucket and its server"),
        (NoCredentialsError(), StoreForbidden, "give credentials the way boto3 finds them"),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), StoreAway, "see that the server is there"),
        (BotoCoreError(), StoreError, "look at the settings of boto3"),
    ],
)
def test_failure_is_told_by_its_kind_with_a_remedy(error: Any, kind: type[StoreError], said: str) -> None:
    failure = store_failure(error, "write to", S3Location("bucket", "p"))
    assert type(failure) is kind
    assert said in failure.message
    assert "cannot write to the store `s3://bucket/p`" in failure.message


class Client:
    """A client whose requests fail as they are told, and then go on to the real one."""

    def __init__(self, real: Any, failures: dict[str, list[Exception]]) -> None:
        self._real = real
        self._failures = failures

    def __getattr__(self, name: str) -> Any:
        if failures := self._failures.get(name):
            failure = failures.pop(0)

            def refuse(*_: object, **__: object) -> None:
                raise failure

            return refuse
        return getattr(self._real, name)


def failing(store: S3Store, **failures: list[Exception]) -> Bucket:
    real = store._bucket
    return Bucket(Client(real._client, failures), real.location)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "FIRST_PAUSE", 0.001)


def put(bucket: Bucket, body: bytes, **condition: Any) -> bool:
    return bucket.put("keys/a", body, hashlib.sha256(body).digest(), **condition)


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "TooManyRequests", "BadDigest"])
def test_request_is_made_again_when_that_may_help(store: S3Store, code: str) -> None:
    assert put(failing(store, put_object=[refusal(code, 409)] * 3), b"x", if_absent=True)
    with pytest.raises(StoreAway):
        put(failing(store, put_object=[refusal(code, 409)] * 9), b"y")


def test_own_write_counts_when_only_its_answer_was_lost(store: S3Store) -> None:
    assert put(store._bucket, b"ours", if_absent=True)
    asked_again = refusal("PreconditionFailed", 412, retries=1)
    assert put(failing(store, put_object=[asked_again]), b"ours", if_absent=True)
    assert not put(failing(store, put_object=[asked_again]), b"other", if_absent=True)
    assert not put(store._bucket, b"ours", if_absent=True)


def test_nothing_is_swapped_when_it_went_meanwhile(store: S3Store) -> None:
    put(store._bucket, b"before")
    assert not put(failing(store, put_object=[refusal("NoSuchKey", 404)]), b"after", if_match='"etag"')


def test_upload_counts_when_only_the_answer_to_its_end_was_lost(store: S3Store) -> None:
    over = refusal("NoSuchUpload", 404)
    bucket = failing(store, complete_multipart_upload=[over, over])
    with pytest.raises(StoreError):
        bucket.end_parts("keys/a", "upload", [])
    put(store._bucket, b"there")
    bucket.end_parts("keys/a", "upload", [])


def test_object_stays_when_it_cannot_be_renewed(store: S3Store) -> None:
    assert not store._bucket.renew("keys/a")
    put(store._bucket, b"there")
    with pytest.raises(StoreForbidden):
        failing(store, upload_part_copy=[refusal("AccessDenied", 403)]).renew("keys/a")
    assert store._bucket.open_uploads() == []
    assert store.read_document("a") == b"there"


def test_ages_are_told_by_the_servers_clock_when_ours_is_a_day_off(store: S3Store) -> None:
    bucket = store._bucket
    there = bucket.look_at("format")
    assert there is not None
    assert abs(bucket.now() - there.modified) < timedelta(minutes=10)


def test_link_is_refused_when_there_is_nothing_to_sign_with(store: S3Store) -> None:
    with pytest.raises(StoreForbidden, match="cannot sign a link to"):
        failing(store, generate_presigned_url=[NoCredentialsError()]).link("keys/a", 60)


def test_key_is_refused_when_it_is_too_long_with_its_prefix(store: S3Store) -> None:
    long = Bucket(store._bucket._client, parse_location(f"s3://perdure/{'/'.join(['p' * 200] * 4)}"))
    with pytest.raises(StoreError, match="is not a key of this store"):
        KeyedObjects(long).read("/".join(["k" * 100] * 3))
