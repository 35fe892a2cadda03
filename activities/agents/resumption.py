"""What the last heartbeat of a lost worker says about the conversation that it had."""

from dataclasses import dataclass
from typing import Self

from pydantic import JsonValue, ValidationError

from activities.agents.checkpoints import Checkpoint, checkpoint_from
from definitions.records import Usage


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where an attempt takes up; all empty where it is the first of its kind."""

    session: str | None = None
    generation: int = 0
    reasks: int = 0
    checkpoint: Checkpoint | None = None
    usage: Usage | None = None
    """What the lost worker had used: a lower bound."""

    @classmethod
    def from_heartbeat(cls, carried: dict[str, JsonValue] | None) -> Self:
        """Read what a heartbeat carried; what is not understood (another version's) counts as absent."""
        match carried:
            case {"session": str(session), "generation": int(generation)}:
                reasks = carried.get("reasks")
                return cls(
                    session,
                    generation,
                    reasks if isinstance(reasks, int) else 0,
                    checkpoint_from(carried.get("checkpoint")),
                    _usage(carried.get("usage")),
                )
            case _:
                return cls()


def _usage(carried: JsonValue) -> Usage | None:
    try:
        return Usage.model_validate(carried)
    except ValidationError:
        return None
