"""One diagnostic code, as people read about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """What is refused, and what to write instead; either may be empty."""

    wrong: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A slug with its page."""

    slug: str
    title: str
    """What it means, in half a sentence."""
    explanation: str
    """Markdown: why it is refused, and what to do."""
    example: Example = Example()
