"""The dev server's settings that we change, each with its reason and the server versions that know it.

Measured on 2 cores, server 1.29.1, database file, all together against none: a sequential no-op activity
14 ms against 67 ms, 100 parallel ones 0.31 s against 2.7 s. `docs/deployment.md` holds the same table, and says
which of them a production cluster wants too; a test holds the two together.
"""

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ServerSetting:
    """A dynamic configuration value of the Temporal server."""

    key: str
    value: str
    """JSON text, as `--dynamic-config-value KEY=JSON` takes it."""
    since: tuple[int, int]
    """The first server version that knows the key."""
    default_since: tuple[int, int] | None
    """The first version whose own default is this value; from then on we do not set it."""
    reason: str
    production: Literal["yes", "no"]
    production_reason: str


TUNING = (
    ServerSetting(
        "system.enableActivityEagerExecution",
        "true",
        since=(1, 20),
        default_since=(1, 32),
        reason="a light step starts on the worker that scheduled it, with no trip through the task queue",
        production="yes",
        production_reason="one round trip less for each light step",
    ),
    ServerSetting(
        "history.transferProcessorMaxPollRPS",
        "2000",
        since=(1, 17),
        default_since=None,
        reason="the dev server has one shard, and 20 polls a second on it are up to 45 ms for every dispatch",
        production="no",
        production_reason="a cluster has hundreds of shards, each with its own 20 polls a second",
    ),
    ServerSetting(
        "history.timerProcessorMaxPollRPS",
        "2000",
        since=(1, 17),
        default_since=None,
        reason="the same for timers: waits, time limits and retries of lost workers",
        production="no",
        production_reason="as above",
    ),
    ServerSetting(
        "history.visibilityProcessorMaxPollRPS",
        "200",
        since=(1, 17),
        default_since=None,
        reason="`perdure list` and `perdure gates` see a change sooner; lower, as nothing waits for it",
        production="no",
        production_reason="as above",
    ),
    ServerSetting(
        "matching.useNewMatcher",
        "true",
        since=(1, 28),
        default_since=(1, 31),
        reason="without it about one fan-out in two waits 2 s for a task that was rescheduled",
        production="yes",
        production_reason="the wait happens on any cluster before 1.31",
    ),
)

SQLITE_PRAGMAS = (
    ("journal_mode", "WAL", "one write to the disk for a commit instead of several"),
    (
        "synchronous",
        "FULL",
        "with WAL the database would lower it otherwise; nothing acknowledged is lost at power loss",
    ),
)


def server_version(text: str) -> tuple[int, int] | None:
    """Return the server's version from what `temporal --version` prints; None where it names none."""
    found = re.search(r"\bServer v?(\d+)\.(\d+)", text, re.IGNORECASE)
    return (int(found[1]), int(found[2])) if found else None


def applicable(version: tuple[int, int] | None) -> list[ServerSetting]:
    """Return the settings for a server: those it knows and does not have by itself; all for an unknown one."""
    if version is None:
        return list(TUNING)
    return [
        setting
        for setting in TUNING
        if setting.since <= version and (setting.default_since is None or version < setting.default_since)
    ]
