"""The text that an agent step is given, as a test sees it: the same on every level.

Files stand in it by the place where an attempt has laid them, which is another each time; so they are left out.
"""

from pydantic import JsonValue

from activities.agents import prompting
from definitions.steps import AgentStep
from definitions.stored_values import is_file_reference, is_value_reference


def prompt_of(step: AgentStep, answer_fields: list[str]) -> str:
    """Return the text for a rendered step."""
    named = step.inputs.items() if isinstance(step.inputs, dict) else (("", value) for value in step.inputs)
    values = tuple((name, value) for name, value in named if not _is_reference(value))
    return prompting.task(step.prompt, prompting.Given(values=values), role=step.role, fields=answer_fields)


def _is_reference(value: JsonValue) -> bool:
    return is_file_reference(value) or is_value_reference(value)
