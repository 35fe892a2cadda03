"""What a step type does that has no activity of its own; one module a type, named as in `definitions/steps/`.

A type that is not in `HANDLERS` is an activity of its own name.
"""

from collections.abc import Mapping

from workflows.interpreter import Handler
from workflows.steps import activity, approval, assertion, group, values, wait, workflow

HANDLERS: Mapping[str, Handler] = {
    "activity": activity.attempt,
    "approval": approval.attempt,
    "assert": assertion.attempt,
    "group": group.attempt,
    "set": values.attempt,
    "wait": wait.attempt,
    "workflow": workflow.attempt,
}
