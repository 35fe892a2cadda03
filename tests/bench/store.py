"""The store on S3 (a real versitygw on this machine) beside one large object, and looking up a record.

    python -m tests.bench.store

A tree of 10,000 files and 494 MB: snapshot and restore as steps do it, beside sending and receiving the same bytes as
one object by boto3's own transfer manager, and beside `cp -a` of the same tree. Arms in turn, medians.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import boto3.session

from activities.store.opening import open_store
from activities.store.s3.opening import open_s3_store
from activities.workspace.restoring import restore
from activities.workspace.snapshots import snapshot
from tests.bench.trees import mixed_tree
from tests.support.versitygw import BUCKET, running_gateway

ROUNDS = int(os.environ.get("PERDURE_BENCH_ROUNDS", "3"))
BIG = 1 << 30
PEAK = """
import resource, sys
from pathlib import Path
from activities.store.opening import open_store
store = open_store(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
digest, _ = store.write_blob_from(Path(sys.argv[2]))
store.copy_blob_to(digest, Path(sys.argv[2] + ".copy"))
print(before // 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def say(text: str) -> None:
    """Print a line."""
    print(text, flush=True)  # noqa: T201


def transfers(folder: Path) -> None:
    """Compare a tree with one object of the same bytes."""
    tree = folder / "tree"
    mixed_tree(tree)
    one = folder / "one"
    with one.open("wb") as whole:
        for path in sorted(tree.rglob("*")):
            if path.is_file():
                whole.write(path.read_bytes())
    up = down = 0
    client = boto3.session.Session().client("s3")
    times: dict[str, list[float]] = defaultdict(list)

    def timed(arm: str, work: Callable[[], object]) -> None:
        begun = time.perf_counter()
        work()
        times[arm].append(time.perf_counter() - begun)

    for number in range(ROUNDS):
        timed("one up", lambda: client.upload_file(str(one), BUCKET, "one"))
        timed("one down", lambda: client.download_file(BUCKET, "one", str(folder / "back")))
        os.environ["PERDURE_STORE_CACHE"] = str(folder / f"cache-{number}-a")
        store = open_s3_store(f"s3://{BUCKET}/{number}")
        before = store.requests
        timed("tree up", lambda store=store: snapshot(store, tree))
        up = store.requests - before
        manifest = snapshot(store, tree)
        os.environ["PERDURE_STORE_CACHE"] = str(folder / f"cache-{number}-b")
        store = open_s3_store(f"s3://{BUCKET}/{number}")
        digests = [entry.digest for entry in manifest.entries if entry.type == "f"]
        timed("fetched", lambda store=store, digests=digests: store.fetch(digests))
        shutil.rmtree(folder / f"cache-{number}-b")
        store = open_s3_store(f"s3://{BUCKET}/{number}")
        before = store.requests
        timed("tree down", lambda store=store, manifest=manifest: restore(store, manifest, folder / "restored"))
        down = store.requests - before
        timed("cp -a", lambda: subprocess.run(["cp", "-a", tree, folder / "copied"], check=True))
        for name in ("restored", "copied", f"cache-{number}-a", f"cache-{number}-b"):
            shutil.rmtree(folder / name, ignore_errors=True)
    medians = {arm: statistics.median(found) for arm, found in times.items()}
    say(f"requests: snapshot {up}, restore {down}")
    for arm, median in medians.items():
        say(f"{arm:<10} {median:6.2f} s")
    say(f"upload at {medians['one up'] / medians['tree up']:.2f} of one object's speed (at least 0.7)")
    say(f"fetched (without writing 10,000 files) at {medians['one down'] / medians['fetched']:.2f} of it")
    say(f"restore at {medians['cp -a'] / medians['tree down']:.2f} of `cp -a`'s speed")
    say(f"restore at {medians['one down'] / medians['tree down']:.2f} of one object's speed (at least 0.7)")


def lookups(location: str, bound: str) -> None:
    """Read a record many times."""
    store = open_store(location)
    store.create_record("cache/trusted/aa/record", b"x" * 2000)
    found: list[float] = []
    for _ in range(1000):
        begun = time.perf_counter()
        store.read_record("cache/trusted/aa/record")
        found.append((time.perf_counter() - begun) * 1000)
    found.sort()
    say(f"lookup in {location.partition(':')[0]:<8} p50 {found[500]:.2f} ms, p95 {found[950]:.2f} ms ({bound})")


def memory(folder: Path) -> None:
    """Keep and copy a file of 1 GiB in a process of its own, and ask for its peak."""
    with (folder / "big").open("wb") as big:
        for _ in range(BIG >> 20):
            big.write(os.urandom(1 << 20))
    argv = [sys.executable, "-c", PEAK, f"s3://{BUCKET}/memory", str(folder / "big")]
    before, peak = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    say(f"memory with a file of 1 GiB: {peak} MB at its peak, {before} MB before")


def main() -> None:
    """Measure all."""
    with tempfile.TemporaryDirectory(prefix="perdure-bench-") as name:
        folder = Path(name)
        (folder / "gateway").mkdir()
        with running_gateway(folder / "gateway") as gateway:
            os.environ.update(gateway.environment)
            os.environ["PERDURE_STORE_CACHE"] = str(folder / "cache")
            say(f"load {os.getloadavg()[0]:.1f}")
            lookups(f"s3://{BUCKET}/lookups", "at most 30")
            lookups(str(folder / "store"), "at most 3")
            memory(folder)
            transfers(folder)


if __name__ == "__main__":
    main()
