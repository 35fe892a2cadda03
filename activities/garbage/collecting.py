"""What is kept and what goes: runs past their retention, cached steps that are old, blobs that nothing refers to.

Kept are the documents of each run that is open, or ended less than `runs` ago, each version of an artifact, each
cached step younger than `cache`, and all blobs that these lead to, and those that open runs have in their histories
(given as `roots` by who can ask the server). Of the rest goes what is older than `grace`, and is not part of a tree
that is younger: a step may have written it and not yet said so. Whoever refers to blobs that it did not write renews
them first (`Store.renew`); hence the least grace.
"""

import contextlib
import json
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from urllib.parse import unquote

from pydantic import ValidationError

from activities.artifacts.retention import prune_all
from activities.artifacts.versions import ROOT as ARTIFACTS
from activities.artifacts.versions import ArtifactVersion
from activities.cache.counts import forget_counts
from activities.cache.flights import LEASES
from activities.cache.index import INDEX
from activities.cache.records import CacheRecord, needed_blobs, read_sealed, record_names
from activities.garbage.marking import Marking, digests_in
from activities.store.interface import Store, StoredEntry, StoreError, Swept
from definitions.errors import StepFailure
from definitions.statuses import ENDED

RUNS = "runs/"
CACHE = "cache/"
LEASE = "gc/running"
LEASE_TIME = timedelta(hours=6)
"""Who collects for longer stops: what was marked is too old to be believed."""
LEAST_GRACE = timedelta(days=1)
MOST_OF_A_TREE = 4 << 20
"""Bytes that a blob with a tree's list of files has at most, with room to spare."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things stay."""

    runs: timedelta = timedelta(days=90)
    """A run's documents and logs, after its end."""
    cache: timedelta = timedelta(days=30)
    """A cached step, since it was made."""
    grace: timedelta = timedelta(days=7)
    """Whatever nothing refers to."""


@dataclass(slots=True)
class Collected:
    """What was removed, or would be."""

    runs: list[str] = field(default_factory=list[str])
    cached_steps: int = 0
    swept: Swept = field(default_factory=Swept)
    kept_runs: int = 0
    kept_blobs: int = 0


class Busy(StoreError):
    """Somebody else collects."""


def collect(
    store: Store,
    open_runs: Collection[str],
    roots: Iterable[str],
    retention: Retention,
    *,
    dry_run: bool = False,
    clock: Clock = lambda: datetime.now(UTC),
) -> Collected:
    """Remove what nothing needs. Blocks.

    Args:
        store: Where.
        open_runs: Execution ids of the runs that are open on the server.
        roots: Digests in the histories of open runs; what is no blob does not matter.
        retention: How long things stay.
        dry_run: Remove nothing, say what would be.
        clock: What time it is.

    Raises:
        StoreError: the store does not answer; `Busy`: somebody else collects.
    """
    begun = clock()
    with _lease(store, begun, dry_run=dry_run):
        collected = Collected()
        marking, young = _listed(store, begun - retention.grace)
        marking.add(roots)
        gone_runs = _mark_runs(store, marking, frozenset(open_runs), begun - retention.runs, collected)
        gone_steps = _mark_cache(store, marking, begun - retention.cache)
        if not dry_run:
            prune_all(store, begun)
        _mark_others(store, marking)
        marking.add(young - marking.live)
        collected.cached_steps = len(gone_steps)
        if not dry_run:
            for key in [*gone_steps, *gone_runs]:
                store.delete_record(key)
            _forget_notes(store, begun, retention)
        if clock() - begun > LEASE_TIME:
            raise StoreError("marking took so long that it cannot be believed; collect where less is going on")
        live = marking.live
        collected.kept_blobs = len(live)
        collected.swept = store.sweep(lambda digest: digest in live, begun - retention.grace, dry_run=dry_run)
    return collected


def _listed(store: Store, before: datetime) -> tuple[Marking, set[str]]:
    """Return what marks, and young blobs that may be trees: these stand alone, and their parts are small."""
    sizes: dict[str, int] = {}
    young: set[str] = set()
    for blob in store.list_blobs():
        sizes[blob.digest] = blob.size
        if blob.modified >= before and blob.pack is None and blob.size <= MOST_OF_A_TREE:
            young.add(blob.digest)
    return Marking(store, sizes), young


@contextlib.contextmanager
def _lease(store: Store, begun: datetime, *, dry_run: bool) -> Generator[None]:
    """Hold the store's one lease on collecting; that of a dead collector runs out."""
    if dry_run:
        yield
        return
    ours = json.dumps({"since": begun.isoformat()}).encode()
    before = store.read_document(LEASE)
    if before is not None and begun - _since(before) < LEASE_TIME:
        raise Busy(f"somebody collects garbage in the store `{store.location}` already; wait, or let it run out")
    if not store.swap_document(LEASE, before, ours):
        raise Busy(f"somebody began to collect garbage in the store `{store.location}` in this moment; wait")
    try:
        yield
    finally:
        with contextlib.suppress(StoreError):
            store.delete_record(LEASE)


def _since(lease: bytes) -> datetime:
    try:
        return datetime.fromisoformat(str(json.loads(lease)["since"]))
    except (ValueError, KeyError, TypeError):
        return datetime.min.replace(tzinfo=UTC)


# --- runs -------------------------------------------------------------------------------------------


def _mark_runs(
    store: Store, marking: Marking, open_runs: frozenset[str], oldest: datetime, collected: Collected
) -> list[str]:
    """Mark what the runs that stay refer to; return the keys of those that go."""
    gone: list[str] = []
    for name, group in groupby(store.list_entries(RUNS), key=lambda entry: entry.key.split("/")[1]):
        entries = list(group)
        if unquote(name) not in open_runs and _has_gone_by(store, entries, oldest):
            collected.runs.append(unquote(name))
            gone += [entry.key for entry in entries]
            continue
        collected.kept_runs += 1
        for entry in entries:
            if not _is_log(entry):
                marking.add(digests_in(store.read_document(entry.key) or b""))
    return gone


def _has_gone_by(store: Store, entries: list[StoredEntry], oldest: datetime) -> bool:
    """Whether a run ended before `oldest`; one without a record of its end by the age of what it wrote last."""
    if max(entry.modified for entry in entries) >= oldest:
        return False
    record = next((entry for entry in entries if entry.key.endswith("/run.json")), None)
    if record is None:
        return True
    try:
        document = json.loads(store.read_document(record.key) or b"{}")
        ended = document.get("completed_at")
        return document.get("status") not in ENDED or ended is None or datetime.fromisoformat(ended) < oldest
    except (ValueError, AttributeError, TypeError):
        return True


def _is_log(entry: StoredEntry) -> bool:
    return entry.key.split("/")[2:3] == ["logs"]


# --- cached steps, artifacts, the rest --------------------------------------------------------------


def _mark_cache(store: Store, marking: Marking, oldest: datetime) -> list[str]:
    """Mark what young records need; return the names of the others."""
    gone: list[str] = []
    for name in record_names(store):
        record = _cache_record(store, name)
        if record is None or record.created_at < oldest:
            gone.append(name)
            continue
        marking.add_leaves([record.descriptor, record.files])
        marking.add(needed_blobs(record))
    for key in store.list_keys(INDEX):  # what they say of files is no reason to keep those
        marking.add_leaves(digests_in(store.read_document(key) or b""))
    return gone


def _cache_record(store: Store, name: str) -> CacheRecord | None:
    """Return a record; None where it is damaged, which makes it a miss for everybody."""
    try:
        return read_sealed(store.read_record(name) or b"")
    except (ValueError, StepFailure):
        return None


def _forget_notes(store: Store, begun: datetime, retention: Retention) -> None:
    """Remove counts of runs that are gone, and the leases of steps whose workers are long dead."""
    forget_counts(store, (begun - retention.runs).date())
    for entry in list(store.list_entries(LEASES)):
        if entry.modified < begun - retention.grace:
            store.delete_record(entry.key)


def _mark_others(store: Store, marking: Marking) -> None:
    """Mark what artifacts are, and whatever looks like a digest in documents that are not known here."""
    for key in store.list_keys(""):
        if key.startswith((RUNS, CACHE, "gc/")):
            continue
        content = store.read_document(key) or b""
        version = _version(content) if key.startswith(f"{ARTIFACTS}/") else None
        if version is None:
            marking.add(digests_in(content))
        elif version.kind == "folder":
            marking.add([version.digest])
        else:
            marking.add_leaves([version.digest])


def _version(content: bytes) -> ArtifactVersion | None:
    try:
        return ArtifactVersion.model_validate_json(content)
    except ValidationError:
        return None
