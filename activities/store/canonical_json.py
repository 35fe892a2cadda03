"""Canonical JSON: one text for one value, so that equal values have equal digests.

Keys sorted by code point, no spaces, ASCII only (so that file names that are not UTF-8, which Python holds
as lone surrogates, survive), no NaN or infinity. A change of any rule changes every digest: raise the
version in whatever is digested.
"""

import hashlib
import json

from pydantic import JsonValue


def canonical_json(value: JsonValue) -> bytes:
    """Return the one text of `value`.

    Raises:
        ValueError: `value` holds NaN or an infinity, which JSON has not.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def digest_of(content: bytes) -> str:
    """Return the sha256 of `content`, as blobs are named."""
    return hashlib.sha256(content).hexdigest()
