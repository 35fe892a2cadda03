"""One record per finding, whoever found it: the loader, the checks, the inputs, the command line.

`code` is a slug of `definitions.codes`; `span` covers the smallest wrong token. How findings look is
`definitions.rendering`'s matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "lint"]
"""`error` forbids a start, `warning` is surely not what was meant, `lint` is legal and unwise."""


class Span(NamedTuple):
    """A stretch of a text. Lines and columns count characters from 1; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Note:
    """A further place, or a fact, that belongs to a finding."""

    message: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `message` is lower case, without a full stop, the wrong thing first."""

    code: str
    severity: Severity
    message: str
    file: str
    span: Span | None = None
    notes: tuple[Note, ...] = ()
    help: str | None = None


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the findings by place, each once; those without a place first."""
    unique = dict.fromkeys(diagnostics)
    return tuple(sorted(unique, key=lambda finding: finding.span or (0, 0, 0, 0)))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any finding forbids a start."""
    return any(finding.severity == "error" for finding in diagnostics)
