r"""Patterns: a small regular-expression language whose matching takes time linear in the text.

Python's `re` backtracks, and one bad pattern would hold a workflow for ever. This one walks all alternatives at
once (Thompson's construction), so the worst case is `len(text) * states`, both bounded.

    literals  .  [a-z] [^a-z]  \d \w \s \D \W \S  \n \t \r  (…) (?:…)  |  * + ? {n} {n,} {n,m}  ^ $

A pattern always matches the whole text. Back-references, look-around and flags do not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

PATTERN_LIMIT = 500
TEXT_LIMIT = 1000
STATE_LIMIT = 500
_REPEAT_LIMIT = 200
_DEPTH_LIMIT = 30

Test = Callable[[str], bool]


class PatternError(ValueError):
    """A pattern is not valid, or too big; `position` is an offset into it."""

    def __init__(self, message: str, position: int) -> None:
        self.position = position
        super().__init__(message)


@dataclass(slots=True, eq=False)
class _State:
    """A state of the automaton: it consumes a character that passes `test`, or else is a free move or an anchor."""

    test: Test | None = None
    anchor: str = ""
    following: list[int] = field(default_factory=list[int])


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `states[0]` is the end, `start` the beginning."""

    states: tuple[_State, ...]
    start: int

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` fits (at most `TEXT_LIMIT` characters)."""
        current = self._reach([self.start], at_start=True, at_end=not text)
        for index, character in enumerate(text):
            passed: list[int] = []
            for number in current:
                state = self.states[number]
                if state.test is not None and state.test(character):
                    passed.extend(state.following)
            current = self._reach(passed, at_start=False, at_end=index == len(text) - 1)
            if not current:
                return False
        return 0 in current

    def _reach(self, numbers: Iterable[int], *, at_start: bool, at_end: bool) -> list[int]:
        seen = [False] * len(self.states)
        reached: list[int] = []
        pending = list(numbers)
        while pending:
            number = pending.pop()
            if seen[number]:
                continue
            seen[number] = True
            state = self.states[number]
            if state.test is not None or number == 0:
                reached.append(number)
            elif state.anchor in ("", "^" if at_start else "", "$" if at_end else ""):
                pending.extend(state.following)
        return reached


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Return the pattern that `text` describes.

    Raises:
        PatternError: it is not valid or too big.
    """
    if len(text) > PATTERN_LIMIT:
        raise PatternError(f"the pattern is longer than {PATTERN_LIMIT} characters", PATTERN_LIMIT)
    node = _Parser(text).parse()
    states = [_State()]
    start = node(states, 0)
    return Pattern(tuple(states), start)


# A node adds its states, which lead to the state `then`, and returns the number of its first state.
_Node = Callable[[list[_State], int], int]


def _add(states: list[_State], state: _State) -> int:
    if len(states) >= STATE_LIMIT:
        raise PatternError("the pattern is too big; repeat less", 0)
    states.append(state)
    return len(states) - 1


def _character(test: Test) -> _Node:
    return lambda states, then: _add(states, _State(test=test, following=[then]))


def _anchor(kind: str) -> _Node:
    return lambda states, then: _add(states, _State(anchor=kind, following=[then]))


def _sequence(nodes: list[_Node]) -> _Node:
    def build(states: list[_State], then: int) -> int:
        for node in reversed(nodes):
            then = node(states, then)
        return then

    return build


def _either(nodes: list[_Node]) -> _Node:
    def build(states: list[_State], then: int) -> int:
        return _add(states, _State(following=[node(states, then) for node in nodes]))

    return build


def _repeat(node: _Node, least: int, most: int | None) -> _Node:
    def build(states: list[_State], then: int) -> int:
        if most is None:
            loop = _add(states, _State(following=[then]))
            states[loop].following.append(node(states, loop))
            then = loop
        for _ in range(0 if most is None else most - least):
            then = _add(states, _State(following=[node(states, then), then]))
        for _ in range(least):
            then = node(states, then)
        return then

    return build


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


_CLASSES: dict[str, Test] = {
    "d": lambda c: "0" <= c <= "9",
    "w": _is_word,
    "s": str.isspace,
    "D": lambda c: not "0" <= c <= "9",
    "W": lambda c: not _is_word(c),
    "S": lambda c: not c.isspace(),
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class _Parser:
    """Recursive descent over the pattern's text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def parse(self) -> _Node:
        node = self.alternatives()
        if self.at < len(self.text):
            raise PatternError("`)` without `(`", self.at)
        return node

    def alternatives(self) -> _Node:
        branches = [self.branch()]
        while self.take("|"):
            branches.append(self.branch())
        return branches[0] if len(branches) == 1 else _either(branches)

    def branch(self) -> _Node:
        nodes: list[_Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            nodes.append(self.repeated())
        return _sequence(nodes)

    def repeated(self) -> _Node:
        node = self.single()
        start = self.at
        bounds = self.bounds()
        if bounds is None:
            return node
        self.take("?")  # a lazy quantifier decides nothing where only the whole text counts
        if self.at < len(self.text) and self.text[self.at] in "*+?{":
            raise PatternError("a repetition of a repetition; put it in brackets", start)
        return _repeat(node, *bounds)

    def bounds(self) -> tuple[int, int | None] | None:
        if self.take("*"):
            return 0, None
        if self.take("+"):
            return 1, None
        if self.take("?"):
            return 0, 1
        if self.take("{"):
            return self.counts()
        return None

    def counts(self) -> tuple[int, int | None]:
        start = self.at
        end = self.text.find("}", start)
        least, comma, most = self.text[start : max(end, start)].partition(",")
        numbers = [least, *([most] if most else [])]
        if end < 0 or not all(number.isascii() and number.isdigit() and len(number) <= 3 for number in numbers):
            raise PatternError("`{` begins `{n}`, `{n,}` or `{n,m}`; write `\\{` for the character", start - 1)
        self.at = end + 1
        low, high = int(least), int(most) if most else (None if comma else int(least))
        if max(low, high or 0) > _REPEAT_LIMIT or (high is not None and high < low):
            raise PatternError(f"counts go up to {_REPEAT_LIMIT}, the smaller one first", start)
        return low, high

    def single(self) -> _Node:
        character = self.text[self.at]
        self.at += 1
        match character:
            case "(":
                return self.group()
            case "[":
                return _character(self.character_class())
            case ".":
                return _character(lambda c: c != "\n")
            case "^" | "$":
                return _anchor(character)
            case "\\":
                return _character(self.escape())
            case "*" | "+" | "?" | "{":
                raise PatternError(f"`{character}` has nothing to repeat", self.at - 1)
            case _:
                return _character(character.__eq__)

    def group(self) -> _Node:
        start = self.at - 1
        if self.take("?") and not self.take(":"):
            raise PatternError("of the groups that begin `(?`, only `(?:…)` exists", start)
        self.depth += 1
        if self.depth > _DEPTH_LIMIT:
            raise PatternError("groups are nested too deep", start)
        node = self.alternatives()
        self.depth -= 1
        if not self.take(")"):
            raise PatternError("`(` is not closed", start)
        return node

    def escape(self) -> Test:
        if self.at >= len(self.text):
            raise PatternError("`\\` at the end", self.at - 1)
        character = self.text[self.at]
        self.at += 1
        if character in _CLASSES:
            return _CLASSES[character]
        return self.escaped(character).__eq__

    def escaped(self, character: str) -> str:
        if character in _ESCAPES:
            return _ESCAPES[character]
        if character.isalnum():
            raise PatternError(f"`\\{character}` does not exist here", self.at - 2)
        return character

    def character_class(self) -> Test:
        start = self.at - 1
        negated = self.take("^")
        tests: list[Test] = []
        while self.at < len(self.text) and (self.text[self.at] != "]" or not tests):
            tests.append(self.class_member())
        if not self.take("]"):
            raise PatternError("`[` is not closed", start)
        return lambda c: any(test(c) for test in tests) != negated

    def class_member(self) -> Test:
        low = self.class_character()
        if not isinstance(low, str):
            return low
        following = self.text[self.at : self.at + 2]
        if not following.startswith("-") or following in ("-", "-]"):
            return low.__eq__
        self.at += 1
        start = self.at
        high = self.class_character()
        if not isinstance(high, str) or high < low:
            raise PatternError("a range goes from a character to a later one", start)
        return lambda c: low <= c <= high

    def class_character(self) -> str | Test:
        character = self.text[self.at]
        self.at += 1
        if character != "\\":
            return character
        if self.at < len(self.text) and self.text[self.at] in _CLASSES:
            return self.escape()
        if self.at >= len(self.text):
            raise PatternError("`\\` at the end", self.at - 1)
        self.at += 1
        return self.escaped(self.text[self.at - 1])

    def take(self, character: str) -> bool:
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False
