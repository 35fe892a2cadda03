"""`--update`: expectations that were not met are written anew in place; every other character stays as it is.

Only what an outcome says by itself is written: status, path, outputs, what steps came to, errors. Conditions,
`never`, `skipped`, prompts and durations are what somebody meant, so they stay and the case goes on failing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from pydantic import JsonValue

from client.testing.results import CaseResult, FileResult
from client.testing.verdicts import Outcome
from client.testing.writing import flow, shown
from definitions.cases.loading import load_cases
from definitions.nodes import Mapping, Node, Path, Scalar, Sequence, find
from definitions.records import StepError
from definitions.statuses import StepStatus


@dataclass(frozen=True, slots=True)
class Updated:
    """A test file's new text, and how many expectations changed."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class _Edit:
    """A stretch of the text, by offsets, and what stands there afterwards."""

    start: int
    end: int
    text: str


def updated_text(result: FileResult) -> Updated | None:
    """Return the file's text with the expectations of failed cases brought up to date; None: nothing to change."""
    root, source = result.collected.loaded.root, result.collected.loaded.source
    if root is None:
        return None
    text = _Text(root, source)
    edits = [edit for case in result.cases for edit in _case_edits(text, case)]
    if not edits:
        return None
    changed = _apply(source, edits)
    # an edit that the loader does not read back is worse than none
    return Updated(changed, len(edits)) if load_cases(changed, result.collected.loaded.file).cases else None


def _case_edits(text: "_Text", result: CaseResult) -> Iterable[_Edit]:
    if result.outcome is None:
        return
    missing: dict[str, JsonValue] = {}
    for place in dict.fromkeys(_written_place(finding.place) for finding in result.findings):
        known, value = _actual(place, result.outcome)
        if not known:
            continue
        whole: Path = ("cases", result.number, *place)
        if text.has(whole):
            yield from text.replace(whole, value)
        elif len(place) == 2:
            missing[str(place[1])] = value
    if missing:
        yield text.insert(("cases", result.number), missing)


def _written_place(place: Path) -> Path:
    """Return the place of the value that is written anew: lists are written whole."""
    return place[:2] if place[1:2] in (("path",), ("handled",)) else place


def _actual(place: Path, outcome: Outcome) -> tuple[bool, JsonValue]:
    """Return whether an outcome says what belongs at a place of the case, and what."""
    status = outcome.status
    match place:
        case ("expect", "status"):
            return True, status.status
        case ("expect", "path"):
            return True, [*outcome.path]
        case ("expect", "handled"):
            return True, [*status.handled_failures]
        case ("expect", "outputs", str(name)) if name in status.outputs:
            return True, shown(status.outputs[name], outcome)
        case ("expect", "error", str(key)):
            return _of_error(status.error, key)
        case ("expect", "steps", str(path), *rest) if path in status.steps and rest:
            return _of_step(status.steps[path], tuple(rest), outcome)
        case _:
            return False, None


def _of_step(step: StepStatus, rest: Path, outcome: Outcome) -> tuple[bool, JsonValue]:
    match rest:
        case ("status" | "attempt" | "cached" | "reason" as key,):
            value = getattr(step, key)
            return value is not None, value
        case ("outputs", str(name)) if step.outputs is not None and name in step.outputs:
            return True, shown(step.outputs[name], outcome)
        case ("error", str(key)):
            return _of_error(step.error, key)
        case _:
            return False, None


def _of_error(error: StepError | None, key: str) -> tuple[bool, JsonValue]:
    if error is None:
        return False, None
    known: dict[str, str] = {"step": error.step, "type": error.type, "message": error.message}
    return key in known, known.get(key)


def _apply(source: str, edits: Iterable[_Edit]) -> str:
    for edit in sorted(edits, key=lambda one: (one.start, one.end), reverse=True):
        source = source[: edit.start] + edit.text + source[edit.end :]
    return source


class _Text:
    """A test file's text with the tree that was read from it."""

    def __init__(self, root: Node, source: str) -> None:
        self._root = root
        self._source = source
        self._lines = [0]
        for line in source.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)

    def has(self, path: Path) -> bool:
        """Whether something is written at a path."""
        return len(find(self._root, path).path) == len(path)

    def replace(self, path: Path, value: JsonValue) -> Iterable[_Edit]:
        """Yield the edits that make the value at a path another one."""
        node = find(self._root, path).node
        if isinstance(node, Sequence) and not node.is_flow and isinstance(value, list) and value and node.items:
            yield from self._items(node, value)
            return
        yield _Edit(self._offset(node.span.line, node.span.column), self._end(node), flow(value))

    def _items(self, node: Sequence, value: list[JsonValue]) -> Iterable[_Edit]:
        """Yield edits line by line, so that comments beside items that stay are kept."""
        old = [item.text if isinstance(item, Scalar) else "" for item in node.items]
        new = [str(item) for item in value]
        margin = " " * (node.span.column - 1)
        for tag, begin, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag == "equal":
                continue
            added = "".join(f"{margin}- {flow(item)}\n" for item in value[first:last])
            start = self._lines[node.items[begin].span.line - 1] if begin < len(old) else self._after(node)
            stop = self._lines[node.items[end - 1].span.line] if end > begin else start
            if start > len(self._source):  # the last line has no line end
                start = stop = len(self._source)
                added = "\n" + added
            yield _Edit(start, min(stop, len(self._source)), added)

    def _after(self, node: Sequence) -> int:
        return self._lines[node.items[-1].span.line]

    def insert(self, case: Path, values: dict[str, JsonValue]) -> _Edit:
        """Return the edit that adds expectations which are not written yet."""
        expect = find(self._root, (*case, "expect"))
        if len(expect.path) < len(case) + 1:
            return self._new_expectations(case, values)
        node = expect.node
        if isinstance(node, Mapping) and not node.is_flow and node.entries:
            key = next(iter(node.entries.values())).key
            margin = " " * (key.span.column - 1)
            added = "".join(f"{margin}{name}: {flow(value)}\n" for name, value in values.items())
            start = self._lines[key.span.line - 1]
            return _Edit(start, start, added)
        inside = ", ".join(f"{name}: {flow(value)}" for name, value in values.items())
        start = self._offset(node.span.line, node.span.column) + 1
        is_empty = isinstance(node, Mapping) and not node.entries
        return _Edit(start, start, inside if is_empty else f"{inside}, ")

    def _new_expectations(self, case: Path, values: dict[str, JsonValue]) -> _Edit:
        node = find(self._root, case).node
        if isinstance(node, Mapping) and node.is_flow:
            start = self._offset(node.span.end_line, node.span.end_column) - 1
            return _Edit(start, start, f", expect: {flow(values)}")
        assert isinstance(node, Mapping)  # noqa: S101 - the models hold a case to be one
        key = next(iter(node.entries.values())).key
        start = self._end(node)
        return _Edit(start, start, f"\n{' ' * (key.span.column - 1)}expect: {flow(values)}")

    def _offset(self, line: int, column: int) -> int:
        return self._lines[line - 1] + column - 1

    def _end(self, node: Node) -> int:
        """Return where a value's own text ends, without the white space and comments that follow it."""
        if isinstance(node, Mapping) and not node.is_flow and node.entries:
            return self._end(list(node.entries.values())[-1].value)
        if isinstance(node, Sequence) and not node.is_flow and node.items:
            return self._end(node.items[-1])
        start = self._offset(node.span.line, node.span.column)
        end = min(self._offset(node.span.end_line, node.span.end_column), len(self._source))
        return start + len(self._source[start:end].rstrip())
