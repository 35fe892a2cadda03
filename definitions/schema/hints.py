"""What only editors use: examples and snippets to take over, the words of closed sets, older spellings.

Everything here is about keys of models, and tests hold it to them: a key that is not there, an example or a snippet
that does not load, is a failure. `deprecationMessage`, `defaultSnippets`, `enumDescriptions`, `markdownDescription`
and `patternErrorMessage` are what VS Code's language services and yaml-language-server read; validators ignore them.
"""

from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel, JsonValue

from definitions.cases.models import Case, CaseFile, Expectation, Stub
from definitions.models import Definition, GitSource, Input, Output, Workspace
from definitions.steps import (
    ActivityStep,
    AgentStep,
    ApprovalStep,
    AssertStep,
    SetStep,
    ShellStep,
    WaitStep,
    WorkflowStep,
)
from definitions.steps.base import FAILURE_WORDS, SUCCESS_WORDS, CachePolicy, StepBase
from definitions.steps.control import ForEach, Loop
from definitions.steps.sharing import Fetch, Publication

EXAMPLES: dict[tuple[type[BaseModel], str], list[JsonValue]] = {
    (Definition, "name"): ["raise-coverage"],
    (Definition, "version"): ["1.0"],
    (Definition, "timeout"): ["4h", "2d"],
    (GitSource, "url"): ["https://github.com/team/project.git", "git@github.com:team/project.git"],
    (GitSource, "ref"): ["main", "v1.2", "{{ inputs.ref }}"],
    (Workspace, "link"): [[".venv"], ["node_modules"]],
    (Input, "pattern"): ["[a-z][a-z0-9-]*"],
    (Output, "value"): ["{{ steps.build.outputs.stdout }}", "{{ steps.test.artifacts.report }}"],
    (StepBase, "when"): ["inputs.publish", 'steps.test.status == "completed"', "always()"],
    (StepBase, "timeout"): ["30s", "10m", "2h"],
    (StepBase, "on_success"): [*SUCCESS_WORDS],
    (StepBase, "on_failure"): [*FAILURE_WORDS],
    (StepBase, "store"): [{"brief": "{{ result.stdout }}"}],
    (Loop, "until"): ["steps.test.outputs.exit_code == 0"],
    (Loop, "on_exhausted"): ["fail", "continue"],
    (ForEach, "items"): ["{{ steps.plan.outputs.epics }}", ["linux", "mac"]],
    (ForEach, "as"): ["epic"],
    (ForEach, "key"): ["{{ epic.name }}"],
    (StepBase, "artifacts"): [{"report": "build/report.html"}],
    (Publication, "name"): ["coverage-report"],
    (Publication, "path"): ["build/report.html", "dist"],
    (Publication, "value"): ["{{ steps.test.artifacts.report }}", "{{ steps.plan.outputs }}"],
    (Publication, "tags"): [["candidate"]],
    (Publication, "media_type"): ["application/xml"],
    (Fetch, "name"): ["coverage-report"],
    (Fetch, "tag"): ["approved"],
    (Fetch, "path"): ["before/report.html"],
    (StepBase, "summary"): ["{{ inputs.module }}"],
    (CachePolicy, "inputs"): [["src/**/*.py", "pyproject.toml"]],
    (CachePolicy, "tools"): [["python", "pytest"]],
    (ShellStep, "command"): ["python -m pytest {{ inputs.tests }} --junitxml=report.xml"],
    (ShellStep, "exit_codes"): [[0, 5]],
    (AgentStep, "prompt"): ["Write tests for {{ inputs.module }}."],
    (AgentStep, "command"): [["my-agent", "--model", "{{ inputs.model }}"]],
    (AgentStep, "output_schema"): [
        {"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]}
    ],
    (AssertStep, "condition"): ["steps.test.outputs.exit_code == 0", 'parse_junit("report.xml").failed == 0'],
    (AssertStep, "message"): ["coverage is still below {{ inputs.target }} %"],
    (ApprovalStep, "message"): ["Publish `{{ inputs.version }}`?"],
    (ApprovalStep, "show"): [{"plan": "{{ steps.plan.outputs.summary }}"}],
    (SetStep, "values"): [{"branch": "perdure/{{ run.id }}"}],
    (WaitStep, "duration"): ["10m", "{{ inputs.pause }}"],
    (WaitStep, "until"): ["2026-12-24T18:00:00Z", "{{ inputs.moment }}"],
    (WorkflowStep, "definition"): ["./lint.yaml", "hello"],
    (WorkflowStep, "inputs"): [{"module": "{{ inputs.module }}"}],
    (ActivityStep, "arguments"): [["{{ inputs.order }}"]],
    (CaseFile, "definition"): ["./release.yaml"],
    (Case, "files"): [{"src/a.py": "x = 1\n"}],
    (Case, "decisions"): [{"release": "approve"}],
    (Stub, "files"): [{"coverage.xml": "<coverage/>\n"}],
    (Expectation, "path"): [["build", "test"]],
    (Expectation, "check"): [["outputs.count > 3"]],
}
"""Values that a person may take over, by model and key."""

OLDER: dict[tuple[type[BaseModel], str], str] = {
    (StepBase, "use_cache"): "An older spelling, still valid; today: `cache: true`",
    (StepBase, "cache_key"): "An older spelling, still valid; today: `cache: {salt: …}`",
    (
        ShellStep,
        "inputs",
    ): "An older spelling, still valid; today: `cache: {inputs: […]}` for what the result depends on",
}
"""Keys that mean the same as something newer, by model; editors say so and do not offer them."""

WORDS: dict[str, dict[str, str]] = {
    "security_profile": {
        "read-only": "Reads the workspace, changes nothing.",
        "restricted": "Changes files of the workspace; the default of agents.",
        "standard": "Runs commands too; the default of shell steps.",
        "unrestricted": "No bounds.",
    },
    "level": {
        "plan": "Without a server, in milliseconds; all steps are stubbed.",
        "simulated": "The real workflow on the dev server, with stubbed steps.",
        "real": "Real steps; agents play the stubs.",
    },
}
"""What the words of a closed set mean, by key."""

Snippet = Mapping[str, JsonValue]

STEP_SNIPPETS: dict[str, Snippet] = {
    "shell": {"id": "${1:test}", "type": "shell", "command": "${2:make test}"},
    "agent": {"id": "${1:write}", "type": "agent", "prompt": "${2:What shall be done}", "budget": {"turns": 40}},
    "assert": {"id": "${1:holds}", "type": "assert", "condition": "${2:1 < 2}", "message": "${3:it does not hold}"},
    "approval": {"id": "${1:fine}", "type": "approval", "message": "${2:Go on?}", "timeout": "${3:2d}"},
    "set": {"id": "${1:names}", "type": "set", "values": {"${2:name}": "${3:value}"}},
    "wait": {"id": "${1:settle}", "type": "wait", "duration": "${2:10m}"},
    "group": {
        "id": "${1:checks}",
        "type": "group",
        "mode": "parallel",
        "steps": [{"id": "${2:lint}", "type": "shell", "command": "${3:make lint}"}],
    },
    "workflow": {"id": "${1:part}", "type": "workflow", "definition": "${2:./part.yaml}", "inputs": {}},
    "artifact": {
        "id": "${1:share}",
        "type": "artifact",
        "publish": {"name": "${2:report}", "path": "${3:report.html}"},
    },
    "activity": {"id": "${1:charge}", "type": "activity", "activity": "${2:charge}", "arguments": []},
}
"""A step to begin with, by type."""

DEFINITION_SNIPPET: Snippet = {
    "name": "${1:hello}",
    "description": "${2:What it is for}",
    "steps": [{"id": "${3:greet}", "type": "shell", "command": "${4:echo hello}"}],
}
CASES_SNIPPET: Snippet = {
    "cases": [{"name": "${1:it goes well}", "expect": {"status": "completed"}}],
}


def add_hints(model: type[BaseModel], key: str, schema: dict[str, JsonValue]) -> None:
    """Add to the schema of a model's key what editors use."""
    for owner in model.__mro__:
        if (owner, key) in EXAMPLES:
            schema["examples"] = EXAMPLES[owner, key]
        if (owner, key) in OLDER:
            schema["description"] = OLDER[owner, key]
            schema |= {"deprecated": True, "doNotSuggest": True}


def add_words(key: str, schema: dict[str, JsonValue]) -> None:
    """Say what the words of a closed set mean, and give the text of a key as Markdown with its default."""
    words = cast("list[JsonValue]", schema.get("enum", []))
    if words and key in WORDS:
        explain(schema, [WORDS[key].get(str(word), "") for word in words])
    text = schema.get("description")
    if text is None:
        return
    default = schema.get("default")
    shown = str(default).lower() if isinstance(default, bool) else default
    schema["markdownDescription"] = f"{text}\n\nDefault: `{shown}`" if "default" in schema else text


def explain(schema: dict[str, JsonValue], texts: list[str]) -> None:
    """Say what the words of an enumeration mean, as plain text and as Markdown, which these texts are both."""
    schema |= {"enumDescriptions": [*texts], "markdownEnumDescriptions": [*texts]}


def snippet(label: str, description: str, body: Snippet) -> JsonValue:
    """Return a snippet as language services want it."""
    return {"label": label, "description": description, "body": dict(body)}
