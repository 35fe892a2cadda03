"""Logs of steps, from the chunks in the store, also while they grow.

A log's key is `runs/<id>/logs/<path>/<attempt>/log-00001`; chunks never change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from activities.store.keys import encode_name, run_key
from client.log_parts import WHOLE, Part, pieces

if TYPE_CHECKING:
    from activities.store.interface import Store, StoredEntry

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Chunk:
    """A piece of the log of one attempt."""

    step: str
    attempt: int
    key: str
    size: int = field(default=0, compare=False)
    modified: datetime = field(default=LONG_AGO, compare=False)
    """When it was written."""


class LogReader:
    """Reads what was printed since it was last asked; the first time, the part that is wanted of what is there."""

    def __init__(self, store: Store, execution_id: str, step: str | None, part: Part = WHOLE) -> None:
        self._store = store
        self._execution_id = execution_id
        self._step = step
        self._part = part
        self._read: set[str] | None = None

    def new_content(self) -> Iterator[tuple[Chunk, bytes]]:
        """Yield chunks, in order: each is written once, whole."""
        chunks = log_chunks(self._store, self._execution_id, self._step)
        known, self._read = self._read, {chunk.key for chunk in chunks}
        if known is None:
            yield from pieces(self._content, chunks, self._part)
            return
        for chunk in chunks:
            if chunk.key not in known and self._part.attempt in (None, chunk.attempt):
                yield chunk, self._content(chunk.key)

    def _content(self, key: str) -> bytes:
        return self._store.read_document(key) or b""


def log_chunks(store: Store, execution_id: str, step: str | None) -> list[Chunk]:
    """Return the chunks of a run, or of one step with the steps inside it, by step and attempt."""
    prefix = run_key(execution_id, "logs/")
    found = (_chunk(prefix, entry) for entry in store.list_entries(prefix))
    chunks = [chunk for chunk in found if chunk is not None and is_within(chunk.step, step)]
    return sorted(chunks, key=lambda chunk: (chunk.step, chunk.attempt, chunk.key))


def chunks_under(store: Store, log: str, step: str, attempt: int) -> list[Chunk]:
    """Return the chunks of one log, in order, as those of a step."""
    entries = [entry for entry in store.list_entries(log) if "/" not in entry.key.removeprefix(log)]
    return [Chunk(step, attempt, entry.key, entry.size, entry.modified) for entry in entries]


def last_lines(store: Store, execution_id: str, step: str, count: int) -> list[str]:
    """Return the last lines that a step printed, with its latest attempt."""
    logs = run_key(execution_id, "logs/")
    found = (_chunk(logs, entry) for entry in store.list_entries(f"{logs}{encode_name(step)}/"))
    chunks = sorted((chunk for chunk in found if chunk is not None), key=lambda chunk: (chunk.attempt, chunk.key))
    if not chunks:
        return []
    latest = [chunk for chunk in chunks if chunk.attempt == chunks[-1].attempt][-2:]
    content = b"".join(store.read_document(chunk.key) or b"" for chunk in latest)
    return content.decode("utf-8", "replace").splitlines()[-count:]


def is_within(path: str, step: str | None) -> bool:
    """Whether a path is a step's own, or inside it: of its list, its items or its passes; of None all are."""
    return step is None or path == step or path.startswith((f"{step}/", f"{step}[", f"{step}#"))


def _chunk(prefix: str, entry: StoredEntry) -> Chunk | None:
    parts = entry.key.removeprefix(prefix).split("/")
    if len(parts) != 3 or not parts[1].isdigit():
        return None
    return Chunk(unquote(parts[0]), int(parts[1]), entry.key, entry.size, entry.modified)
