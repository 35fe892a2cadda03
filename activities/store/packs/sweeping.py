"""When a pack goes in a sweep: when nothing in it is live, or so little that it is packed anew."""

from collections.abc import Sequence

from activities.store.packs.index import Row

REWRITTEN_BELOW = 0.5
"""A pack of which less is live is written anew."""


def is_mostly_dead(dead: Sequence[Row], rows: Sequence[Row]) -> bool:
    """Whether a pack that holds `rows` goes because of those that are `dead`."""
    whole = sum(row.stored for row in rows)
    live = whole - sum(row.stored for row in dead)
    return bool(dead) and live <= REWRITTEN_BELOW * whole
