"""What can go wrong, as a tree of exceptions.

    PerdureError                  anything below; `str()` is fit to be shown to a person
    ├── DefinitionInvalid         a definition or its inputs have errors; carries diagnostics
    ├── ExpressionError           an expression failed on the values at hand
    ├── StepFailure               an attempt of a step failed; carries the class that `retry.on` names
    └── EnvironmentUnfit          this machine lacks something (server, store, tool); says the remedy

Messages are lower case, hold no full stop, put values in backticks and name a way out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import JsonValue

if TYPE_CHECKING:
    from definitions.diagnostics import Diagnostic


class ErrorClass(StrEnum):
    """Why an attempt failed: the words that `retry: {on: […]}` and `steps.x.error.type` use."""

    EXIT = "exit"  # a process ended with a code that is not a success
    TIMEOUT = "timeout"  # the step's own time was up
    NOT_FOUND = "not-found"  # the program to run does not exist
    OUTPUT = "output"  # a promised output or artifact is missing or unfit
    ASSERTION = "assertion"  # a condition was false
    EXPRESSION = "expression"  # a template or condition could not be evaluated
    OVERLOADED = "overloaded"  # the model's service is busy or down (transient)
    CRASH = "crash"  # an agent ended without a final word (transient)
    AUTH = "auth"  # the agent is not logged in, or its key was refused
    REFUSED = "refused"  # the model's service will not take the request (400, unknown model)
    BUDGET = "budget"  # money, tokens, turns or wall time of the budget are used up
    SCHEMA = "schema"  # the answer does not fit `output_schema`, also after asking again
    DENIED = "denied"  # the agent wanted what its profile forbids
    SANDBOX = "sandbox"  # the security profile cannot be enforced here
    REJECTED = "rejected"  # a gate was rejected or ran out of time
    WORKSPACE = "workspace"  # the tree could not be stored, restored or merged
    SECRET = "secret"  # noqa: S105 # a secret is not known to the worker, or would have been recorded
    STORE = "store"  # the store did not answer or is full
    ARTIFACT = "artifact"  # an artifact is not there, is damaged, or cannot be published
    VISITS_EXHAUSTED = "visits-exhausted"  # jumps led to the step more often than `max_visits` allows
    LOOP_EXHAUSTED = "loop-exhausted"  # all passes were made and `until` is not true
    COLLECTION = "collection"  # `for_each` got no collection, one too large, or keys that are not unique
    ACTIVITY = "activity"  # somebody's activity failed
    PLUGIN = "plugin"  # the code of an installed package's step type failed
    ROUTED = "routed"  # the author's `on_success: fail`
    LOST = "lost"  # the worker died with the step, too often
    CANCELLED = "cancelled"
    INTERNAL = "internal"  # a defect of Perdure


TRANSIENT = frozenset({ErrorClass.OVERLOADED, ErrorClass.CRASH})


class PerdureError(Exception):
    """Base of all errors that are meant to be read by a person."""


class DefinitionInvalid(PerdureError):
    """A definition, or the inputs given to it, has errors; nothing was started."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in diagnostics))


class ExpressionError(PerdureError):
    """An expression failed on the values at hand.

    Attributes:
        code: slug, such as `no-such-field` or `condition-not-boolean`.
        position: character offset into the expression's own text, or None.
        end: offset after the last wrong character, or None.
    """

    def __init__(self, code: str, message: str, position: int | None = None, end: int | None = None) -> None:
        self.code = code
        self.message = message
        self.position = position
        self.end = end
        super().__init__(message)


class StepFailure(PerdureError):
    """An attempt failed. The interpreter decides what follows (retry, `on_failure`)."""

    def __init__(self, error_class: ErrorClass, message: str, details: dict[str, JsonValue] | None = None) -> None:
        self.error_class = error_class
        self.message = message
        self.details: dict[str, JsonValue] = details or {}
        super().__init__(message)


class EnvironmentUnfit(PerdureError):
    """This machine lacks something that is needed; `remedy` is one thing the reader can do."""

    def __init__(self, message: str, remedy: str) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message}; {remedy}")
