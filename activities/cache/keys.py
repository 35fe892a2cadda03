"""Cache keys: which facts decide that a step need not run again.

A key is the digest of a descriptor; the descriptor is stored beside the result so that
`perdure cache explain` can name the field that differs. Whatever a step's model has is part of it unless it
stands in `NOT_DECIDING`: a key of a new step type counts until someone says that it does not matter. Never in
it: ids, times, hosts, absolute paths, attempts, titles, retry, timeouts, what the terminal is like.

Files that are ignored count like all others: the tree has only those that steps of the run have made, and a step that
reads what one before it built must run again when that is another. Only git's own folder counts where it is named.
"""

import platform as machine
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pathspec import GitIgnoreSpec
from pydantic import JsonValue

from activities.store.canonical_json import canonical_json, digest_of
from activities.workspace.manifest import Entry, Manifest, is_git_path, printable
from definitions.trust import TRUSTED, Trust

DESCRIPTOR_VERSION = 3

NOT_DECIDING = frozenset(
    {
        # who and where the step is
        "id",
        "name",
        "description",
        "phase",
        "summary",
        # when and how often it runs
        "when",
        "needs",
        "timeout",
        "retry",
        "on_success",
        "on_failure",
        "max_visits",
        "end",
        "for_each",
        "loop",
        "budget",
        # what is asked and made around it
        "approval",
        "accept",
        "store",
        "compensate",
        # what is shared with others: what was fetched has a field of its own below
        "publish",
        "fetch",
        # caching itself, and what has a field of its own below
        "cache",
        "cache_key",
        "use_cache",
        "env",
    }
)
VOLATILE_VARIABLES = frozenset(
    {"TERM", "COLORTERM", "COLUMNS", "LINES", "PWD", "OLDPWD", "SHLVL", "_", "HOSTNAME", "TMPDIR", "TEMP", "TMP"}
)
"""Never part of a key, even when named, as the caller has them: they say where a process runs, not what it does."""
VOLATILE_PREFIXES = ("PERDURE_", "TEMPORAL_")

_OCCURRENCE = re.compile(r"\[[^\]]*\]|#\d+|@\d+")


@dataclass(frozen=True, slots=True)
class CacheKey:
    """A key with what it is the digest of."""

    digest: str
    descriptor: dict[str, JsonValue]
    files: bytes
    """The list of the input files; the descriptor has its digest."""

    @property
    def record_key(self) -> str:
        """Where the store has the record."""
        return record_key(self.digest)


def cache_key(
    step_fields: Mapping[str, JsonValue],
    *,
    tree: Manifest | None = None,
    globs: Sequence[str] | None = None,
    identity: Mapping[str, JsonValue] | None = None,
    values: Mapping[str, JsonValue] | None = None,
    environment: Mapping[str, str] | None = None,
    salt: str = "",
    epoch: int = 0,
    component: JsonValue = None,
    occurrence: Sequence[str] = (),
    platform: Mapping[str, JsonValue] | None = None,
) -> CacheKey:
    """Return the key of a step about to run.

    Args:
        step_fields: the step as JSON, rendered; its shell text with its variables, not their values.
        tree: the workspace before, None where there is none.
        globs: `cache.inputs`, patterns as in `.gitignore`; None: every path but git's own.
        identity: what the executor says of its tool (`Executor.identity`), versions of `cache.tools`.
        values: what the step refers to beyond its texts: the bindings of shell text.
        environment: *declared* variables only: the definition's, the step's, those that `cache.env` names (`steady`).
        salt: `cache.salt`, rendered.
        epoch: `cache.epoch`.
        component: `cache_key`, rendered.
        occurrence: which time the step is done in its run, where that matters (see `occurrence_of`).
        platform: where it runs; None: this machine's system and architecture.
    """
    files = _list_files(tree, globs)
    descriptor: dict[str, JsonValue] = {
        "version": DESCRIPTOR_VERSION,
        "step": {name: value for name, value in step_fields.items() if name not in NOT_DECIDING},
        "tool": dict(identity or {}),
        "values": dict(values or {}),
        "environment": dict(environment or {}),
        "platform": dict(platform) if platform is not None else this_platform(),
        "inputs": {
            "patterns": None if globs is None else list(globs),
            "files": digest_of(files),
            "workspace": tree is not None,
        },
        "salt": salt,
        "epoch": epoch,
        "cache_key": component,
        "occurrence": list(occurrence),
    }
    return CacheKey(digest_of(b"perdure.step/3\n" + canonical_json(descriptor)), descriptor, files)


def record_key(digest: str, trust: Trust = TRUSTED) -> str:
    """Return where the store has the record of a key."""
    return f"cache/{trust.place}/{digest[:2]}/{digest}"


def occurrence_of(path: str) -> list[str]:
    """Return which item, pass and visit a step's path is of, without the names of steps.

    Part of an agent's key: asked again in a loop, on the same files, it must not give the same answer for ever.
    """
    return [text for segment in path.split("/") for text in _OCCURRENCE.findall(segment)]


def this_platform() -> dict[str, JsonValue]:
    """Return what of this machine may decide a result."""
    return {"system": machine.system().lower(), "architecture": machine.machine().lower()}


def matching(tree: Manifest, globs: Sequence[str] | None) -> list[Entry]:
    """Return the entries that patterns pick, without patterns all; git's own only where a pattern names its folder."""
    if globs is None:
        return [entry for entry in tree.entries if not (entry.ignored and is_git_path(entry.path))]
    compile_lines = cast("Callable[[list[str]], GitIgnoreSpec]", GitIgnoreSpec.from_lines)  # untyped in pathspec
    patterns = compile_lines(list(globs))
    of_git = compile_lines([pattern for pattern in globs if is_git_path(pattern.lstrip("!"))])
    return [
        entry
        for entry in tree.entries
        if (of_git if entry.ignored and is_git_path(entry.path) else patterns).match_file(entry.path)
    ]


def steady(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a caller that may decide a result."""
    return {
        name: value
        for name, value in environment.items()
        if name not in VOLATILE_VARIABLES and not name.startswith(VOLATILE_PREFIXES)
    }


def _list_files(tree: Manifest | None, globs: Sequence[str] | None) -> bytes:
    """Return the input files as text: path to content. Sizes are left out, contents decide."""
    listed: dict[str, JsonValue] = {}
    for entry in matching(tree, globs) if tree is not None else ():
        listed[entry.path] = _content(entry)
    return canonical_json(listed)


def _content(entry: Entry) -> str:
    if entry.type == "f":
        return f"{'program' if entry.executable else 'file'} {entry.digest}"
    return f"link {printable(entry.target)}" if entry.type == "l" else "empty folder"
