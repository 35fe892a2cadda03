"""Results of steps, saved and looked up, for tests of the cache."""

from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from activities.cache.index import Line, remember
from activities.cache.keys import CacheKey, cache_key
from activities.cache.lookup import ANY, Limits
from activities.cache.records import Producer
from activities.cache.saving import Kept, save
from activities.store.canonical_json import canonical_json
from activities.store.interface import Store
from activities.workspace.manifest import Manifest
from definitions.records import Usage

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def key_of(command: str = "make", *, tree: Manifest | None = None, globs: list[str] | None = None) -> CacheKey:
    return cache_key({"type": "shell", "command": command}, tree=tree, globs=globs)


def keep(
    store: Store,
    key: CacheKey,
    before: Manifest | None = None,
    after: Manifest | None = None,
    *,
    outputs: dict[str, JsonValue] | None = None,
    artifacts: dict[str, JsonValue] | None = None,
    run: str = "run-1",
    path: str = "build",
    hours: int = 0,
    limits: Limits = ANY,
    replaces: bool = False,
    reason: str = "",
) -> Kept:
    created_at = NOON + timedelta(hours=hours)
    line = Line(
        key=key.digest,
        execution_id=run,
        created_at=created_at - timedelta(seconds=2),
        descriptor=store.write_blob(canonical_json(key.descriptor)),
        files=store.write_blob(key.files),
        reason=reason,
    )
    remember(store, "demo", path, line, limits.trust)
    return save(
        store,
        key,
        before=before,
        after=after,
        outputs=outputs or {},
        artifacts=artifacts or {},
        produced_by=Producer(execution_id=run, definition_id="demo", path=path),
        created_at=created_at,
        log="runs/run-1/logs/build/1/log-00001",
        usage=Usage(usd=0.5),
        seconds=2.0,
        limits=limits,
        replaces=replaces,
    )
