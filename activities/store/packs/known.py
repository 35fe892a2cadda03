"""Which pack holds a digest: the indexes of many packs as one table in memory, about 250 bytes for each file.

It only grows while it is asked, so nobody needs a lock to ask; who learns that a pack is gone makes a new one.
"""

from activities.store.packs.index import Location, Row, digests_of, end_of, row_at

_ROW_BITS = 24


class KnownPacks:
    """One thread adds at a time; any may ask meanwhile."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._indexes: list[bytes] = []
        self._places: dict[bytes, int] = {}

    def add(self, pack: str, index: bytes, size: int) -> None:
        """Know what a sound index says of a pack that has `size` bytes; of two packs with a file the later one counts.

        What would lie beyond the end of the pack is left out.
        """
        first = len(self._names) << _ROW_BITS
        self._names.append(pack)
        self._indexes.append(index)
        places = zip(digests_of(index), range(first, first + len(index)), strict=False)
        if end_of(index) > size:
            places = (item for item in places if _ends_within(row_at(index, item[1] - first), size))
        self._places.update(places)

    def find(self, digest: str) -> Location | None:
        """Return where a file is."""
        place = self._places.get(bytes.fromhex(digest))
        if place is None:
            return None
        number = place >> _ROW_BITS
        return Location(self._names[number], row_at(self._indexes[number], place & ((1 << _ROW_BITS) - 1)))

    def pack_of(self, digest: str) -> str | None:
        """Return the pack that has a file."""
        place = self._places.get(bytes.fromhex(digest))
        return None if place is None else self._names[place >> _ROW_BITS]


def _ends_within(row: Row, size: int) -> bool:
    return row.offset + row.stored <= size
