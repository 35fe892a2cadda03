"""Hostile and surprising YAML is refused before anything is made of it.

    decode      bytes -> text: UTF-8, no byte order mark, no control or bidirectional characters, at most 1 MiB
    read        text -> a tree of `definitions.nodes`, from the C parser's events: no anchors, aliases, merge
                keys or tags, one document, keys that are texts and unique, at most 40 deep and 50,000 nodes

Only what makes the rest meaningless stops the reading; other findings are collected on the way. JSON is read
by the same path. Nothing here raises on content, and the cost is bounded by the limits.
"""

import re
from dataclasses import dataclass, field

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

from definitions.diagnostics import Diagnostic, Note, Span
from definitions.nodes import Entry, Mapping, Node, Scalar, Sequence, Style
from definitions.scalars import Ambiguous, resolve

MAXIMUM_BYTES = 1 << 20
MAXIMUM_DEPTH = 40
MAXIMUM_NODES = 50_000
MAXIMUM_FINDINGS = 100

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
_SURROGATE_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
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
    builder = _Builder(file, source)
    root = builder.build()
    return Document(source, root, builder.findings)


def decode(text: str | bytes, file: str) -> tuple[str, Diagnostic | None]:
    """Return the text with plain line ends, and why it cannot be read, if so."""
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="surrogatepass"))
    if size > MAXIMUM_BYTES:
        return "", Diagnostic(
            "text-too-large",
            "error",
            f"the text has {size} bytes, more than {MAXIMUM_BYTES}",
            file,
            help="move long prompts and scripts into files of the workspace",
        )
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            return _not_text(text, error, file)
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    found = _FORBIDDEN.search(source)
    if found:
        return source, _forbidden_character(source, found, file)
    if source.lstrip().startswith("{"):
        source = _SURROGATE_PAIR.sub(_join_surrogates, source)
    return source, None


def _not_text(content: bytes, error: UnicodeDecodeError, file: str) -> tuple[str, Diagnostic]:
    before = content[: error.start].decode()
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return content.decode(errors="replace"), Diagnostic(
        "not-utf8",
        "error",
        f"the byte `0x{content[error.start]:02x}` is not UTF-8",
        file,
        Span(line, column, line, column + 1),
        help="save the file as UTF-8",
    )


def _forbidden_character(source: str, found: re.Match[str], file: str) -> Diagnostic:
    line = source.count("\n", 0, found.start()) + 1
    column = found.start() - (source.rfind("\n", 0, found.start()) + 1) + 1
    return Diagnostic(
        "forbidden-character",
        "error",
        f"the character `U+{ord(found.group()):04X}` must not stand in a definition",
        file,
        Span(line, column, line, column + 1),
        help="remove it; inside double quotes it can be written as an escape",
    )


def _join_surrogates(pair: re.Match[str]) -> str:
    """JSON writes characters beyond U+FFFF as two escapes, which YAML does not know."""
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"{pair[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


@dataclass(slots=True)
class _Frame:
    """A collection that is still open; of a mapping also the key that waits for its value."""

    node: Mapping | Sequence
    key: Scalar | None = None
    has_key: bool = False


class _TooMuchError(Exception):
    """Reading stops here; the finding says why."""


@dataclass(slots=True)
class _Builder:
    """Makes the tree from the parser's events."""

    file: str
    source: str
    findings: list[Diagnostic] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    root: Node | None = None
    nodes: int = 0
    documents: int = 0

    def build(self) -> Node | None:
        """Return the tree, or None where there is none."""
        try:
            parser = CSafeLoader(self.source)  # only for its events; nothing is constructed
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
                self._add(Scalar(None, "", "plain", _span(event)), event)
            case DocumentStartEvent():
                self._document(event)
            case _:
                pass

    def _document(self, event: Event) -> None:
        self.documents += 1
        if self.documents > 1:
            span = _span(event)
            self._report("several-documents", "a second document begins here", span, "keep one definition in a file")
            raise _TooMuchError

    def _check_properties(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.anchor is not None:
            self._anchor(event, f"&{event.anchor}")
        if event.tag is not None:
            start = _start(event)
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            width = _token_width(self.source, start)
            span = Span(start.line, start.column, start.line, start.column + width)
            self._report(
                "yaml-tag", f"the tag `{shown}` is not allowed", span, "leave it out; quote a value to make it a text"
            )

    def _anchor(self, event: Event, shown: str) -> None:
        start = _start(event)
        span = Span(start.line, start.column, start.line, start.column + len(shown))
        self._report(
            "yaml-anchor", f"`{shown}` is an anchor or alias, which definitions do not have", span, "write it out"
        )

    def _scalar(self, event: ScalarEvent) -> Scalar:
        style = _STYLES.get(event.style, "plain")
        text = event.value
        return Scalar(text, text, style, _span(event))

    def _open(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        if len(self.stack) >= MAXIMUM_DEPTH:
            self._report("too-deep", f"values are nested more than {MAXIMUM_DEPTH} deep here", _start(event))
            raise _TooMuchError
        is_flow = bool(event.flow_style)
        span = _start(event)
        is_mapping = isinstance(event, MappingStartEvent)
        node = Mapping({}, span, is_flow) if is_mapping else Sequence([], span, is_flow)
        self._add(node, event)
        self.stack.append(_Frame(node))

    def _close(self, event: Event) -> None:
        node = self.stack.pop().node
        end = event.end_mark
        node.span = Span(node.span.line, node.span.column, end.line + 1, end.column + 1)

    def _add(self, node: Node, event: Event) -> None:
        self.nodes += 1
        if self.nodes > MAXIMUM_NODES:
            self._report("too-many-nodes", f"the document has more than {MAXIMUM_NODES} values", _start(event))
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
        mark = error.problem_mark
        lines = self.source.split("\n")
        line = lines[mark.line] if mark.line < len(lines) else ""
        code, help_ = _advice(error.problem or "", line, mark.column)
        notes: tuple[Note, ...] = ()
        if error.context and error.context_mark and error.context_mark.line != mark.line:
            at = error.context_mark
            notes = (Note(error.context, Span(at.line + 1, at.column + 1, at.line + 1, at.column + 2)),)
        span = Span(mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        self._report(code, (error.problem or "this is not YAML").rstrip("."), span, help_, *notes)

    def _report(self, code: str, message: str, span: Span, help_: str | None = None, *notes: Note) -> None:
        self.findings.append(Diagnostic(code, "error", message, self.file, span, notes, help_))
        if len(self.findings) >= MAXIMUM_FINDINGS:
            raise _TooMuchError


def _advice(problem: str, line: str, column: int) -> tuple[str, str | None]:
    """Return the code and the way out for the parser's complaint about `line`."""
    if "{{" in line[:column] and not line.lstrip().startswith(("#", '"', "'")):
        return "unquoted-template", 'put the whole text into quotes: `key: "… {{ … }} …"`, or under `key: |`'
    if "mapping values are not allowed" in problem:
        return "yaml-syntax", "a text that has `: ` in it needs quotes, or stands under `key: |`"
    if "cannot start any token" in problem:
        character = line[column : column + 1]
        if character == "\t":
            return "yaml-syntax", "indent with spaces, not with tabs"
        return "yaml-syntax", f"a text that begins with `{character}` needs quotes"
    if "unknown escape character" in problem:
        return "yaml-syntax", "write the backslash twice, or use single quotes"
    return "yaml-syntax", None


def _start(event: Event) -> Span:
    mark = event.start_mark
    return Span(mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)


def _span(event: Event) -> Span:
    start, end = event.start_mark, event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _token_width(source: str, start: Span) -> int:
    line = source.split("\n")[start.line - 1]
    return max(len(line[start.column - 1 :].split(" ")[0]), 1)


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
