"""Values that do not travel: files, folders and big values are in the store, and a reference stands for them.

Apart from the records because the language needs these few names and no model of what is on the wire: to read and
check a definition costs a tenth less without them.
"""

import json
from typing import TypeGuard

from pydantic import JsonValue

INLINE_LIMIT = 1024
"""Bytes of JSON up to which a value travels inline; bigger ones are blobs."""

FILE_KEY = "$file"
FOLDER_KEY = "$folder"
VALUE_KEY = "$value"


def file_reference(path: str, digest: str, size: int) -> dict[str, JsonValue]:
    """Return the value of a file output: an immutable copy in the store, named by the path it had."""
    return {FILE_KEY: path, "digest": digest, "size": size}


def folder_reference(path: str, digest: str, size: int, files: int) -> dict[str, JsonValue]:
    """Return the value of a folder that a run kept: `digest` is that of its tree's manifest."""
    return {FOLDER_KEY: path, "digest": digest, "size": size, "files": files}


def value_reference(digest: str, size: int) -> dict[str, JsonValue]:
    """Return what stands for a JSON value too big to travel; its blob is the value's JSON text."""
    return {VALUE_KEY: digest, "size": size}


def is_file_reference(value: object) -> TypeGuard[dict[str, JsonValue]]:
    """Whether `value` stands for a file."""
    return isinstance(value, dict) and FILE_KEY in value


def is_folder_reference(value: object) -> TypeGuard[dict[str, JsonValue]]:
    """Whether `value` stands for a folder."""
    return isinstance(value, dict) and FOLDER_KEY in value


def is_value_reference(value: object) -> TypeGuard[dict[str, JsonValue]]:
    """Whether `value` stands for a big value in the store."""
    return isinstance(value, dict) and VALUE_KEY in value


def json_size(value: JsonValue) -> int:
    """Return the bytes of a value's compact JSON text: what `INLINE_LIMIT` bounds."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))
