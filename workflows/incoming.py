"""Messages from outside, read: a refusal is typed and shows what the message should look like."""

import contextlib
from collections.abc import Generator, Sequence
from typing import TypeVar

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

from definitions.messages import WORKFLOW_TYPE, RunInput
from workflows.gates import Refusal

Read = TypeVar("Read", bound=BaseModel)
_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
_EXAMPLE = '`{"definition": "NAME", "inputs": {}}`'
NO_INPUT = RawValue(Payload(metadata={"encoding": b"binary/null"}))
"""What a run is given that is started without an input."""


def read_input(request: object) -> RunInput | str:
    """Return the start input, or what is wrong with it.

    A run gets it undecoded: what the SDK cannot decode would fail the workflow task, again and again for ever.
    """
    try:
        value = _decoded(request.payload) if isinstance(request, RawValue) else request
        return RunInput.model_validate({} if value is None else value)
    except ValidationError as error:
        return f"the input of {WORKFLOW_TYPE} is not valid: {_first(error)}; it looks like {_EXAMPLE}"
    except (ValueError, KeyError, RuntimeError) as error:
        return f"the input of {WORKFLOW_TYPE} cannot be read: {error}; it looks like {_EXAMPLE}"


def _decoded(payload: Payload) -> object:
    decoded: object = workflow.payload_converter().from_payload(payload)
    return decoded


def read_message(kind: type[Read], message: object) -> Read:
    """Return a message as its model. Raises `Refusal` of code `malformed`."""
    try:
        return kind.model_validate({} if message is None else message)
    except ValidationError as error:
        example = (kind.__doc__ or "").strip()
        raise Refusal("malformed", f"{_first(error)}; {example[:1].lower()}{example[1:]}") from error


def plain(arguments: Sequence[RawValue]) -> JsonValue:
    """Return the first argument of a signal as plain JSON; null where there is none. Raises `Refusal`."""
    if not arguments:
        return None
    try:
        return _JSON.validate_python(_decoded(arguments[0].payload))
    except (ValueError, KeyError, RuntimeError) as error:
        raise Refusal("malformed", f"what the signal carries cannot be read as JSON: {error}") from error


@contextlib.contextmanager
def refusing() -> Generator[None]:
    """Turn a refusal into the typed error that the sender of an update gets."""
    try:
        yield
    except Refusal as refusal:
        raise ApplicationError(refusal.message, type=refusal.code, non_retryable=True) from refusal


@contextlib.contextmanager
def dropping() -> Generator[None]:
    """Drop a signal that cannot be taken: nobody waits for an answer, and an error would fail the run."""
    try:
        yield
    except (Refusal, ActivityError) as error:
        workflow.logger.info("a signal was dropped: %s", error)


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"`{where}`: {first['msg'].lower()}" if where else first["msg"].lower()
