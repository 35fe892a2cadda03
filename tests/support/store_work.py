"""Everything that a step does to a store, in a process of its own that may be killed at any point of it.

    python -m tests.support.store_work every-call ROOT     a child dies at each call that changes files; how many
    python -m tests.support.store_work every-call-packed ROOT    the same, where the files become a pack
    python -m tests.support.store_work LOCATION FOLDER     each line on stdin: a child works; its pid, its exit code

What a killed child leaves is judged by `check`: whatever can be seen is whole, and the same work can be done again.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from activities.store import directory, packing, staging
from activities.store.canonical_json import digest_of
from activities.store.interface import Store
from activities.store.opening import open_store

SMALL = [f"small file {number}\n".encode() * (number + 1) for number in range(3)]
BIG = bytes(range(256)) * 4 * 1100
"""Above the size up to which a file is read in one piece."""
RECORD = b'{"a": "record"}'
FIRST, SECOND = b"document one" * 50, b"document two" * 50
TAG = b"tag"


def prepare(location: str, folder: Path) -> None:
    """Write the files that the work keeps, and what it finds in the store."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate([*SMALL, BIG]):
        (folder / f"{number}.txt").write_bytes(content)
    store = open_store(location)
    store.write_document("runs/r/run.json", FIRST)
    store.write_document("tags/t", FIRST)


def work(store: Store, folder: Path) -> None:
    """Do all that writes: files, a blob, a record, a document, a swap."""
    store.write_blobs_from(sorted(folder.iterdir()))
    store.write_blob(RECORD)
    store.create_record("cache/k/record", RECORD)
    store.write_document("runs/r/run.json", SECOND)
    store.swap_document("tags/t", FIRST, TAG)


def check(location: str, folder: Path) -> None:
    """See that nothing half is visible, and that the same work can be done again. Raises AssertionError."""
    store = open_store(location)
    for blob in store.list_blobs():
        store.read_blob(blob.digest)  # hashed
    assert store.read_record("cache/k/record") in (None, RECORD)
    assert store.read_document("runs/r/run.json") in (FIRST, SECOND)
    assert store.read_document("tags/t") in (FIRST, TAG)
    if store.read_record("cache/k/record") is not None:  # blobs come first: a record promises them
        assert store.missing_blobs(digest_of(path.read_bytes()) for path in folder.iterdir()) == set()
    work(store, folder)
    assert store.read_record("cache/k/record") == RECORD
    assert store.read_document("runs/r/run.json") == SECOND
    assert store.read_document("tags/t") == TAG
    for digest, size in store.write_blobs_from(sorted(folder.iterdir())):
        assert len(store.read_blob(digest)) == size


_CALLS = ("open", "write", "fsync", "replace", "link", "unlink", "mkdir")


def die_at(number: int) -> None:
    """Let this process die by SIGKILL at its call number `number` that changes files; a write is half done then."""
    count = 0

    def dying(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                if name == "write":
                    descriptor, content = arguments
                    original(descriptor, bytes(content)[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **named)

        return call

    for name in _CALLS:
        setattr(os, name, dying(name, getattr(os, name)))


def forked(task: Callable[[], None]) -> int:
    """Run `task` in a child of ours; return its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        task()
        code = 0
    except BaseException as error:  # a child must never run on into its parent's code
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Wait for a child; return its exit code, negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_at_every_call(root: Path) -> int:
    """Kill a child at its first, second, … call, each on its own store; check what is left; return how many."""
    number = 1
    while True:
        location, folder = str(root / f"store-{number}"), root / "files"
        prepare(location, folder)

        def task(number: int = number, location: str = location, folder: Path = folder) -> None:
            store = open_store(location)
            die_at(number)
            work(store, folder)

        code = ended(forked(task))
        check(location, folder)
        if code == 0:
            return number - 1
        assert code == -signal.SIGKILL, f"the child ended with {code}"
        number += 1


def serve(location: str, folder: Path) -> None:
    """Do the work in a child for each line of stdin: its pid first, then how it ended."""
    for _ in sys.stdin:
        child = forked(lambda: work(open_store(location), folder))
        say(child)
        say(ended(child))


def say(number: int) -> None:
    """Answer with a line."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] in ("every-call", "every-call-packed"):
        if sys.argv[1] == "every-call-packed":
            staging.MANY = directory.MANY = packing.PACKED_FROM = 2
        say(die_at_every_call(Path(sys.argv[2])))
    else:
        serve(sys.argv[1], Path(sys.argv[2]))
