"""What a failed attempt means: whether another follows and when, and how it is recorded."""

from datetime import timedelta
from hashlib import sha256

from pydantic import JsonValue

from definitions.errors import TRANSIENT, ErrorClass, ExpressionError, StepFailure
from definitions.records import StepError, Usage
from definitions.steps import AgentStep, Step
from definitions.steps.base import Retry

ONE_ATTEMPT = Retry(max_attempts=1)
AGENT_RETRY = Retry(max_attempts=3, on=sorted(TRANSIENT))


def retry_rules(step: Step) -> list[Retry]:
    """Return the rules of a step's attempts: the author's; else agents have three on transient failures, others one."""
    return step.retry_rules or [AGENT_RETRY if isinstance(step, AgentStep) else ONE_ATTEMPT]


def rule_for(rules: list[Retry], error_class: ErrorClass) -> int | None:
    """Return the number of the first rule for a class of failure."""
    return next((number for number, rule in enumerate(rules) if rule.on is None or error_class in rule.on), None)


def wait_before(rule: Retry, failures: int, seed: str = "") -> timedelta:
    """Return the back-off after so many failures of a rule; its jitter follows from `seed`, so it is the same again."""
    factor = min(rule.backoff ** (failures - 1), 1e9)
    wait = min(rule.initial_interval * factor, rule.max_interval)
    if not rule.jitter:
        return wait
    draw = int.from_bytes(sha256(f"{seed}/{failures}".encode("utf-8", "surrogatepass")).digest()[:4]) / 2**32
    return wait * (1 - rule.jitter * draw)


def error_of(failure: StepFailure, path: str) -> StepError:
    """Return a failure as it is recorded; one that an activity reported is whole already."""
    reported = failure.details.get("error")
    if isinstance(reported, dict):
        return StepError.model_validate(reported)
    return StepError(type=failure.error_class, message=failure.message, step=path, details=failure.details)


def step_failure(error: StepError) -> StepFailure:
    """Return a recorded error as the failure that stops a list."""
    return StepFailure(ErrorClass(error.type), error.message, {"error": error.model_dump(mode="json")})


def expression_failure(error: ExpressionError, text: str | None = None) -> StepFailure:
    """Return an expression's error as a step's failure."""
    details: dict[str, JsonValue] = {"code": error.code}
    if text is not None:
        details["expression"] = text[:500]
    return StepFailure(ErrorClass.EXPRESSION, error.message, details)


def add_usage(before: Usage | None, more: Usage | None) -> Usage | None:
    """Return what was used in all."""
    if before is None or more is None:
        return before or more
    return before.plus(more)
