"""Concurrency groups: how many runs of a group go at a time (one).

A definition's `concurrency` names a group; how runs take their turn is in `definitions.locks`.
"""

from typing import Literal

from definitions.steps.languages import Model, Template

GROUP_LIMIT = 200
"""Characters of a group's name."""

Policy = Literal["queue", "cancel", "refuse"]


class Concurrency(Model):
    """Which runs must not go at the same time, and what a run does that comes second."""

    group: Template | None = None
    """Of all runs with the same group one goes at a time, whatever their definitions. Absent: the definition's `id`."""
    policy: Policy = "queue"
    """What a run does when another one goes: `queue`: wait for its turn; `cancel`: cancel that one, and those that
    wait, then go; `refuse`: fail at once."""
