"""Logs of steps, from the chunks in the store, also while they grow.

A log's key is `runs/<id>/logs/<path>/<attempt>/log-00001`; chunks never change once a later one is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from activities.store.keys import encode_name, run_key

if TYPE_CHECKING:
    from activities.store.interface import Store


@dataclass(frozen=True, slots=True, order=True)
class Chunk:
    """A piece of the log of one attempt."""

    step: str
    attempt: int
    key: str


class LogReader:
    """Reads what was printed since it was last asked."""

    def __init__(self, store: Store, execution_id: str, step: str | None) -> None:
        self._store = store
        self._execution_id = execution_id
        self._step = step
        self._read: dict[str, int] = {}

    def new_content(self) -> Iterator[tuple[Chunk, bytes]]:
        """Yield chunks, or the new ends of chunks, in order."""
        for chunk in log_chunks(self._store, self._execution_id, self._step):
            content = self._store.read_document(chunk.key) or b""
            known = self._read.get(chunk.key, 0)
            if len(content) > known:
                self._read[chunk.key] = len(content)
                yield chunk, content[known:]


def log_chunks(store: Store, execution_id: str, step: str | None) -> list[Chunk]:
    """Return the chunks of a run, or of one step with the steps inside it, by step and attempt."""
    prefix = run_key(execution_id, "logs/")
    found = (_chunk(prefix, key) for key in store.list_keys(prefix))
    chunks = [chunk for chunk in found if chunk is not None and is_within(chunk.step, step)]
    return sorted(chunks, key=lambda chunk: (chunk.step, chunk.attempt, chunk.key))


def chunks_under(store: Store, log: str) -> list[str]:
    """Return the keys of the chunks of one log, in order."""
    return sorted(key for key in store.list_keys(log) if key.removeprefix(log).count("/") == 0)


def last_lines(store: Store, execution_id: str, step: str, count: int) -> list[str]:
    """Return the last lines that a step printed, with its latest attempt."""
    logs = run_key(execution_id, "logs/")
    found = (_chunk(logs, key) for key in store.list_keys(f"{logs}{encode_name(step)}/"))
    chunks = sorted((chunk for chunk in found if chunk is not None), key=lambda chunk: (chunk.attempt, chunk.key))
    if not chunks:
        return []
    latest = [chunk for chunk in chunks if chunk.attempt == chunks[-1].attempt][-2:]
    content = b"".join(store.read_document(chunk.key) or b"" for chunk in latest)
    return content.decode("utf-8", "replace").splitlines()[-count:]


def is_within(path: str, step: str | None) -> bool:
    """Whether a path is a step's own, or inside it: of its list, its items or its passes; of None all are."""
    return step is None or path == step or path.startswith((f"{step}/", f"{step}[", f"{step}#"))


def _chunk(prefix: str, key: str) -> Chunk | None:
    parts = key.removeprefix(prefix).split("/")
    if len(parts) != 3 or not parts[1].isdigit():
        return None
    return Chunk(unquote(parts[0]), int(parts[1]), key)
