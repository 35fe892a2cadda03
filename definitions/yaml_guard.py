"""Hostile and surprising YAML is refused before anything is made of it.

    read   text -> a tree of `definitions.nodes`, from the C parser's events: no anchors, aliases, merge
           keys or tags, one document, keys that are texts and unique, at most 40 deep and 50,000 nodes

Bytes and characters are the matter of `definitions.text_guard`, which goes first.

Only what makes the rest meaningless stops the reading; other findings are collected on the way. JSON is read
by the same path. Nothing here raises on content, and the cost is bounded by the limits. The parser's own places
can lie behind the text's end; those of findings never do.
"""

import re
from dataclasses import dataclass, field
from typing import Protocol

from yaml import CSafeLoader, YAMLError
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from definitions import yaml_words
from definitions.diagnostics import Diagnostic, Note, Span
from definitions.nodes import Entry, Mapping, Node, Scalar, Sequence, Style
from definitions.scalars import Ambiguous, resolve
from definitions.text_guard import MAXIMUM_BYTES, Pairs, decode, join_pairs

MAXIMUM_DEPTH = 40
MAXIMUM_NODES = 50_000
MAXIMUM_FINDINGS = 100
MAXIMUM_DIRECTIVES = 10
"""The parser compares each `%TAG` with all before: a megabyte of them takes it five seconds (measured)."""

_DIRECTIVE = re.compile(r"^%TAG\b", re.MULTILINE)
_STYLES: dict[str | None, Style] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}


@dataclass(slots=True)
class Document:
    """What was read. `source` is the text that all spans count in; `root` is None where reading had to stop."""

    source: str
    root: Node | None
    diagnostics: list[Diagnostic]


def read(text: str | bytes, file: str) -> Document:
    """Return the tree of a document with everything that is wrong with its form."""
    source, finding = decode(text, file)
    if finding:
        return Document(source, None, [finding])
    builder = _Builder(file, source, join_pairs(source))
    root = builder.build()
    return Document(source, root, builder.findings)


@dataclass(slots=True)
class _Frame:
    """A collection that is still open; of a mapping also the key that waits for its value."""

    node: Mapping | Sequence
    key: Scalar | None = None
    has_key: bool = False


class _Mark(Protocol):
    """A place as the parser counts it: from 0, in its own text."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the parser's marks are in the text as it was written, and never outside of it."""

    lines: list[str]
    pairs: Pairs

    def start(self, event: Event) -> Span:
        """Return the first character of an event."""
        return _character(*self._place(event.start_mark))

    def end(self, event: Event) -> Span:
        """Return what stands behind an event."""
        return _character(*self._place(event.end_mark))

    def stretch(self, event: Event) -> Span:
        """Return the whole of an event; where nothing is written, the place where it would stand."""
        start, end = self._place(event.start_mark), self._place(event.end_mark)
        return Span(*start, *end) if start < end else _character(*start)

    def word(self, event: Event) -> Span:
        """Return the first word of an event."""
        line, column = self._place(event.start_mark)
        width = len(self.lines[line - 1][column - 1 :].split(" ")[0])
        return Span(line, column, line, column + max(width, 1))

    def mistake(self, mark: _Mark) -> Span:
        """Return the place of a complaint; one about the end of the text is shown behind its last word."""
        line, column = self._place(mark)
        if not any(text.strip() for text in self.lines[line - 1 :]):
            line = next((number for number in range(line, 0, -1) if self.lines[number - 1].strip()), line)
            column = len(self.lines[line - 1].rstrip()) + 1
        return _character(line, column)

    def _place(self, mark: _Mark) -> tuple[int, int]:
        line = min(mark.line, len(self.lines) - 1)
        column = self.pairs.column(line, mark.column) if line == mark.line else len(self.lines[line])
        return line + 1, min(column, len(self.lines[line])) + 1


def _character(line: int, column: int) -> Span:
    return Span(line, column, line, column + 1)


class _TooMuchError(Exception):
    """Reading stops here; the finding says why."""


@dataclass(slots=True)
class _Builder:
    """Makes the tree from the parser's events."""

    file: str
    source: str
    pairs: Pairs
    findings: list[Diagnostic] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    root: Node | None = None
    nodes: int = 0
    documents: int = 0
    places: "_Places" = field(init=False)

    def __post_init__(self) -> None:
        self.places = _Places(self.source.split("\n"), self.pairs)

    def build(self) -> Node | None:
        """Return the tree, or None where there is none."""
        try:
            self._count_directives()
            parser = CSafeLoader(self.pairs.text)  # only for its events; nothing is constructed
            while (event := parser.get_event()) is not None:
                self._take(event)
        except _TooMuchError:
            return None
        except YAMLError as error:
            self._syntax(error)
            return None
        if self.root is None and not self.findings:
            self._report(
                "empty-document", "the document is empty", Span(1, 1, 1, 2), "`perdure init` writes a first one"
            )
        return self.root

    def _count_directives(self) -> None:
        for count, found in enumerate(_DIRECTIVE.finditer(self.source), 1):
            if count > MAXIMUM_DIRECTIVES:
                line = self.source.count("\n", 0, found.start()) + 1
                message = f"the text has more than {MAXIMUM_DIRECTIVES} `%TAG` directives"
                self._report("yaml-tag", message, Span(line, 1, line, 5), "leave them out: tags are not allowed")
                raise _TooMuchError

    def _take(self, event: Event) -> None:
        match event:
            case ScalarEvent():
                self._check_properties(event)
                self._add(self._scalar(event), event)
            case MappingStartEvent() | SequenceStartEvent():
                self._check_properties(event)
                self._open(event)
            case MappingEndEvent() | SequenceEndEvent():
                self._close(event)
            case AliasEvent():
                self._anchor(event, f"*{event.anchor}")
                self._add(Scalar(None, "", "plain", self.places.stretch(event)), event)
            case DocumentStartEvent():
                self._document(event)
            case _:
                pass

    def _document(self, event: Event) -> None:
        self.documents += 1
        if self.documents > 1:
            span = self.places.stretch(event)
            self._report("several-documents", "a second document begins here", span, "keep one definition in a file")
            raise _TooMuchError

    def _check_properties(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.anchor is not None:
            self._anchor(event, f"&{event.anchor}")
        if event.tag is not None:
            shown = _shown(event.tag.replace("tag:yaml.org,2002:", "!!"))
            span = self.places.word(event)
            self._report(
                "yaml-tag", f"the tag `{shown}` is not allowed", span, "leave it out; quote a value to make it a text"
            )

    def _anchor(self, event: Event, shown: str) -> None:
        start = self.places.start(event)
        span = Span(start.line, start.column, start.line, start.column + len(shown))
        shown = _shown(shown)
        self._report(
            "yaml-anchor", f"`{shown}` is an anchor or alias, which definitions do not have", span, "write it out"
        )

    def _scalar(self, event: ScalarEvent) -> Scalar:
        style = _STYLES.get(event.style, "plain")
        text = event.value
        return Scalar(text, text, style, self.places.stretch(event))

    def _open(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        if len(self.stack) >= MAXIMUM_DEPTH:
            self._report("too-deep", f"values are nested more than {MAXIMUM_DEPTH} deep here", self.places.start(event))
            raise _TooMuchError
        is_flow = bool(event.flow_style)
        span = self.places.start(event)
        is_mapping = isinstance(event, MappingStartEvent)
        node = Mapping({}, span, is_flow) if is_mapping else Sequence([], span, is_flow)
        self._add(node, event)
        self.stack.append(_Frame(node))

    def _close(self, event: Event) -> None:
        node = self.stack.pop().node
        end = self.places.end(event)
        node.span = Span(node.span.line, node.span.column, end.line, end.column)

    def _add(self, node: Node, event: Event) -> None:
        self.nodes += 1
        if self.nodes > MAXIMUM_NODES:
            self._report(
                "too-many-nodes", f"the document has more than {MAXIMUM_NODES} values", self.places.start(event)
            )
            raise _TooMuchError
        if not self.stack:
            self.root = self._resolved(node)
            return
        frame = self.stack[-1]
        if isinstance(frame.node, Sequence):
            frame.node.items.append(self._resolved(node))
        elif frame.has_key:
            self._add_value(frame, frame.node, self._resolved(node))
        else:
            self._take_key(frame, node)

    def _add_value(self, frame: _Frame, mapping: Mapping, node: Node) -> None:
        key, frame.key, frame.has_key = frame.key, None, False
        if key is not None:
            mapping.entries[key.text] = Entry(key, node)

    def _take_key(self, frame: _Frame, node: Node) -> None:
        frame.has_key = True
        if not isinstance(node, Scalar):
            self._complex_key(frame, node)
            return
        if node.style == "plain" and node.text == "<<":
            self._report(
                "yaml-anchor", "`<<` is a merge key, which definitions do not have", node.span, "write the keys out"
            )
            return
        mapping = frame.node
        first = mapping.entries.get(node.text) if isinstance(mapping, Mapping) else None
        if first:
            note = Note(f"`{_shown(node.text)}` stands here first", first.key.span)
            message = f"the key `{_shown(node.text)}` stands here a second time"
            self._report("duplicate-key", message, node.span, "keep one of them", note)
            return
        frame.key = node

    def _complex_key(self, frame: _Frame, node: Mapping | Sequence) -> None:
        """A collection as a key: nearly always a template that lacks its quotes."""
        is_template = isinstance(frame.node, Mapping) and frame.node.is_flow and isinstance(node, Mapping)
        at = frame.node.span if is_template else node.span
        span = Span(at.line, at.column, at.line, at.column + (2 if is_template else 1))
        if is_template:
            self._report(
                "unquoted-template", "`{{` begins a mapping here", span, 'put the text into quotes: `"{{ … }}"`'
            )
        else:
            self._report("key-not-text", "a key must be a text", span)
        raise _TooMuchError

    def _resolved(self, node: Node) -> Node:
        if isinstance(node, Scalar) and node.style == "plain":
            value = resolve(node.text)
            if isinstance(value, Ambiguous):
                help_ = f'quote it if a text is meant: `"{_shown(node.text)}"`'
                self._report("ambiguous-scalar", value.reason, node.span, help_)
                value = node.text
            node.value = value
        return node

    def _syntax(self, error: YAMLError) -> None:
        if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
            self._report("yaml-syntax", str(error).split("\n")[0].rstrip("."), Span(1, 1, 1, 2))
            return
        span = self.places.mistake(error.problem_mark)
        code, message, help_ = yaml_words.advice(error.problem or "", self.places.lines[span.line - 1], span.column - 1)
        notes: tuple[Note, ...] = ()
        if error.context and error.context_mark:
            at = self.places.mistake(error.context_mark)
            notes = (Note(yaml_words.context(error.context), at),) if at.line != span.line else ()
        self._report(code, message, span, help_, *notes)

    def _report(self, code: str, message: str, span: Span, help_: str | None = None, *notes: Note) -> None:
        self.findings.append(Diagnostic(code, "error", message, self.file, span, notes, help_))
        if len(self.findings) >= MAXIMUM_FINDINGS:
            raise _TooMuchError


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


__all__ = [
    "MAXIMUM_BYTES",
    "MAXIMUM_DEPTH",
    "MAXIMUM_DIRECTIVES",
    "MAXIMUM_FINDINGS",
    "MAXIMUM_NODES",
    "Document",
    "read",
]
