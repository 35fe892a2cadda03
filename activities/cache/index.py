"""Which keys a step of a definition had lately and why it ran: so that a miss can be explained.

A small document per definition, step path and trust, written when a step is about to run: a step that then fails, or
whose result is not kept, can be explained too. Several writers swap it; a line that is lost all the same costs an
explanation, never a result.
"""

import json
from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from activities.store.canonical_json import digest_of
from activities.store.interface import Store
from activities.store.keys import encode_name
from definitions.trust import TRUSTED, Trust

INDEX = "cache/lately/"
KEPT_LINES = 30

_LONGEST_NAME = 150
_TRIES = 5


class Line(BaseModel):
    """One key with which a step ran."""

    model_config = ConfigDict(frozen=True)

    key: str
    execution_id: str
    created_at: datetime
    descriptor: str = ""
    """Digest of the descriptor's blob."""
    files: str = ""
    """Digest of the list of input files."""
    reason: str = ""
    """Why nothing was taken from the cache."""
    not_kept: str = ""
    """Why the result was not kept, where it was not."""


Lines = list[Line]
_LINES = TypeAdapter(Lines)


def remember(store: Store, definition_id: str, path: str, line: Line, trust: Trust = TRUSTED) -> None:
    """Take note of the key with which a step runs. Raises `StoreError`."""

    def with_line(known: Lines) -> Lines:
        others = [one for one in known if (one.key, one.execution_id) != (line.key, line.execution_id)]
        return [line, *others][:KEPT_LINES]

    _change(store, _document(definition_id, path, trust), with_line)


def lines(store: Store, definition_id: str, path: str) -> Lines:
    """Return the keys that a step had, of all trusts, the latest first."""
    found = [
        line for key in store.list_keys(f"{_folder(definition_id, path)}/") for line in _read(store.read_document(key))
    ]
    return sorted(found, key=lambda line: line.created_at, reverse=True)


def _change(store: Store, document: str, change: Callable[[Lines], Lines]) -> None:
    for _ in range(_TRIES):
        before = store.read_document(document)
        if store.swap_document(document, before, _LINES.dump_json(change(_read(before)), exclude_defaults=True)):
            return


def _read(content: bytes | None) -> Lines:
    if content is None:
        return []
    try:
        return _LINES.validate_python(json.loads(content))
    except (ValueError, ValidationError):
        return []


def _document(definition_id: str, path: str, trust: Trust) -> str:
    return f"{_folder(definition_id, path)}/{encode_name(trust.place)}"


def _folder(definition_id: str, path: str) -> str:
    return f"{INDEX}{_name(definition_id)}/{_name(path)}"


def _name(text: str) -> str:
    name = encode_name(text)
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}-{digest_of(name.encode())[:16]}"
