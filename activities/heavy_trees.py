"""Work on whole trees, done in the process pool where a tree is big: snapshots of sources, joins, keys.

A function here has the name of what it does, and beside it `…_here`, which does it in the process that it is in.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from activities.cache.keys import CacheKey, cache_key
from activities.store.interface import Store
from activities.workspace.manifest import HEAVY, Manifest, load_manifest
from activities.workspace.merging import merge
from activities.workspace.pool import in_pool
from activities.workspace.scanning import scan
from activities.workspace.sources import keep_source, source_root


def source_tree(store: Store, path: Path) -> str:
    """Keep the workspace that `path` is in and return its tree. Blocks. Raises as `snapshot_source` does."""
    if _is_big(source_root(path)):
        return in_pool(store, str(path), source_tree_here, store, path)
    return source_tree_here(store, path)


def source_tree_here(store: Store, path: Path) -> str:
    """Keep a workspace in this process."""
    return keep_source(store, path).digest


def merged_tree(store: Store, base: str | None, branches: Mapping[str, str | None], *, texts: bool = False) -> str:
    """Return the join of branches, made in the pool where a tree is big. Blocks. Raises `StepFailure`."""
    trees = [base, *branches.values()]
    if max(load_manifest(store, tree).count for tree in trees) > HEAVY:
        return in_pool(store, "", merge, store, base, dict(branches), texts=texts)
    return merge(store, base, branches, texts=texts)


def key_on(store: Store, tree: Manifest | None, step_fields: Mapping[str, Any], **facts: Any) -> CacheKey:
    """Return `cache_key` on a tree, made in the pool where that is big. Blocks. Raises `StepFailure`."""
    if tree is None or tree.count <= HEAVY:
        return cache_key(step_fields, tree=tree, **facts)
    return in_pool(store, "", key_on_here, store, tree.digest, step_fields, facts)


def key_on_here(store: Store, tree: str, step_fields: Mapping[str, Any], facts: Mapping[str, Any]) -> CacheKey:
    """Return `cache_key` on a tree."""
    return cache_key(step_fields, tree=load_manifest(store, tree), **facts)


def _is_big(folder: Path) -> bool:
    """Whether a folder has many files, ignored ones too: looking stops there."""
    try:
        return scan(folder, limit=HEAVY).is_cut_short
    except OSError:
        return False  # whoever reads it says what is wrong
