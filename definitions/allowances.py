"""Comments that allow a finding: `# perdure: allow SLUG reason`.

    on the line of the finding, or on the first line of the text that it is in
    on lines of their own directly above such a line
    on, or above, the first line of a step: then for all that is in the step

Warnings and lint can be allowed, errors cannot. The reason is required, because the next reader asks for it. What
stands in a script or a prompt is text, not a comment of the definition. A comment that says nothing sensible is
`invalid-allow`; one that allows nothing is `unneeded-allow`, found only where all rules have looked.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from definitions.codes import CODES, suggestion
from definitions.diagnostics import Diagnostic, Span
from definitions.nodes import Mapping, Node, Scalar
from definitions.nodes import Sequence as List

INVALID, UNNEEDED = "invalid-allow", "unneeded-allow"
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*perdure:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_FORM = "write `# perdure: allow SLUG reason`"
_MOST = 100
"""No more findings of a kind than these are about comments."""


@dataclass(frozen=True, slots=True)
class _Comment:
    """One comment: where it stands, and what it says after `perdure:`."""

    text: str
    span: Span
    begin: int
    """The column at which `text` begins."""
    is_alone: bool

    def word(self, word: str) -> Span:
        """Return the span of a word of the text, of the whole comment where there is none."""
        if not word:
            return self.span
        column = self.begin + self.text.index(word)
        return Span(self.span.line, column, self.span.line, column + len(word))


@dataclass(frozen=True, slots=True)
class _Allowance:
    """A comment that is fit to allow something, and the lines that it speaks for."""

    slug: str
    span: Span
    lines: range


def apply(findings: Sequence[Diagnostic], root: Node, source: str, file: str, *, is_complete: bool) -> list[Diagnostic]:
    """Return the findings that no comment allows, with those about the comments themselves.

    `is_complete` says that every rule has looked, so that a comment without a finding has none to wait for.
    """
    if "perdure:" not in source or not _COMMENT.search(source):
        return list(findings)
    places = _Places(root, source)
    allowances: dict[str, list[_Allowance]] = {}
    left: list[Diagnostic] = []
    for comment in places.comments():
        read = _read(comment, places, file)
        if isinstance(read, _Allowance):
            allowances.setdefault(read.slug, []).append(read)
        elif len(left) < _MOST:
            left.append(read)
    used: set[Span] = set()
    for finding in findings:
        matching = list(_matching(finding, allowances.get(finding.code, ())))
        used.update(matching)
        if not matching:
            left.append(finding)
    if is_complete:
        unneeded = (one for some in allowances.values() for one in some if one.span not in used)
        left += (_unneeded(one, file) for one in islice(unneeded, _MOST))
    return left


def _matching(finding: Diagnostic, allowances: Iterable[_Allowance]) -> Iterator[Span]:
    if finding.severity != "error" and finding.span:
        yield from (one.span for one in allowances if finding.span.line in one.lines)


def _read(comment: _Comment, places: "_Places", file: str) -> _Allowance | Diagnostic:
    """Return what a comment allows, or what is wrong with it."""
    verb, _, rest = comment.text.partition(" ")
    slug, _, reason = rest.strip().partition(" ")
    slug = slug.removesuffix(":")
    if verb != "allow":
        shown = f"`{_cut(verb)}` means nothing" if verb else "something is missing"
        return _invalid(f"{shown} after `perdure:`", comment.word(verb), file, _FORM)
    code = CODES.get(slug)
    if code is None:
        close = suggestion(slug)
        help_ = f"did you mean `{close}`?" if close else "`perdure explain` lists the codes"
        message = f"no finding has the code `{_cut(slug)}`" if slug else "the code of a finding is missing"
        return _invalid(message, comment.word(slug), file, help_ if slug else _FORM)
    if code.severity == "error" or slug in (INVALID, UNNEEDED):
        kind = "an error, and errors cannot" if code.severity == "error" else "about such comments, and cannot"
        return _invalid(
            f"`{slug}` is {kind} be allowed", comment.word(slug), file, "mend what it finds, and leave this out"
        )
    if not reason.strip(" :-"):
        help_ = f"say why: `# perdure: allow {slug} reason`; without a reason it allows nothing"
        return _invalid(f"there is no reason for allowing `{slug}`", comment.word(slug), file, help_)
    return _Allowance(slug, comment.span, places.lines_of(comment))


def _invalid(message: str, span: Span, file: str, help_: str) -> Diagnostic:
    return Diagnostic(INVALID, "warning", message, file, span, help=help_)


def _unneeded(allowance: _Allowance, file: str) -> Diagnostic:
    message = f"`{allowance.slug}` is not found here, so there is nothing to allow"
    return Diagnostic(UNNEEDED, "lint", message, file, allowance.span, help="leave the comment out")


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


@dataclass(slots=True)
class _Places:
    """Where texts and steps of a document begin and end, by line."""

    root: Node
    source: str
    _lines: list[str] = field(default_factory=list[str])
    _scalars: list[Scalar] = field(default_factory=list[Scalar])
    _ends: dict[int, int] = field(default_factory=dict[int, int])
    """By first line: the last line of the step, or of the text, that begins there."""

    def __post_init__(self) -> None:
        self._lines = self.source.split("\n")
        self._take(self.root, is_steps=False)
        self._scalars.sort(key=lambda scalar: scalar.span)

    def comments(self) -> Iterator[_Comment]:
        """Yield the comments that are no text of a scalar."""
        starts = [scalar.span[:2] for scalar in self._scalars]
        line, line_start = 1, 0
        for found in _COMMENT.finditer(self.source):
            line += self.source.count("\n", line_start, found.start())
            line_start = self.source.rfind("\n", 0, found.start()) + 1
            column = found.start() - line_start + 1
            before = bisect_right(starts, (line, column)) - 1
            if before >= 0 and _is_inside(line, column, self._scalars[before]):
                continue
            is_alone = not self.source[line_start : found.start()].strip()
            begin = column + found.start(1) - found.start()
            yield _Comment(found[1], Span(line, column, line, column + len(found[0].rstrip())), begin, is_alone)

    def lines_of(self, comment: _Comment) -> range:
        """Return the lines that a comment speaks for."""
        line = comment.span.line
        while comment.is_alone and line < len(self._lines) and self._lines[line - 1].lstrip().startswith("#"):
            line += 1
        return range(line, self._ends.get(line, line) + 1)

    def _take(self, node: Node, *, is_steps: bool) -> None:
        match node:
            case Scalar():
                self._scalars.append(node)
            case Mapping():
                for name, entry in node.entries.items():
                    self._scalars.append(entry.key)
                    if isinstance(entry.value, Scalar):
                        self._extend(entry.key.span.line, _last_line(entry.value))
                    self._take(entry.value, is_steps=name == "steps")
            case List():
                for item in node.items:
                    if is_steps and isinstance(item, Mapping):
                        self._extend(item.span.line, _last_line(item))
                    self._take(item, is_steps=False)

    def _extend(self, line: int, end: int) -> None:
        self._ends[line] = max(end, self._ends.get(line, 0))


def _is_inside(line: int, column: int, scalar: Scalar) -> bool:
    """Whether a place is part of a scalar's text; the rest of the line of a `|` is not."""
    span = scalar.span
    if scalar.style in ("literal", "folded"):
        return span.line < line <= _last_line(scalar)
    return span[:2] <= (line, column) < span[2:]


def _last_line(node: Node) -> int:
    """Return the last line of a value: where the parser ends a block is the begin of what follows."""
    if isinstance(node, Scalar) or node.is_flow:
        return node.span.end_line - (1 if node.span.end_column == 1 and node.span.end_line > node.span.line else 0)
    inside = [entry.value for entry in node.entries.values()] if isinstance(node, Mapping) else node.items
    return max((_last_line(one) for one in inside), default=node.span.line)
