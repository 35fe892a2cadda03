"""Keys of records and documents: slash-separated names that can never lead out of the store.

Whoever makes a key passes foreign text (execution ids, step paths) through `encode_name`.
"""

import re
from urllib.parse import quote

from activities.store.interface import StoreError

NAME_LIMIT = 255
"""Bytes that file systems allow for one name."""
KEY_LIMIT = 1024
"""Bytes that S3 allows for a whole key."""

_NAME = re.compile(r"[A-Za-z0-9._@#%=+~-]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def encode_name(text: str) -> str:
    """Return `text` as one name of a key: all that is not safe percent-encoded, `/` as `%2F`."""
    encoded = quote(text, safe="@#=+", errors="surrogateescape")
    return encoded.replace(".", "%2E") if encoded in {".", ".."} else encoded


def run_key(execution_id: str, name: str) -> str:
    """Return the key of one of a run's documents; an empty `name` gives the prefix of them all."""
    return f"runs/{encode_name(execution_id)}/{name}"


def checked_key(key: str) -> str:
    """Return `key`. Raises `StoreError` where it is not a sound key."""
    names = key.split("/")
    if len(key) > KEY_LIMIT or not all(_is_name(name) for name in names):
        raise StoreError(
            f"`{key[:200]}` is not a key of a store; keys are names of `[A-Za-z0-9._@#%=+~-]` joined by `/`"
        )
    return key


def is_digest(name: str) -> bool:
    """Whether `name` is a sha256 as blobs are named."""
    return _DIGEST.fullmatch(name) is not None


def checked_digest(digest: str) -> str:
    """Return `digest`. Raises `StoreError` where it is not the sha256 of something."""
    if not is_digest(digest):
        raise StoreError(f"`{digest[:200]}` is not a digest; digests are 64 lower-case hex digits")
    return digest


def _is_name(name: str) -> bool:
    return name not in {".", ".."} and len(name) <= NAME_LIMIT and _NAME.fullmatch(name) is not None
