"""Which versions of artifacts go, and what must stay in the store for those that are there.

The rule of the newest version counts for all of its name. The newest version never goes, nor what a tag stands at.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from activities.artifacts.content import digests_of
from activities.artifacts.tags import tags_of
from activities.artifacts.versions import (
    ArtifactVersion,
    artifact_names,
    delete_version,
    read_version,
    version_numbers,
)
from activities.store.interface import Store, StoreError
from definitions.errors import StepFailure


def prune(store: Store, name: str, now: datetime, *, dry_run: bool = False) -> list[int]:
    """Delete the versions of a name that its rule lets go; return their numbers. Blocks.

    Nothing goes where something cannot be read: keeping too much is harmless.
    """
    try:
        doomed = _doomed(store, name, now)
        if not dry_run:
            for number in doomed:
                delete_version(store, name, number)
    except (StepFailure, StoreError):
        return []
    return doomed


def prune_all(store: Store, now: datetime, *, dry_run: bool = False) -> dict[str, list[int]]:
    """Do the same for all artifacts; return what went, by name. For `perdure store gc`."""
    found = {name: prune(store, name, now, dry_run=dry_run) for name in artifact_names(store)}
    return {name: numbers for name, numbers in found.items() if numbers}


def live_digests(store: Store) -> Iterator[str]:
    """Yield the digests of all blobs that artifacts need: roots of the garbage collection. Blocks.

    Raises:
        StepFailure: a version's record is damaged, so it is not known what it needs; `BlobMissing`: a tree is gone.
    """
    for name in artifact_names(store):
        for number in version_numbers(store, name):
            version = read_version(store, name, number)
            if version is not None:
                yield from digests_of(store, version)


def _doomed(store: Store, name: str, now: datetime) -> list[int]:
    numbers = version_numbers(store, name)
    newest = read_version(store, name, numbers[-1]) if numbers else None
    if newest is None or newest.retention is None:
        return []
    rule = newest.retention
    tagged = {tag.version for _, tag in tags_of(store, name)}
    older = [number for number in numbers[:-1] if number not in tagged]
    surplus = set[int]()
    if rule.versions is not None:
        surplus.update(older[: max(0, len(numbers) - rule.versions)])
    if rule.age_seconds is not None:
        surplus.update(_before(store, name, older, now - timedelta(seconds=rule.age_seconds)))
    return sorted(surplus)


def _before(store: Store, name: str, numbers: list[int], moment: datetime) -> Iterator[int]:
    """Yield the numbers of versions from before a moment; numbers follow time, so the first younger one ends it."""
    for number in numbers:
        version: ArtifactVersion | None = read_version(store, name, number)
        if version is not None and version.published_at >= moment:
            return
        if version is not None:
            yield number
