"""A short text that matches a regular expression: for the `pattern` of a schema.

Python's own parser of expressions is walked (`re._parser`, the module that `re` itself uses); what it does not
know (look-around, back references) gives no text, and the caller tries something else.
"""

import re
import string
from importlib import import_module
from typing import Any

_PARSER: Any = import_module("re._parser")  # not typed, hence not imported by name
_ALPHABET = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_ ./:@" + string.punctuation + "\n\t"
_MOST_REPEATS = 200


def shortest_match(pattern: str, at_least: int = 0) -> str | None:
    """Return a text that `pattern` matches, at least so long where repeats allow it; None where none was found."""
    for extra in range(at_least + 1):
        try:
            text = _sequence(_PARSER.parse(pattern), extra)
        except (re.error, LookupError, RecursionError, OverflowError):
            return None
        if len(text) >= at_least and re.search(pattern, text):
            return text
    return None


def _sequence(parsed: Any, extra: int) -> str:  # the parser's own lists of (code, argument)
    return "".join(_piece(str(code), argument, extra) for code, argument in parsed)


def _piece(code: str, argument: Any, extra: int) -> str:
    match code:
        case "LITERAL":
            return chr(argument)
        case "NOT_LITERAL":
            return next(letter for letter in _ALPHABET if ord(letter) != argument)
        case "ANY":
            return "a"
        case "IN":
            return next(letter for letter in _letters(argument) if _is_in(letter, argument))
        case "BRANCH":
            return _sequence(argument[1][0], extra)
        case "SUBPATTERN":
            return _sequence(argument[3], extra)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inner = argument
            return _sequence(inner, 0) * min(max(low, min(low + extra, int(high))), _MOST_REPEATS)
        case "AT":
            return ""
        case _:
            raise LookupError(code)


def _letters(members: list[Any]) -> str:
    """Return letters to try: those that are named themselves, then the alphabet."""
    named = [chr(argument) for code, argument in members if str(code) == "LITERAL"]
    ranged = [chr(argument[0]) for code, argument in members if str(code) == "RANGE"]
    return "".join(ranged + named) + _ALPHABET


def _is_in(letter: str, members: list[Any]) -> bool:
    is_negated = any(str(code) == "NEGATE" for code, _ in members)
    return any(_holds(letter, str(code), argument) for code, argument in members) is not is_negated


def _holds(letter: str, code: str, argument: Any) -> bool:
    match code:
        case "LITERAL":
            return ord(letter) == argument
        case "RANGE":
            return argument[0] <= ord(letter) <= argument[1]
        case "CATEGORY":
            return re.match(_CATEGORIES[str(argument)], letter) is not None
        case _:
            return False


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
}
