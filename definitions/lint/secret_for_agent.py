"""`secret-for-agent`: an agent can read, and tell, a secret of the run.

Whatever is in an agent's environment or prompt is in the hands of a model that reads files of strangers. A value that
comes from `env.X` or an input is recorded in the run's history besides.
"""

import re
from collections.abc import Iterator, Mapping

from definitions.checks.context import Placed
from definitions.checks.texts import Parsed
from definitions.diagnostics import Diagnostic, Span
from definitions.lint.survey import Survey
from definitions.nodes import Path
from definitions.steps import AgentStep

_SECRET = re.compile(
    r"(?:^|[_-])(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SIGNING_?KEY|CREDENTIALS?)"
    r"(?:$|_(?:ID|VALUE|\d+)$)|^SSH_AUTH_SOCK$",
    re.IGNORECASE,
)
_HELP = (
    "leave it out, and let a shell step after the agent do what needs it; an agent's own login is the worker's matter"
)


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each place that hands a secret to an agent."""
    agents = [one for one in survey.context.placed if isinstance(one.step, AgentStep)]
    if not agents:
        return
    named: set[Path] = set()
    for path, name in _named(survey, agents):
        named.add(path)
        message = f"`{name}` looks like a secret, and {_reader(survey, path)} can read it"
        yield survey.report("secret-for-agent", message, survey.context.key_span(path), _HELP)
    for parsed in survey.texts:
        is_agents = parsed.owner is not None and isinstance(parsed.owner.step, AgentStep)
        if parsed.path not in named and (is_agents or (parsed.owner is None and parsed.field == "env")):
            for name, span in _referred(survey, parsed):
                message = f"`{name}` looks like a secret, and {_reader(survey, parsed.path)} can read it"
                yield survey.report("secret-for-agent", message, span, _HELP)


def _named(survey: Survey, agents: list[Placed]) -> Iterator[tuple[Path, str]]:
    """Yield the variables whose names give them away; an empty text takes one away, which is what is wanted."""
    for name in _secrets(survey.context.definition.env):
        yield ("env", name), name
    for agent in agents:
        for name in _secrets(agent.step.env):
            yield (*agent.path, "env", name), name


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    return (name for name, value in environment.items() if value.strip() and _SECRET.search(name))


def _referred(survey: Survey, parsed: Parsed) -> Iterator[tuple[str, Span]]:
    """Yield the secrets that a text refers to."""
    for reference in parsed.references:
        match reference.parts:
            case ("env" | "inputs" as root, str(name), *_) if _SECRET.search(name):
                pass
            case ("secrets" as root, str(name), *_):
                pass
            case _:
                continue
        start, end = reference.spans[0][0], reference.spans[1][1]
        yield f"{root}.{name}", survey.context.span_within(parsed.path, start, end - start)


def _reader(survey: Survey, path: Path) -> str:
    steps = [path[:length] for length in range(len(path), 0, -1) if path[:length] in survey.context.by_path]
    return f"the agent of `{survey.context.by_path[steps[0]].step.id}`" if steps else "every agent of the definition"
