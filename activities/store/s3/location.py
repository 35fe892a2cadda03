"""Where a store on S3 is: `s3://bucket/prefix`."""

import re
from dataclasses import dataclass

from activities.store.keys import checked_key
from definitions.errors import EnvironmentUnfit, StepFailure

SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REMEDY = "set `PERDURE_STORE` to `s3://bucket` or `s3://bucket/prefix`"


@dataclass(frozen=True, slots=True)
class S3Location:
    """A bucket, and what all names in it begin with."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    def full(self, name: str) -> str:
        """Return the whole key of one of our names."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def own(self, key: str) -> str:
        """Return our name for a whole key."""
        return key[len(self.prefix) + 1 :] if self.prefix else key


def parse_location(text: str) -> S3Location:
    """Return what `s3://bucket/prefix` means. Raises `EnvironmentUnfit`."""
    bucket, _, prefix = text.removeprefix(SCHEME).partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise EnvironmentUnfit(f"the store `{text}` names no bucket: `{bucket}` cannot be the name of one", _REMEDY)
    prefix = prefix.strip("/")
    try:
        return S3Location(bucket, checked_key(prefix) if prefix else "")
    except StepFailure as error:
        raise EnvironmentUnfit(f"the store `{text}` has an unsound prefix: {error.message}", _REMEDY) from error
