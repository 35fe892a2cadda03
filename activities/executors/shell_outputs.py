"""What a script hands on: an excerpt of what it printed, and the lines it wrote to `$PERDURE_OUTPUT`.

Each line of that file is `name=value` (the value is text, to the line's end) or a JSON object whose members are
outputs of any type. A later line wins.
"""

import json
import os
import re
import stat
from collections import deque
from pathlib import Path
from typing import NoReturn

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure

EXCERPT_LIMIT = 64 * 1024
"""Bytes of what a script printed that become its output; the log has all of it."""
FILE_LIMIT = 1024 * 1024
"""Bytes that the file of outputs may have."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_OWN = frozenset({"stdout", "exit_code"})


class Excerpt:
    """The beginning and the end of what was printed, in bounded memory."""

    def __init__(self, limit: int = EXCERPT_LIMIT) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._dropped = 0

    def add(self, piece: bytes) -> None:
        """Take a piece."""
        missing = self._half - len(self._head)
        if missing > 0:
            self._head += piece[:missing]
            piece = piece[missing:]
        if piece:
            self._tail.append(piece)
            self._tail_size += len(piece)
        while self._tail_size > self._half and self._tail_size - len(self._tail[0]) >= self._half:
            removed = len(self._tail.popleft())
            self._tail_size -= removed
            self._dropped += removed

    def text(self) -> str:
        """Return it as text, with a line where something is missing; what is not UTF-8 is replaced."""
        tail = b"".join(self._tail)
        surplus = max(0, len(tail) - self._half)
        dropped = self._dropped + surplus
        gap = f"\n[… {dropped} bytes left out; the log has them …]\n".encode() if dropped else b""
        return (bytes(self._head) + gap + tail[surplus:]).decode(errors="replace")


def is_empty(path: Path) -> bool:
    """Whether the script wrote no outputs: most do not."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def read_outputs(path: Path) -> dict[str, JsonValue]:
    """Return the outputs that a script wrote.

    Raises:
        StepFailure: the file is too big, is no regular file, or a line is neither form (class `output`).
    """
    outputs: dict[str, JsonValue] = {}
    for number, line in enumerate(_content(path).split("\n"), start=1):
        if line.strip():
            outputs |= _parsed(line.removesuffix("\r"), number)
    return outputs


def _content(path: Path) -> str:
    try:
        # the script may have put anything there: not followed, not waited for
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _unfit(f"cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _unfit("is not a regular file any more")
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise _unfit(f"has more than {FILE_LIMIT} bytes; write big results to a file and name it under `outputs`")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unfit(f"line {line}: not UTF-8") from error


def _parsed(line: str, number: int) -> dict[str, JsonValue]:
    if line.lstrip().startswith("{"):
        outputs = _object(line, number)
    else:
        name, sign, value = line.partition("=")
        if not sign:
            raise _unfit(f"line {number}: `{line[:80]}` is neither `name=value` nor a JSON object")
        outputs: dict[str, JsonValue] = {name: value}
    for name in outputs:
        if not _NAME.fullmatch(name):
            raise _unfit(f"line {number}: `{name[:80]}` cannot be an output's name; use letters, digits, `_` and `-`")
        if name in _OWN:
            raise _unfit(f"line {number}: `{name}` is set by Perdure; use another name")
    return outputs


def _object(line: str, number: int) -> dict[str, JsonValue]:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"`{constant}` is not JSON")

    try:
        return json.loads(line, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise _unfit(f"line {number}: not a JSON object: {error}") from error


def _unfit(what: str) -> StepFailure:
    return StepFailure(ErrorClass.OUTPUT, f"the file of outputs (`$PERDURE_OUTPUT`) {what}")
