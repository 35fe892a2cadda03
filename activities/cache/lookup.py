"""Look-up: what is kept under a key and may be taken now.

A hit applies a delta, so a path that it touches must be now what it was then, or the look-up is a miss (restoring a
whole tree under a filtered key would revert other edits). Whatever goes wrong makes a miss, and never a failure.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activities.cache.copies import stale_copy
from activities.cache.fitting import obstacle, tree_with
from activities.cache.keys import CacheKey
from activities.cache.records import CacheRecord, names_of, read_record
from activities.store.interface import Store, StoreError
from activities.workspace.deltas import delta_from_json
from activities.workspace.manifest import Manifest, save_manifest
from definitions.errors import StepFailure
from definitions.steps import Step
from definitions.trust import TRUSTED, Trust

CLOCKS_DIFFER = timedelta(minutes=5)
"""A record from further in the future says nothing of its age."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The step need not run: its record, and the tree after."""

    record: CacheRecord
    tree: Manifest | None


@dataclass(frozen=True, slots=True)
class Miss:
    """The step must run; why."""

    reason: str
    is_damage: bool = False
    """Whether something was kept that cannot be used: people should hear of it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Which of the kept results count."""

    trust: Trust = TRUSTED
    ttl: timedelta | None = None
    at: datetime | None = None
    """When `ttl` is asked for; None: now."""

    def too_old(self, record: CacheRecord) -> str | None:
        """Return why a record's age forbids to take it."""
        if self.ttl is None:
            return None
        age = (self.at or datetime.now(UTC)) - record.created_at
        if age < -CLOCKS_DIFFER:
            return f"what was kept is of {record.created_at:%Y-%m-%d %H:%M} UTC, which is not yet: `ttl` cannot be told"
        return f"what was kept is older than its `ttl`, {self.ttl}" if age > self.ttl else None


ANY = Limits()


def look_up(
    store: Store, key: CacheKey, manifest: Manifest | None, limits: Limits = ANY, step: Step | None = None
) -> Hit | Miss:
    """Return what is kept under `key`, if it fits the tree at hand. Never fails. Blocks.

    `step`: whose copies of files must be those of the tree after.
    """
    miss = Miss("nothing is kept under this key")
    try:
        for trust in limits.trust.readable:
            found = _look_up(store, key, manifest, trust, limits, miss, step)
            if isinstance(found, Hit):
                return found
            miss = found
    except StoreError as error:
        return Miss(f"the store could not be asked: {error.message}", is_damage=True)
    except StepFailure as failure:
        return Miss(failure.message)
    return miss


def _look_up(
    store: Store,
    key: CacheKey,
    manifest: Manifest | None,
    trust: Trust,
    limits: Limits,
    miss: Miss,
    step: Step | None,
) -> Hit | Miss:
    for name in names_of(key.digest, trust):
        record = read_record(store, name, is_taken=True)
        if record is None:
            break
        if isinstance(record, str):
            miss = Miss(record, is_damage=True)
            continue
        delta = delta_from_json(record.delta)
        reason = obstacle(delta, manifest) or limits.too_old(record)
        if reason is None:
            after = tree_with(manifest, delta)
            reason = None if step is None else stale_copy(store, step, record, after)
            if reason is None:
                return Hit(record, after)
        miss = Miss(reason)
    return miss


def tree_after(store: Store, hit: Hit) -> str | None:
    """Keep the tree of a hit and return its digest. Raises `StoreError`."""
    return None if hit.tree is None else save_manifest(store, hit.tree)
