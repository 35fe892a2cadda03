"""What a source's files looked like when a command read them last: each `perdure run` is a process of its own.

Kept in the user's cache folder (`$XDG_CACHE_HOME/perdure/sources`), never in the source, and only for sources
big enough for hashing to be felt. Losing it costs time, nothing else.
"""

import contextlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from activities.store.canonical_json import digest_of
from activities.workspace.stat_cache import STAT_CACHES, StatCache

KEPT_FROM = 1000
"""Files from which on the cache is written."""
KEPT_FOR = timedelta(days=30)


def load_source_stats(root: Path) -> StatCache:
    """Return what is known of a source, in this process or from an earlier one."""
    cache = STAT_CACHES.get(root)
    if cache is None:
        cache = StatCache.load(_file(root))
        STAT_CACHES.put(root, cache)
    return cache


def save_source_stats(root: Path, cache: StatCache) -> None:
    """Keep what is known of a big source for the next command, as far as the folder can be written."""
    if len(cache.files) < KEPT_FROM:
        return
    file = _file(root)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        cache.save_changes(file)
        _remove_old(file.parent)


def _file(root: Path) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "perdure" / "sources" / f"{digest_of(os.fsencode(root))[:32]}.json"


def _remove_old(folder: Path) -> None:
    oldest = (datetime.now(UTC) - KEPT_FOR).timestamp()
    for file in folder.iterdir():
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)
