"""Step paths, taken apart: `epics[E-12]/design@2#3` is two parts, each with its id, visit, item and pass."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

_PART = re.compile(r"(?P<id>[^@\[#/]+)(?:@(?P<visit>\d+))?(?:\[(?P<key>[^\]]*)\])?(?:#(?P<iteration>\d+))?")
LONGEST_KEY = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One step on the way, and the path as far as it goes."""

    step_id: str
    key: str | None
    """The item's key as it stands in the path."""
    iteration: int | None
    path: str


def parts(path: str) -> Iterator[Part]:
    """Yield the parts of a step path, the outermost first."""
    upto = ""
    for text in path.split("/"):
        upto = f"{upto}/{text}" if upto else text
        found = _PART.fullmatch(text)
        if found is None:  # a path of somebody else's making: nothing is known of it
            return
        iteration = found["iteration"]
        yield Part(found["id"], found["key"], None if iteration is None else int(iteration), upto)


def key_in_path(key: str) -> str:
    """Return an item's key as it stands in a path: percent-encoded, at most `LONGEST_KEY` characters."""
    encoded = quote(key, safe="").replace("~", "%7E")
    if len(encoded) <= LONGEST_KEY:
        return encoded
    return f"{encoded[: LONGEST_KEY - 9]}-{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
