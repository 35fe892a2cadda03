"""The folder of a store: names in it that nobody else uses, and what its disk refuses as the store's failures."""

import contextlib
import fcntl
import hashlib
import itertools
import os
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

from activities.store.durable_files import write_new_file
from activities.store.failures import store_error, store_gone
from activities.store.interface import RENEWED_AFTER

_LOCK_FILE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class DirectoryPlace:
    """Where everything of a store is. Any thread may ask."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.blobs = self.root / "cas"
        self.packs = self.root / "packs"
        self.indexes = self.root / "index"
        self.keys = self.root / "keys"
        self.quarantine = self.root / "quarantine"
        self._temporary = self.root / "tmp"
        self._locks = self.root / "locks"
        self._token = f"{os.getpid()}-{os.urandom(6).hex()}"
        self._numbers = itertools.count()

    def temporary_name(self) -> str:
        """A path that no other thread, process or machine uses (`next` on a count is atomic, on a generator not)."""
        return f"{self._temporary}/{self._token}-{next(self._numbers)}"

    def stage(self, content: bytes) -> str:
        """Write content to `tmp/`; return its path. Raises OSError."""
        temporary = self.temporary_name()
        write_new_file(temporary, content, mode=0o444)
        return temporary

    def check_there(self) -> None:
        """Before anything is called missing: a network folder that is not mounted has nothing, and loses nothing."""
        if not os.path.isdir(self.keys):
            raise store_gone(str(self.root))

    @contextlib.contextmanager
    def holding(self, name: str) -> Generator[None]:
        """Keep out others that hold the same name: other threads, processes and machines. Raises OSError."""
        path = self._locks / hashlib.sha256(name.encode()).hexdigest()[:2]
        descriptor = os.open(path, _LOCK_FILE, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def writing(self) -> Generator[None]:
        """Turn what the disk refuses into the store's failure."""
        try:
            yield
        except OSError as error:
            raise store_error(error, "write to", str(self.root)) from error

    @contextlib.contextmanager
    def reading(self) -> Generator[None]:
        """Turn what the disk refuses into the store's failure."""
        try:
            yield
        except OSError as error:
            raise store_error(error, "read from", str(self.root)) from error


def place_file(temporary: str, target: str) -> None:
    """Rename a file into its place, whose folder is made if it is absent. Raises OSError."""
    try:
        os.replace(temporary, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(temporary, target)


def renewed_since() -> float:
    """Since when whatever was written or renewed is young."""
    return (datetime.now(UTC) - RENEWED_AFTER).timestamp()
