"""Which keys a step of a definition had lately: so that a miss can be explained by the nearest earlier record.

A small document per definition and step path. Two writers at once may lose each other's line; that costs an
explanation, never a result.
"""

import json
from datetime import datetime

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from activities.store.canonical_json import digest_of
from activities.store.interface import Store
from activities.store.keys import encode_name

KEPT_LINES = 20
_LONGEST_NAME = 150


class Line(BaseModel):
    """One key that a step had."""

    model_config = ConfigDict(frozen=True)

    key: str
    execution_id: str
    created_at: datetime


_LINES = TypeAdapter(list[Line])


def remember(store: Store, definition_id: str, path: str, key: str, execution_id: str, created_at: datetime) -> None:
    """Take note of the key under which a step was saved. Raises `StoreError`."""
    line = Line(key=key, execution_id=execution_id, created_at=created_at)
    others = [known for known in lines(store, definition_id, path) if known.key != key]
    content = _LINES.dump_json([line, *others][:KEPT_LINES])
    store.write_document(_document(definition_id, path), content)


def lines(store: Store, definition_id: str, path: str) -> list[Line]:
    """Return the keys that a step had, the latest first."""
    content = store.read_document(_document(definition_id, path))
    if content is None:
        return []
    try:
        return _LINES.validate_python(json.loads(content))
    except (ValueError, ValidationError):
        return []


def _document(definition_id: str, path: str) -> str:
    return f"cache/index/{_name(definition_id)}/{_name(path)}"


def _name(text: str) -> str:
    name = encode_name(text)
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}-{digest_of(name.encode())[:16]}"
