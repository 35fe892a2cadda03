"""The first look at a store on S3: the bucket, the format, and once whether the server keeps conditions.

A bucket is never made here. A server that ignores `If-None-Match` is refused: there, two workers would write over
each other's records, and both would think that they were first.
"""

import hashlib
import itertools
import os

from botocore.exceptions import BotoCoreError

from activities.store.interface import StoreError
from activities.store.s3.bucket import Bucket
from activities.store.s3.client import make_client
from activities.store.s3.local_cache import LocalCache
from activities.store.s3.location import parse_location
from activities.store.s3.settings import S3Settings
from activities.store.s3.store import S3Store
from definitions.errors import EnvironmentUnfit

FORMAT = b"perdure-store 1\n"
_MARKER = "format"
_OURS = ("cas/", "dying/", "format", "index/", "keys/", "links/", "packs/", "projects/")
_LOOKED_AT = 20
_SETTINGS_REMEDY = "look at the settings of boto3 (`AWS_…` variables, `~/.aws/config`)"


def open_s3_store(location: str, *, may_be_read_only: bool = False) -> S3Store:
    """Return the store at `s3://bucket/prefix`, made where only the bucket is there.

    Raises:
        EnvironmentUnfit: there is no such bucket, it does not let us in, or a setting means nothing.
    """
    where = parse_location(location)
    settings = S3Settings.from_environment(os.environ)
    try:
        bucket = Bucket(make_client(), where, settings.encryption)
    except (BotoCoreError, ValueError) as error:
        raise EnvironmentUnfit(f"there is no way to the store `{location}`: {error}", _SETTINGS_REMEDY) from error
    try:
        _check_format(bucket, may_be_read_only=may_be_read_only)
    except StoreError as error:
        what, _, remedy = error.message.rpartition("; ")
        raise EnvironmentUnfit(what, remedy) from error
    own = hashlib.sha256(location.encode()).hexdigest()[:16]
    return S3Store(bucket, LocalCache(settings.cache_folder / own, settings.cache_size))


def _check_format(bucket: Bucket, *, may_be_read_only: bool) -> None:
    found = bucket.get(_MARKER)
    if found is None:
        _check_new(bucket)
        _put(bucket, FORMAT)
    elif found.body.strip() != FORMAT.strip():
        name = found.body.strip().decode(errors="replace")
        raise EnvironmentUnfit(
            f"the store `{bucket.location}` has the format `{name[:60]}`, and this Perdure knows `perdure-store 1`",
            "use the version of Perdure that made it, or set `PERDURE_STORE` to another prefix",
        )
    elif may_be_read_only:
        return
    # Now it is there, so this must be refused: for its condition, not for want of permission. Its words mean the same.
    if _put(bucket, FORMAT + b"\n"):
        raise EnvironmentUnfit(
            f"the server of the store `{bucket.location}` does not keep conditions (`If-None-Match`), so workers would "
            "write over each other's records",
            "use a server or a version that does: AWS, R2, MinIO, SeaweedFS, versitygw from v1.8.0 on",
        )


def _check_new(bucket: Bucket) -> None:
    others = [item.name for item in itertools.islice(bucket.listing("", page=_LOOKED_AT), _LOOKED_AT)]
    strange = next((name for name in others if not name.startswith(_OURS)), None)
    if strange is not None:
        raise EnvironmentUnfit(
            f"`{bucket.location}` is no store and is not empty: it has `{strange[:200]}`",
            "set `PERDURE_STORE` to a prefix of its own, such as `s3://bucket/perdure`",
        )


def _put(bucket: Bucket, body: bytes) -> bool:
    return bucket.put(_MARKER, body, hashlib.sha256(body).digest(), if_absent=True)
