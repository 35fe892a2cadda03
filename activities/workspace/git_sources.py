"""From a repository to the first tree of a run (`workspace: {git: {url, ref}}`): fetched once, frozen to a commit.

Only the commit itself is fetched, without history, into a folder of this moment. The files are what git checks out
with no configuration but its own defaults: no filters (large-file pointers stay pointers), no line ends changed, no
hooks, no submodules. `.git` comes along for steps that want it, made so that the same commit gives the same tree.

Which addresses a worker fetches is its setting (`PERDURE_GIT`): `https`, `ssh`, `http`, `git`, or addresses under
which repositories lie (`https://git.example.org/team/`). Paths of the worker's machine go with `allows_paths`.
"""

import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from activities.store.interface import Store
from activities.workspace.git import GitFailed, git
from activities.workspace.manifest import Manifest
from activities.workspace.sources import snapshot_repository
from activities.workspace.stat_cache import StatCache
from definitions.checks.workspace import has_password
from definitions.errors import ErrorClass, StepFailure

FETCH_TIME = timedelta(minutes=10)
TRIES = 3
FIRST_WAIT_SECONDS = 1.0
TRANSPORTS = ("https", "ssh", "http", "git")
_SHORT_SSH = re.compile(r"(?:[A-Za-z0-9._-]+@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?!//)(?P<path>[^-].*)", re.DOTALL)
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"(?!.*(?:\.\.|@\{|//|\.lock$))[^-\s:?*\[\\^~\x00-\x20\x7f][^\s:?*\[\\^~\x00-\x20\x7f]*")
_PASSING = re.compile(
    r"could not resolve|timed out|timeout|connection (?:refused|reset|closed)|early eof|hung up|50[0234]|429|"
    r"temporary failure|unexpected disconnect|rpc failed|took longer",
    re.IGNORECASE,
)
"""What git says of troubles that may have passed in a moment."""


@dataclass(frozen=True, slots=True)
class GitPolicy:
    """Which repositories a worker fetches."""

    allowed: tuple[str, ...] = ()
    """Transports, and addresses under which repositories lie."""
    allows_paths: bool = False
    """Whether repositories on the worker's own machine are taken."""


@dataclass(frozen=True, slots=True)
class GitTree:
    """A commit's files."""

    manifest: Manifest
    commit: str


class GitRefused(StepFailure):
    """The worker's setting does not allow the address, or it is none."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorClass.REFUSED, message)


def fetch_tree(store: Store, url: str, ref: str, policy: GitPolicy, scratch: Path | None = None) -> GitTree:
    """Keep the files of a repository at `ref` and return them with the commit that it is now. Blocks.

    Raises:
        GitRefused: the address or ref is none that this worker takes; StepFailure: it cannot be had.
    """
    transport = checked_transport(url, policy)
    if _REF.fullmatch(ref) is None:
        raise GitRefused(f"`{ref[:200]}` is no branch, tag or commit")
    folder = Path(tempfile.mkdtemp(prefix="git-", dir=scratch))
    try:
        git(folder, "init", "--quiet", "--template=", ".", environment=_ALONE)
        commit = _fetched(folder, url, ref, transport)
        _check_out(folder, url, commit)
        return GitTree(snapshot_repository(store, folder, StatCache()), commit)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def checked_transport(url: str, policy: GitPolicy) -> str:
    """Return the transport of an address. Raises `GitRefused` where this worker does not take it."""
    shown = _without_password(url)
    if url.startswith("-") or not url.isprintable() or not url.strip():
        raise GitRefused(f"`{shown.encode('unicode_escape').decode()[:200]}` is no address of a repository")
    if has_password(url):
        raise GitRefused(f"the address `{shown}` carries a password; leave it out: git asks its credential helpers")
    transport = _transport(url)
    if transport == "file":
        if policy.allows_paths:
            return transport
        raise GitRefused(f"this worker takes no repository of its own machine, and `{shown}` is one")
    if transport is None:
        names = ", ".join(f"`{name}`" for name in TRANSPORTS)
        raise GitRefused(f"`{shown}` is no address that is fetched; there are {names}, and absolute paths")
    if transport in policy.allowed or any(_lies_under(url, place) for place in policy.allowed):
        return transport
    raise GitRefused(
        f"this worker does not fetch `{shown}`; its setting `PERDURE_GIT` allows "
        f"{', '.join(f'`{place}`' for place in policy.allowed) or 'nothing'}"
    )


def _transport(url: str) -> str | None:
    scheme = _SCHEME.match(url)
    if scheme is not None:
        name = scheme["scheme"].lower()
        return name if name in (*TRANSPORTS, "file") else None
    if url.startswith("/"):
        return "file"
    return "ssh" if _SHORT_SSH.fullmatch(url) and "::" not in url else None


def _lies_under(url: str, place: str) -> bool:
    """Whether an address is below an allowed one; `..` could lead out of it again."""
    if "://" not in place and ":" not in place:
        return False
    begins = url == place or url.startswith(place if place.endswith(("/", ":")) else place + "/")
    return begins and ".." not in re.split(r"[/:]|%2[fF]", url.replace("%2e", ".").replace("%2E", "."))


def _without_password(url: str) -> str:
    return re.sub(r"(?<=://)[^/@]*:?[^/@]*@", "…@", url) if has_password(url) else url


# --- fetching ---------------------------------------------------------------------------------------

_ALONE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ATTR_NOSYSTEM": "1"}
"""Git with its own defaults only, and no way to any server."""
_OFFLINE = {**_ALONE, "GIT_ALLOW_PROTOCOL": ""}


def _fetched(folder: Path, url: str, ref: str, transport: str) -> str:
    """Fetch `ref` and return its commit; what may be a passing trouble is tried again."""
    wait = FIRST_WAIT_SECONDS
    for last in range(1 - TRIES, 1):
        try:
            return _fetch(folder, url, ref, transport)
        except GitFailed as failure:
            if last == 0 or not _PASSING.search(failure.answer.complaint):
                raise _cannot_fetch(url, ref, failure) from failure
        time.sleep(wait)
        wait *= 3
    raise AssertionError  # the last try returns or raises


def _fetch(folder: Path, url: str, ref: str, transport: str) -> str:
    words = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-commit-graph", "--depth=1")
    slow = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60")
    allowed = {"GIT_ALLOW_PROTOCOL": transport}
    try:
        git(folder, *slow, *words, "--", url, ref, environment=allowed, time_limit=FETCH_TIME)
        found = "FETCH_HEAD"
    except GitFailed as failure:
        if _COMMIT.fullmatch(ref) is None or _PASSING.search(failure.answer.complaint):
            raise
        # Some servers give a commit only with the branch that it is on.
        everything = "+refs/*:refs/fetched/*"
        git(folder, *slow, *words[:-1], "--", url, everything, environment=allowed, time_limit=FETCH_TIME)
        found = ref
    commit = git(folder, "rev-parse", "--verify", "--end-of-options", f"{found}^{{commit}}", environment=_OFFLINE)
    return commit.decode().strip()


def _check_out(folder: Path, url: str, commit: str) -> None:
    """Lay the files out and leave a `.git` that depends on the commit alone."""
    protected = ("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true", "-c", "core.symlinks=true")
    try:
        git(folder, *protected, "checkout", "--quiet", "--force", "--detach", commit, environment=_OFFLINE)
        git(folder, "config", "remote.origin.url", url, environment=_OFFLINE)
        git(folder, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*", environment=_OFFLINE)
        private = folder / ".git"
        shutil.rmtree(private / "refs" / "fetched", ignore_errors=True)
        for name in ("FETCH_HEAD", "ORIG_HEAD", "packed-refs", "index"):
            (private / name).unlink(missing_ok=True)
        git(folder, "read-tree", "HEAD", environment=_OFFLINE)  # an index without times and inode numbers
    except GitFailed as failure:
        raise StepFailure(
            ErrorClass.WORKSPACE, f"the commit `{commit}` of `{url}` cannot be laid out: {failure.answer.complaint}"
        ) from failure


def _cannot_fetch(url: str, ref: str, failure: GitFailed) -> StepFailure:
    said = failure.answer.complaint
    what = f"`{ref}` of `{url}` cannot be fetched: {said}"
    if re.search(r"could not read username|authentication failed|permission denied|terminal prompts", said, re.I):
        what += "; the worker's own git needs credentials for it (a credential helper, or an ssh key)"
    elif "couldn't find remote ref" in said:
        what += "; give a branch, a tag or a commit that is there"
    return StepFailure(ErrorClass.WORKSPACE, what)
