"""XML read as events, element by element: nothing is expanded, fetched or kept.

A DOCTYPE that only names a schema is passed over (Cobertura reports have one); one with declarations of its own is
refused, and with it every attack by entities.
"""

from collections.abc import Callable
from xml.parsers import expat

from definitions.errors import ExpressionError

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str, str], None]
"""Called with an element's name and the text that stood directly in it."""

_DEPTH_LIMIT = 200
_TEXT_LIMIT = 4096


def read(content: bytes, on_start: Start, on_end: End | None = None) -> None:
    """Go through a document.

    Raises:
        ExpressionError: it is not XML, declares entities, or is nested too deep.
    """
    reading = _Reading(on_start, on_end)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_declarations
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _unfit(f"not XML: {expat.ErrorString(error.code)} (line {error.lineno})") from error
    except (LookupError, ValueError) as error:
        raise _unfit(f"not XML that can be read: {error}") from error


class _Reading:
    """What is open: one list of texts per element."""

    def __init__(self, on_start: Start, on_end: End | None) -> None:
        self._on_start = on_start
        self._on_end = on_end
        self._texts: list[list[str]] = []
        self._sizes: list[int] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._texts) >= _DEPTH_LIMIT:
            raise _unfit(f"nested more than {_DEPTH_LIMIT} deep")
        self._texts.append([])
        self._sizes.append(0)
        self._on_start(_local(name), attributes)

    def end(self, name: str) -> None:
        text = "".join(self._texts.pop())[:_TEXT_LIMIT]
        self._sizes.pop()
        if self._on_end is not None:
            self._on_end(_local(name), text)

    def text(self, piece: str) -> None:
        if self._texts and self._sizes[-1] < _TEXT_LIMIT:
            self._texts[-1].append(piece)
            self._sizes[-1] += len(piece)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse_declarations(name: str, system: str | None, public: str | None, has_subset: bool) -> None:
    if has_subset:
        raise _unfit("its DOCTYPE has declarations of its own, which are not read")


def _unfit(message: str) -> ExpressionError:
    return ExpressionError("unfit-file", message)
