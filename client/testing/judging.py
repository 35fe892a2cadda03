"""An outcome against the expectations of its case: each that is not met, with its place in the case.

One function for each key of `expect`. Values are compared as JSON: `true` is no `1`, a file is equal to its path.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from pydantic import JsonValue

from client.testing.verdicts import Finding, Outcome, resolved
from definitions.cases.models import Case, ErrorExpectation, StepExpectation
from definitions.durations import format_duration
from definitions.errors import ExpressionError, StepFailure
from definitions.evaluation import FilesNeeded
from definitions.expressions import evaluate_condition, parse_condition
from definitions.nodes import Path
from definitions.records import StepError
from definitions.statuses import StepStatus
from definitions.stored_values import FILE_KEY, is_file_reference
from definitions.suggestions import listed

_MOST_CHARACTERS = 300
_SHOWN_OF_STEPS = frozenset({"status", "attempt", "outputs", "artifacts", "cached", "error"})


def findings(case: Case, outcome: Outcome) -> Iterator[Finding]:
    """Yield the expectations that are not met, in the order of the keys of `expect`."""
    yield from _status(case, outcome)
    yield from _path(case, outcome)
    yield from _steps_that_stand_still(case, outcome)
    yield from _values(("expect", "outputs"), None, case.expect.outputs, outcome.status.outputs, outcome)
    yield from _checks(case, outcome)
    yield from _steps(case, outcome)
    yield from _prompts(case, outcome)
    if case.expect.error is not None:
        yield from _error(("expect", "error"), "the run", case.expect.error, outcome.status.error)
    yield from _handled(case, outcome)
    yield from _takes(case, outcome)


def _status(case: Case, outcome: Outcome) -> Iterator[Finding]:
    wanted, status = case.expect.states, outcome.status
    if status.status in wanted:
        return
    message = f"the run is `{status.status}`, not {listed(wanted, 'or')}"
    if status.error is not None:
        message += f": {_error_text(status.error)}"
    elif status.pending_approvals:
        gates = listed(gate.gate for gate in status.pending_approvals)
        message += f": nobody decides at {gates}"
    yield Finding(message, ("expect", "status"), wanted[0], status.status)


def _path(case: Case, outcome: Outcome) -> Iterator[Finding]:
    wanted = case.expect.path
    if wanted is None or tuple(wanted) == outcome.path:
        return
    actual: list[JsonValue] = [*outcome.path]
    message = f"the steps that ended are {_shown(actual)}"
    for number, (want, have) in enumerate(zip(wanted, outcome.path, strict=False)):
        if want != have:
            yield Finding(f"`{have}` ended here: {message}", ("expect", "path", number), [*wanted], actual)
            return
    if len(wanted) > len(outcome.path):
        missing = wanted[len(outcome.path)]
        yield Finding(f"`{missing}` did not end: {message}", ("expect", "path", len(outcome.path)), [*wanted], actual)
        return
    more = listed(outcome.path[len(wanted) :])
    yield Finding(f"{more} ended too: {message}", ("expect", "path"), [*wanted], actual)


def _steps_that_stand_still(case: Case, outcome: Outcome) -> Iterator[Finding]:
    steps = outcome.status.steps
    for number, path in enumerate(case.expect.never):
        found = steps.get(path)
        if found is not None and found.status not in ("skipped", "pending"):
            yield Finding(f"`{path}` ran: it is `{found.status}`", ("expect", "never", number), None, found.status)
    for number, path in enumerate(case.expect.skipped):
        found = steps.get(path)
        if found is None:
            yield Finding(f"`{path}` was not reached, so it was not skipped", ("expect", "skipped", number))
        elif found.status != "skipped":
            yield Finding(f"`{path}` is `{found.status}`, not `skipped`", ("expect", "skipped", number))


def _values(
    place: Path,
    step: str | None,
    wanted: Mapping[str, JsonValue],
    given: Mapping[str, JsonValue] | None,
    outcome: Outcome,
) -> Iterator[Finding]:
    for name, value in wanted.items():
        if given is None or name not in given:
            owner = "the run" if step is None else f"`{step}`"
            there = f"; it has {listed(given)}" if given else ""
            yield Finding(f"{owner} has no output `{name}`{there}", (*place, name), value)
            continue
        actual = resolved(given[name], outcome)
        if not is_equal(value, actual):
            noun = f"output `{name}`" if step is None else f"output `{name}` of `{step}`"
            yield Finding(f"{noun} is {_shown(actual)}, not {_shown(value)}", (*place, name), value, actual)


def _checks(case: Case, outcome: Outcome) -> Iterator[Finding]:
    for number, text in enumerate(case.expect.check):
        place: Path = ("expect", "check", number)
        try:
            if not evaluate_condition(parse_condition(text), check_scope(case, outcome), outcome.files):
                yield Finding(f"this is false{_where_it_looked(text, case, outcome)}", place, True, False)
        except (ExpressionError, StepFailure) as error:
            yield Finding(error.message, place)
        except FilesNeeded as error:
            yield Finding(str(error), place)


def _steps(case: Case, outcome: Outcome) -> Iterator[Finding]:
    for path, wanted in case.expect.steps.items():
        found = outcome.status.steps.get(path)
        place: Path = ("expect", "steps", path)
        if found is None:
            yield Finding(f"`{path}` was not reached", place)
        else:
            yield from _step(place, path, wanted, found, outcome)


def _step(place: Path, path: str, wanted: StepExpectation, found: StepStatus, outcome: Outcome) -> Iterator[Finding]:
    if wanted.status is not None and found.status != wanted.status:
        said = f": {_error_text(found.error)}" if found.error is not None else ""
        message = f"`{path}` is `{found.status}`, not `{wanted.status}`{said}"
        yield Finding(message, (*place, "status"), wanted.status, found.status)
    if wanted.attempt is not None and found.attempt != wanted.attempt:
        message = f"`{path}` ended at attempt {found.attempt}, not {wanted.attempt}"
        yield Finding(message, (*place, "attempt"), wanted.attempt, found.attempt)
    if wanted.cached is not None and found.cached != wanted.cached:
        message = f"`{path}` {'is' if found.cached else 'is not'} from the cache"
        yield Finding(message, (*place, "cached"), wanted.cached, found.cached)
    yield from _values((*place, "outputs"), path, wanted.outputs, found.outputs, outcome)
    if wanted.reason is not None and wanted.reason not in (found.reason or ""):
        message = f"`{path}` gives the reason {_shown(found.reason)}"
        yield Finding(message, (*place, "reason"), wanted.reason, found.reason)
    if wanted.error is not None:
        yield from _error((*place, "error"), f"`{path}`", wanted.error, found.error)


def _prompts(case: Case, outcome: Outcome) -> Iterator[Finding]:
    for path, texts in case.expect.prompts.items():
        prompt = outcome.prompts.get(path)
        if prompt is None:
            yield Finding(f"`{path}` was given no prompt: it did not run", ("expect", "prompts", path))
            continue
        for number, text in enumerate(texts):
            if text not in prompt:
                message = f"the prompt of `{path}` does not contain this; it is {_shown(prompt)}"
                yield Finding(message, ("expect", "prompts", path, number), text, prompt)


def _error(place: Path, owner: str, wanted: ErrorExpectation, found: StepError | None) -> Iterator[Finding]:
    if found is None:
        yield Finding(f"{owner} has no error", place)
        return
    for key, want, have in (("step", wanted.step, found.step), ("type", wanted.type, found.type)):
        if want is not None and want != have:
            yield Finding(f"the error's {key} is `{have}`: {_error_text(found)}", (*place, key), str(want), have)
    if wanted.message is not None and wanted.message not in found.message:
        yield Finding(
            f"the error's message is {_shown(found.message)}", (*place, "message"), wanted.message, found.message
        )


def _handled(case: Case, outcome: Outcome) -> Iterator[Finding]:
    wanted, actual = case.expect.handled, outcome.status.handled_failures
    if wanted is not None and sorted(wanted) != sorted(actual):
        message = f"the failures that were handled are {_shown([*actual])}"
        yield Finding(message, ("expect", "handled"), [*wanted], [*actual])


def _takes(case: Case, outcome: Outcome) -> Iterator[Finding]:
    wanted = case.expect.takes
    if wanted is None:
        return
    took = format_duration(outcome.duration)
    if wanted.at_least is not None and outcome.duration < wanted.at_least:
        yield Finding(f"the run took only {took}", ("expect", "takes", "at_least"), None, took)
    if wanted.at_most is not None and outcome.duration > wanted.at_most:
        yield Finding(f"the run took {took}", ("expect", "takes", "at_most"), None, took)


# --- values -----------------------------------------------------------------------------------------


def check_scope(case: Case, outcome: Outcome) -> dict[str, JsonValue]:
    """Return what the conditions of `check` see."""
    status = outcome.status
    steps: dict[str, JsonValue] = {}
    for path, step in sorted(status.steps.items(), key=lambda item: item[0].count("/")):
        shown = step.model_dump(mode="json", include={*_SHOWN_OF_STEPS})
        steps[path] = shown
        steps.setdefault(path.rsplit("/", 1)[-1], shown)  # inside groups, steps are known by their id too
    return {
        "inputs": dict(status.inputs),
        "env": dict[str, JsonValue](case.env),
        "run": {
            "id": status.execution_id,
            "started_at": None if status.started_at is None else status.started_at.isoformat(),
        },
        "steps": steps,
        "outputs": dict(status.outputs),
        "status": status.status,
        "error": None if status.error is None else status.error.model_dump(mode="json"),
    }


def is_equal(wanted: JsonValue, actual: JsonValue) -> bool:
    """Whether two JSON values are the same; a file is the same as its path."""
    if is_file_reference(actual) and isinstance(wanted, str):
        return wanted.removeprefix("./") == actual[FILE_KEY]
    match wanted, actual:
        case dict(), dict():
            return wanted.keys() == actual.keys() and all(is_equal(wanted[key], actual[key]) for key in wanted)
        case list(), list():
            return len(wanted) == len(actual) and all(map(is_equal, wanted, actual))
        case _:
            return isinstance(wanted, bool) == isinstance(actual, bool) and wanted == actual


def _where_it_looked(text: str, case: Case, outcome: Outcome) -> str:
    """Return the values that a false condition was about, as ` (outputs.x is 3)`."""
    scope = check_scope(case, outcome)
    parts: list[str] = []
    for reference in parse_condition(text).references:
        value: JsonValue = scope
        for part in reference.parts:
            value = resolved(value, outcome)
            value = value.get(str(part)) if isinstance(value, dict) else None
        parts.append(f"`{'.'.join(map(str, reference.parts))}` is {_shown(resolved(value, outcome))}")
    return f": {'; '.join(dict.fromkeys(parts))}" if parts else ""


def _error_text(error: StepError) -> str:
    where = f"`{error.step}` " if error.step else ""
    return f"{where}{error.type}: {error.message}"[:_MOST_CHARACTERS]


def _shown(value: JsonValue | Iterable[str]) -> str:
    if is_file_reference(value):
        return f"the file `{value[FILE_KEY]}`"
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= _MOST_CHARACTERS else f"`{text[:_MOST_CHARACTERS]}…`"
