"""Checkpoints: pairs of (transcript, tree) by which a conversation goes on after its worker is lost.

A pair is taken at the end of a turn, and its two digests travel in the heartbeat. The transcript is read
before the tree: a file that the transcript does not know of yet is harmless (the agent is told to look before
it repeats anything); a transcript that tells of a file which is not there would not be.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time_ns

from pydantic import JsonValue

from activities.secrets.guarding import check_files
from activities.secrets.masking import Mask
from activities.store.interface import Store
from activities.workspace.manifest import Manifest, load_manifest, save_manifest
from activities.workspace.restoring import bring_to
from activities.workspace.snapshots import snapshot
from activities.workspace.stat_cache import STAT_CACHES, StatCache

LONGEST_WAIT = 2.0
"""Seconds for which a transcript may lag behind; then it is taken as it is."""
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A transcript and the tree that goes with it, both by digest."""

    transcript: str
    tree: str

    def as_json(self) -> dict[str, JsonValue]:
        """Return what the heartbeat carries."""
        return {"transcript": self.transcript, "tree": self.tree}


def checkpoint_from(value: JsonValue) -> Checkpoint | None:
    """Return the checkpoint that a heartbeat carried; None where it carried none."""
    match value:
        case {"transcript": str(transcript), "tree": str(tree)}:
            return Checkpoint(transcript, tree)
        case _:
            return None


class Checkpoints:
    """Takes and restores the checkpoints of one attempt. Calls block."""

    def __init__(self, store: Store, workspace: Path, tree_before: str | None, mask: Mask | None = None) -> None:
        self._store = store
        self._workspace = workspace
        self._tree_before = tree_before
        self._mask = mask or Mask()
        self._begun = time_ns()
        self._previous: Manifest | None = None

    def take(self, transcript: Path, mark: str = "") -> Checkpoint | None:
        """Store the pair as it is once the transcript holds `mark`; None where there is no transcript.

        The agent writes its transcript after it says what it did, hence a short wait.
        """
        deadline = monotonic() + LONGEST_WAIT
        written = _whole_lines(transcript)
        while mark.encode() not in written and monotonic() < deadline:
            sleep(_LOOK)
            written = _whole_lines(transcript)
        if not written:
            return None
        check_files(self._workspace, self._mask, self._begun)
        digest = self._store.write_blob(self._mask.masked(written))
        self._previous = snapshot(self._store, self._workspace, self._previous or self._before())
        return Checkpoint(digest, save_manifest(self._store, self._previous))

    def restore(self, checkpoint: Checkpoint, transcript: Path) -> None:
        """Lay the pair out. Raises `StepFailure` where the store lacks some of it."""
        content = self._store.read_blob(checkpoint.transcript)
        after = load_manifest(self._store, checkpoint.tree)
        known = STAT_CACHES.get(self._workspace) or StatCache()
        STAT_CACHES.forget(self._workspace)
        STAT_CACHES.put(self._workspace, bring_to(self._store, after, self._workspace, known, keep_left_out=True))
        transcript.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        transcript.write_bytes(content)
        self._previous = after

    def _before(self) -> Manifest | None:
        return load_manifest(self._store, self._tree_before) if self._tree_before else None


def _whole_lines(transcript: Path) -> bytes:
    """Return the transcript without a last line that is still being written."""
    try:
        content = transcript.read_bytes()
    except FileNotFoundError:
        return b""
    whole, newline, rest = content.rpartition(b"\n")
    try:
        json.loads(rest)
    except ValueError:
        return whole + newline
    return content
