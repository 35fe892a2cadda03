"""Durations are strings with units: `90s`, `2h`, `1h30m`, `500ms`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$"
LONGEST = 40
"""How many characters the text of a duration may have."""


def parse_duration(text: object) -> timedelta:
    """Return the span that `text` names.

    Raises:
        ValueError: `text` is not a string of numbers with units.
    """
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not re.fullmatch(PATTERN, text) or len(text) > LONGEST:
        raise ValueError(f"a duration is a number with a unit (`90s`, `10m`, `2h`, `1h30m`), not `{_shown(text)}`")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > 10 * 365 * 86400:
        raise ValueError(f"`{_shown(text)}` is longer than ten years")
    return timedelta(seconds=seconds)


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def format_duration(span: timedelta) -> str:
    """Return the shortest text that `parse_duration` reads back as `span`."""
    milliseconds = round(span.total_seconds() * 1000)
    if milliseconds == 0:
        return "0s"
    parts: list[str] = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": PATTERN,
            "maxLength": LONGEST,
            "patternErrorMessage": "a number with a unit: `90s`, `10m`, `2h`, `1h30m`",
            "examples": ["90s", "10m", "1h30m"],
        }
    ),
]
