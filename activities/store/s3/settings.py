"""What the environment says about a store on S3, besides boto3's own variables (credentials, region, endpoint).

PERDURE_S3_SSE              server-side encryption: `AES256`, `aws:kms` or `aws:kms:dsse`
PERDURE_S3_SSE_KMS_KEY_ID   the key, for `aws:kms`
PERDURE_STORE_CACHE         folder for what was read and written lately
PERDURE_STORE_CACHE_SIZE    how much of it at most: `5GB`, `500MB`; `0`: nothing is kept
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from definitions.errors import EnvironmentUnfit

CACHE_SIZE = 5 * 1000**3
_ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
_SIZE = re.compile(r"(\d+) ?(|[kMGT]?B)")
_UNITS = {"": 1, "B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}


@dataclass(frozen=True, slots=True)
class S3Settings:
    """How objects are written, and what is kept on this machine."""

    cache_folder: Path
    cache_size: int = CACHE_SIZE
    encryption: Mapping[str, str] = field(default_factory=dict[str, str])
    """What goes with each upload, in the words of boto3."""

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "S3Settings":
        """Return the settings. Raises `EnvironmentUnfit` where a variable has a value that means nothing."""
        size = environment.get("PERDURE_STORE_CACHE_SIZE")
        return S3Settings(
            cache_folder=_cache_folder(environment),
            cache_size=_bytes(size) if size else CACHE_SIZE,
            encryption=_encryption(environment),
        )


def _cache_folder(environment: Mapping[str, str]) -> Path:
    if given := environment.get("PERDURE_STORE_CACHE"):
        return Path(given).expanduser().absolute()
    if home := environment.get("PERDURE_HOME"):
        return Path(home).expanduser().absolute() / "store-cache"
    base = environment.get("XDG_CACHE_HOME") or ""
    # The XDG specification says that a relative value must be ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "perdure" / "store"


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise EnvironmentUnfit(
            f"`PERDURE_STORE_CACHE_SIZE` is `{text[:60]}`, which is no size", "write it as `500MB` or `5GB`"
        )
    return int(found[1]) * _UNITS[found[2]]


def _encryption(environment: Mapping[str, str]) -> dict[str, str]:
    kind, key = environment.get("PERDURE_S3_SSE", ""), environment.get("PERDURE_S3_SSE_KMS_KEY_ID", "")
    if kind and kind not in _ENCRYPTIONS:
        allowed = ", ".join(f"`{name}`" for name in _ENCRYPTIONS)
        raise EnvironmentUnfit(f"`PERDURE_S3_SSE` is `{kind[:60]}`, which S3 does not know", f"set it to {allowed}")
    if key and not kind.startswith("aws:kms"):
        raise EnvironmentUnfit(
            "`PERDURE_S3_SSE_KMS_KEY_ID` is set without encryption by a key", "set `PERDURE_S3_SSE` to `aws:kms` too"
        )
    given = {"ServerSideEncryption": kind, "SSEKMSKeyId": key}
    return {name: value for name, value in given.items() if value}
