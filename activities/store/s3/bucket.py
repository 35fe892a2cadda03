"""One bucket and prefix: typed requests, asked again where that may help, failures in our words.

botocore asks again what it knows (no answer, 500, 503); we ask again what it does not: 409 (another writer of the
same key), 429, what arrived damaged, and an answer whose body broke off.
"""

import base64
import contextlib
import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from activities.store.interface import StoreError
from activities.store.s3 import failures
from activities.store.s3.client import S3Client
from activities.store.s3.location import S3Location

TRIES = 5
FIRST_PAUSE = 0.1
COPIED_AT_ONCE = 1 << 30
"""S3 allows five times as much for one part."""
CLOCK_BELIEVED = 600.0
"""Seconds for which two clocks are taken to run alike."""
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object's content, or the first part of it."""

    body: bytes
    etag: str
    size: int
    """Of the whole object."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object, as a listing names it."""

    name: str
    size: int
    modified: datetime


class Bucket:
    """What lies below a prefix of a bucket. Names are ours; any thread may ask."""

    def __init__(self, client: S3Client, location: S3Location, encryption: Mapping[str, str] | None = None) -> None:
        self.location = location
        self._client = client
        self._encryption = dict(encryption or {})
        self._count = itertools.count()
        self._clock_seen: float | None = None
        self._clock_offset = timedelta(0)
        self.requests = 0
        """How many requests were made (those that botocore repeated count once)."""

    def put(
        self, name: str, body: bytes, sha256: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> bool:
        """Write an object; False where the condition does not hold.

        An answer can get lost after the object was written; then the condition fails because of ourselves.
        """
        condition = {"IfNoneMatch": "*"} if if_absent else {"IfMatch": if_match} if if_match else {}
        checksum = base64.b64encode(sha256).decode("ascii")
        tries = 0

        def put() -> bool:
            nonlocal tries
            tries += 1
            try:
                self._client.put_object(
                    **self._named(name), Body=body, ChecksumSHA256=checksum, **condition, **self._encryption
                )
            except ClientError as error:
                code = failures.code_of(error)
                if condition and code in failures.UNMET:
                    return (tries > 1 or failures.was_asked_again(error)) and self._is(name, body)
                if if_match and code in failures.ABSENT:
                    return False
                raise
            return True

        return self._ask("write to", put)

    def get(self, name: str) -> StoredObject | None:
        """Return a small object, or None."""

        def get() -> StoredObject | None:
            return _read(self._client.get_object(**self._named(name)))

        return self._ask("read from", lambda: self._or_none(get))

    def get_range(self, name: str, start: int, size: int) -> StoredObject | None:
        """Return up to `size` bytes of an object from `start` on, or None where there is no object."""

        def get() -> StoredObject | None:
            try:
                return _read(self._client.get_object(**self._named(name), Range=f"bytes={start}-{start + size - 1}"))
            except ClientError as error:
                if start or failures.status_of(error) != 416:
                    raise
            return _read(self._client.get_object(**self._named(name)))  # empty: no range of it can be had

        return self._ask("read from", lambda: self._or_none(get))

    def look_at(self, name: str) -> Listed | None:
        """Return an object's size and age, or None where there is none."""

        def head() -> Listed | None:
            found = self._client.head_object(**self._named(name))
            self._note_time(found)
            return Listed(name, int(found["ContentLength"]), found["LastModified"])

        return self._ask("read from", lambda: self._or_none(head))

    def renew(self, name: str) -> bool:
        """Make an object young by making it anew of itself; False where there is none.

        In parts, without a byte of it coming here: a plain copy onto itself leaves the age on some servers (versitygw).
        """
        found = self.look_at(name)
        if found is None:
            return False
        upload = str(self._ask("write to", lambda: self._begin(name))["UploadId"])
        try:
            parts: list[Mapping[str, Any]] = []
            for start in range(0, found.size, COPIED_AT_ONCE):
                last = min(start + COPIED_AT_ONCE, found.size) - 1
                part = self._copy_part(name, upload, len(parts) + 1, start, last)
                if part is None:  # gone since we looked
                    self.abort_parts(name, upload)
                    return False
                parts.append(part)
            self.end_parts(name, upload, parts)
        except BaseException:
            with contextlib.suppress(StoreError):
                self.abort_parts(name, upload)
            raise
        return True

    def now(self) -> datetime:
        """Return the time of the server's clock, by which ages are told; ours may be a day off."""
        if self._clock_seen is None or time.monotonic() - self._clock_seen > CLOCK_BELIEVED:
            self.look_at("format")
        return datetime.now(UTC) + self._clock_offset

    def delete(self, name: str) -> None:
        """Delete an object if it is there."""
        self._ask("write to", lambda: self._or_none(lambda: self._client.delete_object(**self._named(name))))

    def listing(self, prefix: str, *, after: str = "", page: int = 1000) -> Iterator[Listed]:
        """Yield the objects whose names begin with `prefix`, sorted."""
        start = self.location.full(prefix) if prefix else self.location.prefix and self.location.prefix + "/"
        going_on: dict[str, Any] = {"StartAfter": self.location.full(after)} if after else {}
        while True:
            found = self._page(start, page, going_on)
            for item in cast("list[Mapping[str, Any]]", found.get("Contents", [])):
                yield Listed(self.location.own(item["Key"]), int(item["Size"]), item["LastModified"])
            if not found.get("IsTruncated"):
                return
            going_on = {"ContinuationToken": found["NextContinuationToken"]}

    def _page(self, start: str, page: int, going_on: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._ask(
            "read from",
            lambda: self._client.list_objects_v2(Bucket=self.location.bucket, Prefix=start, MaxKeys=page, **going_on),
        )

    # --- in parts -----------------------------------------------------------------------------------

    def begin_parts(self, name: str) -> str:
        """Begin an object that is sent in parts; return the upload's id."""
        return str(self._ask("write to", lambda: self._begin(name, ChecksumAlgorithm="SHA256"))["UploadId"])

    def put_part(self, name: str, upload: str, number: int, body: bytes, sha256: bytes) -> Mapping[str, Any]:
        """Send a part; return what `end_parts` wants of it."""
        checksum = base64.b64encode(sha256).decode("ascii")

        def put() -> Mapping[str, Any]:
            sent = self._client.upload_part(
                **self._named(name), UploadId=upload, PartNumber=number, Body=body, ChecksumSHA256=checksum
            )
            return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum}

        return self._ask("write to", put)

    def end_parts(self, name: str, upload: str, parts: list[Mapping[str, Any]]) -> None:
        """Make the object of its parts: it appears whole."""

        def end() -> None:
            try:
                self._client.complete_multipart_upload(
                    **self._named(name), UploadId=upload, MultipartUpload={"Parts": parts}
                )
            except ClientError as error:
                # the answer to the first try got lost, and the upload is over
                if failures.code_of(error) == "NoSuchUpload" and self.look_at(name) is not None:
                    return
                raise

        self._ask("write to", end)

    def abort_parts(self, name: str, upload: str) -> None:
        """Throw the parts away."""
        self._ask("write to", lambda: self._client.abort_multipart_upload(**self._named(name), UploadId=upload))

    def open_uploads(self) -> list[tuple[str, str, datetime]]:
        """Return what was begun in parts and not ended: name, upload, when."""
        prefix = self.location.prefix and self.location.prefix + "/"
        found = self._ask(
            "read from",
            lambda: self._client.list_multipart_uploads(Bucket=self.location.bucket, Prefix=prefix),
        )
        uploads = cast("list[Mapping[str, Any]]", found.get("Uploads", []))
        return [(self.location.own(one["Key"]), one["UploadId"], one["Initiated"]) for one in uploads]

    def link(self, name: str, seconds: int, **headers: str) -> str:
        """Return an address that gives the object to whoever has it, for a while; no request is made."""
        try:
            return self._client.generate_presigned_url(
                "get_object", Params={**self._named(name), **headers}, ExpiresIn=seconds
            )
        except BotoCoreError as error:
            raise failures.store_failure(error, "sign a link to", self.location) from error

    def _note_time(self, answer: Mapping[str, Any]) -> None:
        said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if said is not None:
            self._clock_offset = parsedate_to_datetime(said) - datetime.now(UTC)
        self._clock_seen = time.monotonic()

    # --- within -------------------------------------------------------------------------------------

    def _begin(self, name: str, **parameters: str) -> Mapping[str, Any]:
        return self._client.create_multipart_upload(**self._named(name), **parameters, **self._encryption)

    def _copy_part(self, name: str, upload: str, number: int, first: int, last: int) -> Mapping[str, Any] | None:
        source = {"Bucket": self.location.bucket, "Key": self.location.full(name)}

        def copy() -> Mapping[str, Any]:
            copied = self._client.upload_part_copy(
                **self._named(name),
                UploadId=upload,
                PartNumber=number,
                CopySource=source,
                CopySourceRange=f"bytes={first}-{last}",
            )
            return {"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]}

        return self._ask("write to", lambda: self._or_none(copy))

    def _named(self, name: str) -> dict[str, Any]:
        return {"Bucket": self.location.bucket, "Key": self.location.full(name)}

    def _is(self, name: str, body: bytes) -> bool:
        found = self.get(name)
        return found is not None and found.body == body

    @staticmethod
    def _or_none(call: Callable[[], Result]) -> Result | None:
        try:
            return call()
        except ClientError as error:
            if failures.code_of(error) in failures.ABSENT:
                return None
            raise

    def _ask(self, action: str, call: Callable[[], Result]) -> Result:
        for number in range(1, TRIES + 1):
            self.requests = next(self._count) + 1
            try:
                return call()
            except (ClientError, BotoCoreError) as error:
                if number == TRIES or not _may_pass(error):
                    raise failures.store_failure(error, action, self.location) from error
            # jitter, so that writers that met do not meet again
            time.sleep(FIRST_PAUSE * 2 ** (number - 1) * random.uniform(0.5, 1.0))  # noqa: S311
        raise AssertionError("the last try returns or raises")


def _may_pass(error: ClientError | BotoCoreError) -> bool:
    """Whether we ask again: not where botocore has done so already, for then the store is away."""
    if isinstance(error, ClientError):
        return failures.code_of(error) in failures.AGAIN or failures.status_of(error) in {409, 429}
    return isinstance(error, failures.BROKEN_BODY)


def _read(answer: Mapping[str, Any]) -> StoredObject:
    body = answer["Body"]
    try:
        content = cast("bytes", body.read())
    finally:
        body.close()
    total = str(answer.get("ContentRange", "")).rpartition("/")[2]
    return StoredObject(content, str(answer["ETag"]), int(total) if total.isdigit() else len(content))
