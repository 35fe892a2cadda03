"""What this user may do with a store, found by trying: what `perdure doctor` prints of it.

Each try is one thing that Perdure does, on documents of its own below `probes/`, which are removed. A person who only
looks needs `list` and `read`; a worker, and whoever starts runs, needs all of `NEEDED_TO_WRITE`; links are a help.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

from activities.store.interface import Store, StoreError

NEEDED_TO_READ = ("list", "read")
NEEDED_TO_WRITE = ("write", "create once", "swap", "delete")
LINK = "link"
LINK_SECONDS = 60
_PROBE = b"perdure doctor was here"
_ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Permission:
    """What came of a try."""

    name: str
    is_given: bool
    message: str
    """What was done, or why it could not be."""


class _Unfit(Exception):
    """The store did something else than it was asked."""


def try_permissions(store: Store) -> list[Permission]:
    """Try each thing that is done with a store; what cannot be removed afterwards is left below `probes/`."""
    trial = _Trial(store)
    tries: list[tuple[str, Callable[[], str]]] = [
        ("list", trial.list),
        ("write", trial.write),
        ("read", trial.read),
        ("create once", trial.create),
        ("swap", trial.swap),
        ("delete", trial.delete),
        (LINK, trial.link),
    ]
    return [_tried(name, work) for name, work in tries]


def may_read(found: list[Permission]) -> bool:
    """Whether a person can look at runs."""
    return all(one.is_given for one in found if one.name in NEEDED_TO_READ)


def may_write(found: list[Permission]) -> bool:
    """Whether runs can be made."""
    return all(one.is_given for one in found if one.name in NEEDED_TO_WRITE)


def _tried(name: str, work: Callable[[], str]) -> Permission:
    try:
        return Permission(name, True, work())
    except StoreError as error:
        return Permission(name, False, error.message)
    except (_Unfit, URLError, OSError) as error:
        return Permission(name, False, str(error))


class _Trial:
    """The tries, each for itself: one that fails says nothing of the others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._prefix = f"probes/{os.urandom(8).hex()}"
        self._document = f"{self._prefix}-document"
        self._record = f"{self._prefix}-record"
        self._has_written = False

    def list(self) -> str:
        next(iter(self._store.list_keys("")), None)
        return "keys can be listed"

    def write(self) -> str:
        self._store.write_document(self._document, _PROBE)
        self._store.write_blob(_PROBE)
        self._has_written = True
        return "objects can be written"

    def read(self) -> str:
        found = self._store.read_document(self._document)
        if found != (_PROBE if self._has_written else None):
            raise _Unfit("a document is not what was written just before")
        return "objects can be read"

    def create(self) -> str:
        if not self._store.create_record(self._record, _PROBE):
            raise _Unfit("a record that is not there counts as there")
        if self._store.create_record(self._record, b"another"):
            raise _Unfit("a record was written over: this server ignores `If-None-Match`; use one that honours it")
        return "the first writer wins"

    def swap(self) -> str:
        if self._store.swap_document(self._document, b"something else", b"another"):
            raise _Unfit(
                "a document was swapped that is another: this server ignores `If-Match`; use one that honours it"
            )
        if self._has_written and not self._store.swap_document(self._document, _PROBE, b"swapped"):
            raise _Unfit("a document cannot be swapped although it is what was written")
        return "a document is swapped only if it is what it was"

    def delete(self) -> str:
        for key in (self._document, self._record):
            self._store.delete_record(key)
            if self._store.read_document(key) is not None:
                raise _Unfit(f"`{key}` is there after it was deleted")
        return "objects can be deleted"

    def link(self) -> str:
        digest = self._store.write_blob(_PROBE)
        address = self._store.link_to(digest, LINK_SECONDS, "probe.txt", "text/plain")
        if address is None:
            return "a folder has no links; files are copied"
        with urlopen(address, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 # made by boto3
            if answer.read() != _PROBE:
                raise _Unfit("a pre-signed link gives something else than the file")
        return "pre-signed links are answered"
