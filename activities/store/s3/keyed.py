"""Records and documents: small objects under their own keys, conditions kept by S3 itself.

They are never cached: what is read is what is there now (S3 is consistent in that since 2020).
"""

import hashlib
from collections.abc import Iterator

from activities.store.interface import StoredEntry, StoreError
from activities.store.keys import KEY_LIMIT, checked_key
from activities.store.s3.bucket import Bucket

KEYS = "keys/"


class KeyedObjects:
    """Any thread may ask."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def create(self, key: str, content: bytes) -> bool:
        """Create; False where something is there."""
        return self._bucket.put(self._name(key), content, hashlib.sha256(content).digest(), if_absent=True)

    def read(self, key: str) -> bytes | None:
        """Return what is there, or None."""
        found = self._bucket.get(self._name(key))
        return None if found is None else found.body

    def delete(self, key: str) -> None:
        """Delete what is there."""
        self._bucket.delete(self._name(key))

    def write(self, key: str, content: bytes) -> None:
        """Write, whatever is there."""
        self._bucket.put(self._name(key), content, hashlib.sha256(content).digest())

    def swap(self, key: str, before: bytes | None, after: bytes) -> bool:
        """Write if what is there is `before`: its ETag is the condition, so nothing can come in between."""
        if before is None:
            return self.create(key, after)
        found = self._bucket.get(self._name(key))
        if found is None or found.body != before:
            return False
        return self._bucket.put(self._name(key), after, hashlib.sha256(after).digest(), if_match=found.etag)

    def entries(self, prefix: str) -> Iterator[StoredEntry]:
        """Yield what lies under `prefix`, sorted by key."""
        for item in self._bucket.listing(KEYS + prefix):
            yield StoredEntry(item.name.removeprefix(KEYS), item.size, item.modified)

    def _name(self, key: str) -> str:
        name = KEYS + checked_key(key)
        if len(self._bucket.location.full(name)) > KEY_LIMIT:
            raise StoreError(f"`{key[:200]}` is not a key of this store: with its prefix it is too long for S3")
        return name
