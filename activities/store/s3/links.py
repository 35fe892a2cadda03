"""Pre-signed links: an address that gives one blob to whoever has it, for some minutes.

Browsers are told to save the file, never to show it: what a step made must not run as a page of the bucket's
address. What is in a pack or encoded gets a plain copy under `links/` first; that can be swept at any time.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Executor
from urllib.parse import quote

from activities.store.keys import checked_digest
from activities.store.packs.frames import MAGIC, is_encoded
from activities.store.s3.bucket import Bucket
from activities.store.s3.presence import blob_name
from activities.store.s3.reading import BlobReader
from activities.store.s3.transfers import PART_SIZE, PartsSender, part_size_for, regrouped

LONGEST_SECONDS = 900
_SHOWN_AS_PAGES = ("html", "xml", "svg", "javascript")


class Links:
    """Any thread may ask."""

    def __init__(self, bucket: Bucket, reader: BlobReader, pool: Executor) -> None:
        self._bucket = bucket
        self._reader = reader
        self._pool = pool

    def link(self, digest: str, seconds: int, file_name: str, media_type: str) -> str:
        """Return the address. Raises `BlobMissing`."""
        name = self._plain_object(checked_digest(digest))
        is_page = any(word in media_type for word in _SHOWN_AS_PAGES)
        return self._bucket.link(
            name,
            max(1, min(seconds, LONGEST_SECONDS)),
            ResponseContentDisposition=f"attachment; filename*=UTF-8''{quote(file_name, safe='', errors='replace')}",
            ResponseContentType="application/octet-stream" if is_page or not media_type else media_type,
        )

    def _plain_object(self, digest: str) -> str:
        name = blob_name(digest)
        start = self._bucket.get_range(name, 0, len(MAGIC))
        if start is not None and not is_encoded(start.body):
            return name
        name = f"links/{digest[:2]}/{digest}"
        if self._bucket.look_at(name) is None:
            self._reader.use(digest, lambda pieces: self._send(name, pieces))
        return name

    def _send(self, name: str, pieces: Iterator[bytes]) -> None:
        parts = regrouped(pieces, part_size_for(0))
        first = next(parts, b"")
        if len(first) < PART_SIZE:
            # nothing follows; and by now it was found to be sound
            for _ in parts:
                raise AssertionError("only the last part is smaller")
            self._bucket.put(name, first, hashlib.sha256(first).digest())
            return
        sender = PartsSender(self._bucket, self._pool, name)
        try:
            sender.send(first)
            for part in parts:
                sender.send(part)
            sender.end()
        except BaseException:
            sender.abort()
            raise
