"""Inputs given anew with `resume`: checked, typed, and files by what they hold, as at the start of the run.

A file is one of the workspace that the run began with: that is what a rerun finds too, which takes these inputs over.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from definitions.diagnostics import has_errors
from definitions.errors import StepFailure
from definitions.inputs import as_given, check_inputs
from definitions.messages import Prepared
from definitions.models import Definition
from definitions.records import EvaluateCall
from workflows.gates import Refusal
from workflows.host import Host


def checked_inputs(
    prepared: Prepared, known: Mapping[str, JsonValue], given: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return the inputs given anew, typed; null gives the default. Raises `Refusal` where they do not fit.

    Args:
        prepared: The run as it began.
        known: What was given anew before.
        given: What is given now.
    """
    definition = Definition.model_validate(prepared.definition)
    whole = {**prepared.inputs, **known, **given}
    values, findings = check_inputs(definition, {name: as_given(value) for name, value in whole.items()})
    if has_errors(findings):
        raise Refusal("inputs-invalid", "; ".join(finding.message for finding in findings))
    return {name: values[name] for name in given}


async def with_files(host: Host, prepared: Prepared, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return checked inputs, those of type `file` as references. Raises `Refusal` where there is no such file."""
    declared = Definition.model_validate(prepared.definition).inputs
    paths = {name: path for name, path in given.items() if declared[name].type == "file" and isinstance(path, str)}
    if prepared.tree is None or not paths:
        return given
    call = EvaluateCall(
        run=prepared.run,
        path="resume",
        expressions={name: f"{{{{ result.{name} }}}}" for name in paths},
        files=list(paths),
        values={"result": dict(paths)},
        tree=prepared.tree,
    )
    try:
        return {**given, **await host.evaluate(call)}
    except StepFailure as failure:
        raise Refusal("inputs-invalid", failure.message) from failure
