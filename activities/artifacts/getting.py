"""An artifact onto a disk: checked against its digest, never over something that is there, never half.

It is made under another name beside its place, and gets its own by one step that fails where something is there.
"""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path

from activities.artifacts.content import digests_of
from activities.artifacts.versions import ArtifactVersion
from activities.store.interface import Store
from activities.workspace.manifest import load_manifest
from activities.workspace.removal import remove_tree
from activities.workspace.restoring import restore


class InTheWay(Exception):
    """Something is where an artifact shall be."""


def get(store: Store, version: ArtifactVersion, target: Path) -> None:
    """Write an artifact to `target`, which must not exist; its parents are made. Blocks.

    Raises:
        InTheWay: something is there.
        OSError: it cannot be written there.
        StepFailure: the content is gone or damaged (`BlobMissing`), or the disk is full.
    """
    if os.path.lexists(target):
        raise InTheWay(str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    store.fetch(list(digests_of(store, version)))
    with _beside(target) as made:
        if version.kind == "folder":
            restore(store, load_manifest(store, version.digest), made)
        else:
            store.copy_blob_to(version.digest, made, executable=version.executable)
        _name(made, target)


@contextlib.contextmanager
def _beside(target: Path) -> Generator[Path]:
    """Give a name beside `target`; whatever is still under it afterwards is removed."""
    made = target.with_name(f".{target.name[:200]}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        yield made
    finally:
        if made.is_dir():
            remove_tree(made)
        else:
            made.unlink(missing_ok=True)


def _name(made: Path, target: Path) -> None:
    """Give what was made its name. Raises `InTheWay` where it is taken in this moment."""
    try:
        if made.is_dir():
            target.mkdir()  # fails where anything is there; a rename over an empty folder of ours does not
            made.rename(target)
            return
        os.link(made, target)
    except FileExistsError:
        raise InTheWay(str(target)) from None
    except PermissionError:
        if made.is_dir():
            raise
        made.rename(target)  # a file system without hard links; that nothing is there was looked at
