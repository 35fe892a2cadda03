"""One evaluation: the values it may see, the files it may read, the work it may do.

    Evaluation         scope, reader and remaining work of one `evaluate`
    FileReader         what an activity supplies so that files and stored values can be read
    FilesNeeded        the expression reads a file, and there is no reader here (workflow code has none)
    StoredValueNeeded  the same for a value that is in the store

The two are no `ExpressionError`s: nothing failed, the expression must be evaluated elsewhere.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from pydantic import JsonValue

from definitions.errors import ExpressionError, PerdureError
from definitions.stored_values import VALUE_KEY

WORK_LIMIT = 1_000_000
"""Items and characters that functions and comparisons of one evaluation may go through (well under a second)."""

Scope = Mapping[str, JsonValue]


class FileReader(Protocol):
    """Reads what expressions need beyond the scope; activities have one, workflow code has none."""

    def read(self, source: JsonValue) -> bytes:
        """Return the content of a file: a path in the workspace, or a file reference."""
        ...

    def value(self, digest: str) -> JsonValue:
        """Return the stored value that a value reference names."""
        ...

    def call(self, name: str, arguments: Sequence[JsonValue]) -> JsonValue:
        """Call a function that reads files."""
        ...


class FilesNeeded(PerdureError):
    """The expression reads a file; only an activity can evaluate it."""

    def __init__(self, message: str = "the expression reads a file, which only a step's worker can do") -> None:
        super().__init__(message)


class StoredValueNeeded(FilesNeeded):
    """The expression looks into a value that is in the store; only an activity can evaluate it."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        super().__init__(f"the value `{digest[:12]}…` is in the store, which only a step's worker can read")


class Evaluation:
    """What one `evaluate` has at hand."""

    __slots__ = ("files", "remaining", "scope")

    def __init__(self, scope: Scope, files: FileReader | None) -> None:
        self.scope = scope
        self.files = files
        self.remaining = WORK_LIMIT

    def charge(self, work: int) -> None:
        """Take note of work done.

        Raises:
            ExpressionError: it is too much.
        """
        self.remaining -= work
        if self.remaining < 0:
            raise ExpressionError(
                "expression-too-expensive",
                f"the expression goes through more than {WORK_LIMIT} items; compute this in a shell step",
            )

    def resolve(self, value: JsonValue) -> JsonValue:
        """Return `value`, read from the store where it is a reference (its own items are left as they are).

        Raises:
            StoredValueNeeded: it is a reference and there is no reader.
        """
        while isinstance(value, dict) and VALUE_KEY in value:
            value = self.require_files(StoredValueNeeded(str(value[VALUE_KEY]))).value(str(value[VALUE_KEY]))
            self.charge(1)
        return value

    def resolve_whole(self, value: JsonValue) -> JsonValue:
        """Return `value` with every reference inside it read from the store; charges for its size.

        Raises:
            StoredValueNeeded: there is a reference and no reader.
        """
        value = self.resolve(value)
        if isinstance(value, dict):
            self.charge(len(value))
            return {key: self.resolve_whole(item) for key, item in value.items()}
        if isinstance(value, list):
            self.charge(len(value))
            return [self.resolve_whole(item) for item in cast("list[JsonValue]", value)]
        self.charge(len(value) if isinstance(value, str) else 1)
        return value

    def require_files(self, otherwise: FilesNeeded) -> FileReader:
        """Return the reader, or raise `otherwise` where there is none."""
        if self.files is None:
            raise otherwise
        return self.files
