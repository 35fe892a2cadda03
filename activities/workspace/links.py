"""Whether a symlink stays inside its tree, judged over the whole tree: links may lead through other links."""

from collections.abc import Mapping

FOLLOW_LIMIT = 40
"""Links that Linux follows before it says that there are too many."""


def leads_out(path: str, links: Mapping[str, str]) -> bool:
    """Whether the link at `path` is absolute or leaves the root; `links` are all of the tree, path to target.

    A link that goes round in circles stays inside; a link that leads to nothing too.
    """
    place = path.split("/")[:-1]
    to_follow = _parts(links[path])
    followed = 1
    if to_follow is None:
        return True
    while to_follow:
        part = to_follow.pop()
        if part == "..":
            if not place:
                return True
            place.pop()
            continue
        place.append(part)
        target = links.get("/".join(place))
        if target is None:
            continue
        followed += 1
        if followed > FOLLOW_LIMIT:
            return False
        onward = _parts(target)
        if onward is None:
            return True
        place.pop()
        to_follow.extend(onward)
    return False


def _parts(target: str) -> list[str] | None:
    """Return the parts of a relative target, the first last; None where it is absolute."""
    if target.startswith("/") or "\0" in target:
        return None
    return [part for part in reversed(target.split("/")) if part not in {"", "."}]
