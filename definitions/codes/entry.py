"""One diagnostic code, as people read about it."""

from dataclasses import dataclass
from typing import Literal

from definitions.diagnostics import Severity


@dataclass(frozen=True, slots=True)
class Example:
    """What is refused, and what to write instead; either may be empty."""

    wrong: str = ""
    right: str = ""
    language: Literal["yaml", "sh"] = "yaml"
    label: str = "Refused"
    """What is said above `wrong`."""


@dataclass(frozen=True, slots=True)
class Code:
    """A slug with its page."""

    slug: str
    title: str
    """What it means, in half a sentence."""
    explanation: str
    """Markdown: why it is refused, and what to do."""
    example: Example = Example()
    severity: Severity = "error"
    """What its findings are; errors cannot be allowed by a comment."""
