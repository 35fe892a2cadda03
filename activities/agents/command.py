"""`provider: command`: any program as an agent. The prompt is its standard input, its standard output the answer.

Lines in our own event dialect (see `event_lines`) are taken as events, so a small wrapper can tell of tools,
usage and failures; all other output is text. It has no memory: asked again, it gets everything once more.
Nothing but the environment and the process isolation holds it to a security profile.
"""

from pathlib import Path

from pydantic import JsonValue

from activities.agents.adapter import AgentRequest, AgentSettings, Launch, Outfit, Traits
from activities.agents.event_lines import parse_event_line
from activities.agents.events import AgentEvent, Finished, Text
from activities.executors.interface import Execution
from activities.process.running import find_program
from definitions.errors import ErrorClass, StepFailure
from definitions.steps.agent import AgentStep

_COMMAND_NOT_FOUND = 127


def traits() -> Traits:
    """Return what the agent can do by itself."""
    return Traits(
        provider="command", is_process=True, resumes=False, has_role=False, has_schema=False, enforces_profile=False
    )


def outfit(execution: Execution, settings: AgentSettings) -> Outfit:
    """Return what this machine has for it. Raises `StepFailure` where there is no such program."""
    return Outfit(program=find_program(_program(execution), execution.workspace, execution.environment))


async def identity(execution: Execution, settings: AgentSettings) -> dict[str, JsonValue]:
    """Return the program's name; what it is made of is the author's to say (`cache: {tools: […]}`)."""
    return {"program": Path(_program(execution)).name}


def build(request: AgentRequest) -> Launch:
    """Return the program's launch."""
    argv = (request.outfit.program or request.command[0], *request.command[1:])
    return Launch(argv=argv, environment=dict(request.environment), stdin=request.prompt.encode())


def parse(line: str) -> list[AgentEvent]:
    """Return what a line means."""
    return [parse_event_line(line) or Text(line)]


def parse_end(code: int | None) -> list[AgentEvent]:
    """Return the last word that the end of the process is: a plain program has no other."""
    if code == 0:
        return [Finished()]
    if code is None:
        return []
    error_class = ErrorClass.NOT_FOUND if code == _COMMAND_NOT_FOUND else ErrorClass.EXIT
    return [Finished(is_error=True, error_class=error_class, text=f"exit code {code}")]


def transcript(request: AgentRequest) -> Path | None:
    """Return None: it keeps none."""
    return None


def _program(execution: Execution) -> str:
    step = execution.step
    if not isinstance(step, AgentStep) or not step.command:
        message = "`provider: command` needs `command: [program, argument, …]` on the step"
        raise StepFailure(ErrorClass.REFUSED, message)
    return step.command[0]
