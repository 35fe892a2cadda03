"""Where a visit happens, and what it comes to."""

from dataclasses import dataclass

from definitions.records import StepError, StepRecord
from workflows.frames import Frame

END = "end"
"""The target of a visit after which its list has ended."""


class RunFailed(Exception):
    """The run shall fail, whatever groups stand around the step (`on_failure: fail`)."""

    def __init__(self, error: StepError) -> None:
        self.error = error
        super().__init__(error.message)


@dataclass(frozen=True, slots=True)
class Place:
    """The path of a step, an item or a pass, the tree that it starts from, and what its texts see."""

    path: str
    tree: str | None
    frame: Frame


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visit came to: the tree to go on from, and where: the next step, a step by id, or the list's end."""

    record: StepRecord
    tree: str | None
    target: str | None = None
