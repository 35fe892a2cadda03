"""What the lock of a concurrency group and its runs say to each other.

The lock of a group is a small workflow, `perdure.lock`, with the id `lock/GROUP`: runs claim it by the signal
`acquire`, it answers with the signal `perdure_lock`, and they give it back by `release`. The shapes are a contract:
`temporal workflow signal` sends them too.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from definitions.concurrency import Policy
from definitions.records import Record

LOCK_TYPE = "perdure.lock"
LOCK_SIGNAL = "perdure_lock"
"""By which a lock speaks to a run."""
MOST_WAITING = 1000
"""Runs that may wait for one lock."""


class ClaimedGroup(Record):
    """What a run was frozen with: its group by name."""

    group: str
    policy: Policy = "queue"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Claim(_Message):
    """Example: `{"execution_id": "deploy-20261121-1", "token": "0193…", "policy": "queue"}`."""

    execution_id: str = Field(min_length=1, max_length=1000)
    token: str = Field(min_length=1, max_length=200)
    """The id of the first run in the execution's chain: another execution of the same id is another claim."""
    policy: Policy = "queue"
    superseded: bool = False
    """Whether it holds the lock and was cancelled for a later one."""


class Release(_Message):
    """Example: `{"execution_id": "deploy-20261121-1"}`."""

    execution_id: str
    token: str | None = None
    """Whose claim it is; absent: of whatever execution has that id."""


class LockWord(_Message):
    """Example: `{"state": "granted", "token": "0193…"}`."""

    state: Literal["granted", "queued", "refused", "superseded"]
    token: str
    """Of the claim that it answers."""
    by: str | None = None
    """`queued`: who is next before it; `refused`: who has the lock; `superseded`: who came."""


class Unread(_Message):
    """A message that a lock has been sent and has not looked at: one of the two."""

    acquire: Claim | None = None
    release: Release | None = None


class LockInput(_Message):
    """The input of `perdure.lock`: nothing, or what continue-as-new hands on."""

    holder: Claim | None = None
    waiting: list[Claim] = []
    inbox: list[Unread] = []
    """What came and was not looked at, in order."""


class LockStanding(Record):
    """The answer of the lock's query `standing`."""

    group: str
    holder: str | None = None
    waiting: list[str] = []


class AskCall(Record):
    """The input of the activity `ask_lock`: claim the lock of a group, and start it where it does not live."""

    group: str
    claim: Claim


class GoneCall(Record):
    """The input of the activity `find_gone`: which of these executions have ended, however."""

    claims: list[Claim]


class Gone(Record):
    """The output of `find_gone`: the tokens of those that have."""

    tokens: list[str] = []


def lock_id(group: str) -> str:
    """Return the workflow id of a group's lock."""
    return f"lock/{group}"
