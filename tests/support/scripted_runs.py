"""Short runs in virtual time, for tests of the core: a definition as text, and what happens to it."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from definitions.models import Definition
from definitions.records import Ledger
from tests.support.outcome_script import Script
from tests.support.scripted_world import Played, play


def run(text: str, *, library: Mapping[str, str] | None = None, kills: Sequence[int] = (), **script: Any) -> Played:
    """Interpret a definition; `script` are the fields of `Script`."""
    others = {name: model(body, name) for name, body in (library or {}).items()}
    return play(model(text), Script(**script), others, kills)


def go_on(text: str, ledger: Ledger, **script: Any) -> Played:
    """Interpret a definition from a ledger on."""
    return play(model(text), Script(**script), {}, ledger=ledger)


def model(text: str, name: str = "short") -> Definition:
    """Return a definition, without the static checks."""
    return Definition.model_validate({"id": name, "name": name, **yaml.safe_load(text)})


def states(played: Played) -> dict[str, str]:
    """Return the state of each step path that was reached."""
    return {path: record.status for path, record in played.book.records.items()}


def ended(played: Played) -> list[str]:
    """Return the paths that ended, in order, those that were cancelled left out."""
    kinds = ("step_completed", "step_failed", "step_skipped")
    events = [event for event in played.world.events if event.type in kinds]
    return [event.step or "" for event in events if event.data.get("status") != "cancelled"]
