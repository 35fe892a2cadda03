"""What is said of a part of an expression that can never work."""

from dataclasses import dataclass

from definitions.diagnostics import Severity
from definitions.expressions.paths import Span
from definitions.nodes import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding in one expression; `span` counts in the expression's text."""

    code: str
    message: str
    span: Span
    help: str | None = None
    origin: Path | None = None
    """Where in the document the type is declared that makes it one."""
    severity: Severity = "error"
