"""`did you mean`: only when close, and only from what is in scope.

Close is a slip of the fingers: letters left out, added, changed or swapped, about one in three and at most three; in
words of up to three letters none is changed. Upper case, `-` and `_`, and the order of a name's parts do not count.
"""

from collections.abc import Iterable

_LONGEST = 60
_MOST = 500
_MOST_LETTERS = 10_000
"""Of the choices that are looked at: a file with hundreds of long wrong names costs no more than others."""


def closest(word: str, choices: Iterable[str]) -> str | None:
    """Return the one of `choices` that `word` is most likely a slip of, None where none is close."""
    if not word or len(word) > _LONGEST:
        return None
    most = min(_MOST, _MOST_LETTERS // len(word))
    known = [choice for _, choice in zip(range(most), choices, strict=False)]
    for form in (_plain, _parts):
        same = next((choice for choice in known if form(choice) == form(word)), None)
        if same is not None:
            return same
    limit = min(max(len(word) // 3, 1), 3)
    found = [(_distance(_plain(word), _plain(choice), limit), choice) for choice in known]
    best = min(found, key=lambda pair: pair[0], default=(limit + 1, ""))
    return best[1] if best[0] <= limit else None


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


def _parts(word: str) -> list[str]:
    return sorted(word.lower().replace("-", "_").split("_"))


def _distance(word: str, choice: str, limit: int) -> int:
    """Return how many slips lead from one to the other (optimal string alignment); above `limit`, any more than it."""
    if abs(len(word) - len(choice)) > limit:
        return limit + 1
    change = 2 if min(len(word), len(choice)) <= 3 else 1
    before: list[int] = []
    above = list(range(len(choice) + 1))
    for row, letter in enumerate(word, 1):
        current = [row] + [limit + 1] * len(choice)
        for column in range(max(row - limit, 1), min(row + limit, len(choice)) + 1):  # further off is too far
            other = choice[column - 1]
            cost = above[column - 1] + (0 if letter == other else change)
            cost = min(cost, above[column] + 1, current[column - 1] + 1)
            is_swap = row > 1 and column > 1 and (word[row - 2], letter) == (other, choice[column - 2])
            current[column] = min(cost, before[column - 2] + 1) if is_swap else cost
        if min(current) > limit:
            return limit + 1
        before, above = above, current
    return above[-1]
