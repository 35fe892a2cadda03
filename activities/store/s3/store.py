"""The store on S3: its parts behind the `Store` protocol."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from activities.store.interface import Arrival, StoredBlob, StoredEntry, Swept
from activities.store.keys import checked_digest
from activities.store.s3.at_hand import AtHand
from activities.store.s3.bucket import Bucket
from activities.store.s3.client import THREADS
from activities.store.s3.fetching import BlobFetcher
from activities.store.s3.keyed import KeyedObjects
from activities.store.s3.links import Links
from activities.store.s3.local_cache import LocalCache
from activities.store.s3.pack_index import INDEX, PackIndex
from activities.store.s3.presence import ALONE, Presence
from activities.store.s3.reading import BlobReader, exhausted
from activities.store.s3.renewal import Renewal
from activities.store.s3.sweeping import Sweeper
from activities.store.s3.writing import BlobWriter


class S3Store:
    """A store below a prefix of a bucket (see `activities.store.s3.opening`). Any thread may use it; no fork may."""

    def __init__(self, bucket: Bucket, cache: LocalCache) -> None:
        self._bucket = bucket
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="perdure-s3")
        self._index = PackIndex(bucket, cache, pool)
        self._presence = Presence(bucket, self._index, pool)
        self._renewal = Renewal(bucket, self._presence, self._index, pool)
        self._writer = BlobWriter(bucket, self._presence, self._index, self._renewal, cache, pool)
        at_hand = AtHand(pool)
        self._reader = BlobReader(bucket, self._presence, self._index, cache, pool, at_hand)
        self._sweeper = Sweeper(bucket, self._index, self._reader, self._writer.put_pack)
        nothing_here = LocalCache(Path(), limit=0)
        self._checker = BlobReader(bucket, self._presence, self._index, nothing_here, pool, AtHand(pool))
        self._fetcher = BlobFetcher(bucket, self._index, cache, pool, at_hand)
        self._links = Links(bucket, self._reader, pool)
        self._keyed = KeyedObjects(bucket)

    @property
    def location(self) -> str:
        """`s3://bucket/prefix`."""
        return str(self._bucket.location)

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self._bucket.requests

    # --- blobs --------------------------------------------------------------------------------------

    def write_blob(self, content: bytes) -> str:
        """Keep `content` and return its digest."""
        return self._writer.write(content)

    def write_blob_from(self, path: Path) -> tuple[str, int]:
        """Keep a file's content as it is read now; return digest and size."""
        return self._writer.write_files([path])[0]

    def write_blobs_from(self, paths: Sequence[Path | str]) -> list[tuple[str, int]]:
        """Keep the contents of many files: small ones in packs, several on their way at once."""
        return self._writer.write_files(paths)

    def read_blob(self, digest: str) -> bytes:
        """Return a blob's content. Raises `BlobMissing`."""
        return self._reader.read(digest)

    def copy_blob_to(
        self, digest: str, path: Path, *, executable: bool = False, folder_descriptor: int | None = None
    ) -> None:
        """Write a blob's content to a new file. Raises `BlobMissing`, OSError."""
        self._reader.copy_to(digest, path, executable=executable, folder_descriptor=folder_descriptor)

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is there (its content unchecked)."""
        return not self._presence.missing([digest])

    def missing_blobs(self, digests: Iterable[str]) -> set[str]:
        """Return which of these are not there: few are asked for one by one, many are looked up in a listing."""
        return self._presence.missing(digests)

    def is_young(self, digest: str) -> bool:
        """Whether the blob is there and was written or renewed lately, by the server's clock."""
        return self._renewal.is_young(checked_digest(digest))

    def renew(self, digests: Iterable[str]) -> set[str]:
        """Make these blobs young where they are not; return which are not there."""
        return self._renewal.renew(checked_digest(digest) for digest in digests)

    def check_blob(self, digest: str) -> None:
        """Read a blob from S3 and hash it. Raises `BlobMissing`."""
        self._checker.use(checked_digest(digest), exhausted)

    def sweep(self, is_live: Callable[[str], bool], before: datetime, *, dry_run: bool) -> Swept:
        """Remove the blobs that are not live and were neither written nor renewed since `before`."""
        return self._sweeper.sweep(is_live, before, dry_run=dry_run)

    def fetch(self, digests: Iterable[str]) -> None:
        """Have these blobs in the local cache, whole packs at once."""
        self._fetcher.fetch(digests)

    def arriving(self, digests: Iterable[str]) -> Iterator[Arrival]:
        """Yield these blobs in groups, each when it is in memory: a pack, or a blob alone."""
        return self._fetcher.arriving(digests)

    def list_blobs(self) -> Iterator[StoredBlob]:
        """Yield all blobs: those alone, then those of each pack."""
        for item in self._bucket.listing(ALONE):
            yield StoredBlob(item.name.rpartition("/")[2], item.size, item.modified)
        for item in self._bucket.listing(INDEX):
            yield from self._blobs_of(item.name.removeprefix(INDEX), item.modified)

    def link_to(self, digest: str, seconds: int, file_name: str, media_type: str) -> str | None:
        """Return an address that downloads the blob, for at most 15 minutes. Raises `BlobMissing`."""
        return self._links.link(digest, seconds, file_name, media_type)

    # --- records and documents ----------------------------------------------------------------------

    def create_record(self, key: str, content: bytes) -> bool:
        """Create a record; False where one is there already."""
        return self._keyed.create(key, content)

    def read_record(self, key: str) -> bytes | None:
        """Return a record, or None."""
        return self._keyed.read(key)

    def delete_record(self, key: str) -> None:
        """Delete a record or document if it is there."""
        self._keyed.delete(key)

    def write_document(self, key: str, content: bytes) -> None:
        """Write or overwrite a document."""
        self._keyed.write(key, content)

    def swap_document(self, key: str, before: bytes | None, after: bytes) -> bool:
        """Write a document if it is `before` now."""
        return self._keyed.swap(key, before, after)

    def read_document(self, key: str) -> bytes | None:
        """Return a document, or None."""
        return self._keyed.read(key)

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield keys that begin with `prefix`, sorted."""
        return (entry.key for entry in self._keyed.entries(prefix))

    def list_entries(self, prefix: str) -> Iterator[StoredEntry]:
        """Yield records and documents whose keys begin with `prefix`, sorted by key."""
        return self._keyed.entries(prefix)

    # --- within -------------------------------------------------------------------------------------

    def _blobs_of(self, pack: str, modified: datetime) -> Iterator[StoredBlob]:
        for row in self._index.rows(pack):
            yield StoredBlob(row.digest, row.stored, modified, pack)
