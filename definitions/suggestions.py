"""`did you mean`: only when close, and only from what is in scope."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 60
_MOST = 500


def closest(word: str, choices: Iterable[str]) -> str | None:
    """Return the one of `choices` that `word` is most likely a slip of, None where none is close."""
    if len(word) > _LONGEST:
        return None
    known = [choice for _, choice in zip(range(_MOST), choices, strict=False)]
    same = [choice for choice in known if _plain(choice) == _plain(word)]
    if same:
        return same[0]
    found = get_close_matches(word, known, n=1, cutoff=0.7)
    return found[0] if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """Return the help line that names the closest choice, if one is close."""
    found = closest(word, choices)
    return f"did you mean `{found}`?" if found else None


def listed(words: Iterable[str], last: str = "and") -> str:
    """Return `a`, `b` and `c`, each in backticks; `last` stands before the last one."""
    shown = [f"`{word}`" for word in words]
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")
