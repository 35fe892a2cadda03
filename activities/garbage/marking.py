"""Which blobs are reachable. Marking errs on the safe side: whatever looks like a digest in a document counts as one.

Documents and records are JSON, and so are the blobs that refer to others: contexts of runs, trees, big values. Such a
blob is followed; the files of a tree, and all that is no JSON, are leaves and never read.
"""

import re
from collections.abc import Iterable, Mapping

from activities.store.interface import BlobMissing, Store
from activities.workspace.manifest import parse_manifest
from activities.workspace.shards import parse_entries
from definitions.errors import StepFailure

FOLLOWED_UP_TO = 64 << 20
"""Bytes of a JSON blob that is still followed; a bigger one is a leaf."""

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_JSON_STARTS = (b"{", b"[")


def digests_in(content: bytes) -> set[str]:
    """Return whatever looks like a digest in a text."""
    return {found.decode("ascii") for found in _DIGEST.findall(content)}


class Marking:
    """Marks what is reachable in a store. Blocks."""

    def __init__(self, store: Store, sizes: Mapping[str, int]) -> None:
        """`sizes`: of all blobs that are there, by digest."""
        self._store = store
        self._sizes = sizes
        self._live: set[str] = set()
        self._followed: set[str] = set()

    @property
    def live(self) -> set[str]:
        """What was reached so far, as far as it is there."""
        return self._live

    def add_leaves(self, digests: Iterable[str]) -> None:
        """Mark blobs that refer to nothing."""
        self._live.update(digest for digest in digests if digest in self._sizes)

    def add(self, digests: Iterable[str]) -> None:
        """Mark blobs, and all that they lead to."""
        waiting = [digest for digest in digests if digest in self._sizes]
        while waiting:
            digest = waiting.pop()
            self._live.add(digest)
            if digest not in self._followed:
                self._followed.add(digest)
                waiting += self._led_to(digest)

    def _led_to(self, digest: str) -> list[str]:
        """Return the blobs to follow next."""
        if self._sizes[digest] > FOLLOWED_UP_TO:
            return []
        try:
            content = self._store.read_blob(digest)
        except BlobMissing:
            return []  # damaged, and put aside by the look at it
        if not content.startswith(_JSON_STARTS):
            return []
        files = _files_of_tree(content)
        if files is not None:
            self.add_leaves(files)
            return []
        return [found for found in digests_in(content) if found in self._sizes and found not in self._followed]


def _files_of_tree(content: bytes) -> list[str] | None:
    """Return the files that a list of them names (a tree, or a shard of one); None where it is none."""
    try:
        entries = parse_entries(content, "") if content.startswith(b"[") else parse_manifest(content, "").entries
    except StepFailure:
        return None
    return [entry.digest for entry in entries if entry.type == "f"]
