"""How a stubbed step answers, the same on every level: its own outputs, made up where the stub says nothing.

own_outputs      what the step's own work would give: an agent's answer, a script's outputs
failure_of       the failure that a stub, or its exit code, means
made_files       the files that outputs and artifacts promise and the stub does not write
"""

import json
from functools import lru_cache

from pydantic import JsonValue

from definitions.cases.models import Stub
from definitions.errors import ErrorClass, StepFailure
from definitions.steps import AgentStep, ArtifactStep, ShellStep, Step

UNSTUBBED_ANSWER = "The test has no stub for this step."


def own_outputs(step: Step, stub: Stub) -> dict[str, JsonValue]:
    """Return the outputs of a step before those that it declares. Raises `StepFailure` (class `schema`)."""
    if isinstance(step, AgentStep):
        return _answer(step, stub)
    if isinstance(step, ArtifactStep):
        return {**_artifact(step), **stub.outputs}
    if isinstance(step, ShellStep):
        return {"stdout": "", "exit_code": usual_exit_code(step), **stub.outputs}
    return dict(stub.outputs)


def failure_of(step: Step, stub: Stub) -> StepFailure | None:
    """Return the failure that a stub means, None where it goes well."""
    if stub.fail is not None:
        return StepFailure(stub.fail.type, stub.fail.message)
    code = stub.outputs.get("exit_code")
    if isinstance(step, ShellStep) and isinstance(code, int) and code not in step.exit_codes:
        return StepFailure(ErrorClass.EXIT, f"the script ended with exit code {code}", {"exit_code": code})
    return None


def made_files(step: Step, stub: Stub) -> dict[str, str]:
    """Return the paths by name of the files that a step promises: declared file outputs, and artifacts."""
    promised = dict(step.artifacts)
    if not isinstance(step, ArtifactStep):
        shared = [one for one in step.publications if one.path is not None]
        promised |= {f"publish {number}": str(one.path) for number, one in enumerate(shared)}
    for name, declared in step.outputs.items():
        if is_file_output(step, declared):
            given = stub.outputs.get(name)
            promised[name] = given if isinstance(given, str) else str(declared)
    return promised


def is_file_output(step: Step, declared: JsonValue) -> bool:
    """Whether a declared output is a file: a text without a template, on a shell step."""
    return isinstance(step, ShellStep) and isinstance(declared, str) and "{{" not in declared


def usual_exit_code(step: ShellStep) -> int:
    """Return the exit code of a script that went well."""
    return 0 if 0 in step.exit_codes else step.exit_codes[0]


def _artifact(step: ArtifactStep) -> dict[str, JsonValue]:
    """Return what a version that nobody published would say of itself."""
    made: dict[str, JsonValue] = {"version": 1, "kind": "file", "digest": "", "size": 0, "metadata": {}, "file": None}
    for one in (*step.publications, *step.fetches):
        made["name"] = one.name
        made["media_type"] = "application/octet-stream"
    return made


def _answer(step: AgentStep, stub: Stub) -> dict[str, JsonValue]:
    """Return an agent's answer: an example of its schema with what the stub gives; it must fit, as a real one."""
    schema = step.output_schema
    if schema is None:
        return dict(stub.outputs) or {"content": UNSTUBBED_ANSWER}
    answer = {**_example(schema), **stub.outputs}
    _hold_to(schema, answer)
    return answer


def _example(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    example: dict[str, JsonValue] = json.loads(_example_text(json.dumps(schema, sort_keys=True)))
    return example


@lru_cache(maxsize=256)
def _example_text(schema: str) -> str:
    """Return an example as JSON, once for each schema: most of a case's time would go into it."""
    from activities.agents.answers import as_outputs
    from activities.agents.schema_example import example_of

    return json.dumps(as_outputs(example_of(json.loads(schema))))


def _hold_to(schema: dict[str, JsonValue], answer: dict[str, JsonValue]) -> None:
    from activities.agents.schema_check import findings

    unfit = findings(schema, answer)
    if unfit:
        message = f"the answer does not fit `output_schema`: {'; '.join(unfit)}"
        raise StepFailure(ErrorClass.SCHEMA, message[:1500], {"findings": [*unfit]})
