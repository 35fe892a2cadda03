"""What a step type does that has no activity of its own; one module a type, named as in `definitions/steps/`.

A type that is not in `HANDLERS` is an activity of its own name.
"""

from collections.abc import Mapping

from workflows.interpreter import Handler
from workflows.steps import approval, assertion, group, values, wait

HANDLERS: Mapping[str, Handler] = {
    "approval": approval.attempt,
    "assert": assertion.attempt,
    "group": group.attempt,
    "set": values.attempt,
    "wait": wait.attempt,
}
