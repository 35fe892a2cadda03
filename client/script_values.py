"""What a person wrote for each variable of a step's script: `{{ inputs.who }}` for `PERDURE_V1`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activities.store.interface import Store


def placeholders(store: Store, execution_id: str, path: str) -> dict[str, str]:
    """Return the expressions of a shell step by variable, as the run's record has its definition; else nothing."""
    from pydantic import ValidationError

    from activities.reruns import recorded_report
    from definitions.cases.checks import declared_steps
    from definitions.cases.paths import declared_path
    from definitions.models import Definition
    from definitions.shell_values import compile_script
    from definitions.steps import ShellStep

    report = recorded_report(store, execution_id)
    if report is None or report.prepared is None:
        return {}
    try:
        library = {key: Definition.model_validate(body) for key, body in report.prepared.library.items()}
        definition = Definition.model_validate(report.prepared.definition)
    except ValidationError:  # of another version
        return {}
    step = declared_steps(definition.steps, library=library).get(declared_path(path))
    if not isinstance(step, ShellStep):
        return {}
    script = compile_script(step.command, step.shell)
    return {variable: f"{{{{ {expression.text} }}}}" for variable, expression in script.bindings.items()}
