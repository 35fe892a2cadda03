"""The error that a failed or rejected run closes with; apart from `ending`, which needs no Temporal."""

from pydantic import JsonValue
from temporalio.exceptions import ApplicationError

from workflows.ending import Ending


def run_error(ending: Ending, result: dict[str, JsonValue]) -> ApplicationError:
    """Return the error that a failed or rejected run closes with."""
    error = ending.error
    text = ending.state if error is None else f"{error.type}: step `{error.step}`: {error.message}"
    return ApplicationError(text[:2000], result, type=f"run-{ending.state}", non_retryable=True)
