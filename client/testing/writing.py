"""Test files as text: a first one for a definition, values as YAML, a text in place of another.

first_cases   the text of `perdure test --init`: cases made from a dry run, to be read and changed
flow          a value as YAML on one line, such that the loader reads the same value back
replace_text  replaces a file's text, unless somebody else changed it meanwhile
write_new     writes a file that is not there yet
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from activities.agents.schema_example import example_of
from client.testing.plan import play_now
from client.testing.verdicts import NotPlayable, Outcome, Subject, resolved
from client.whole_files import write_whole
from definitions.cases.checks import declared_steps
from definitions.cases.models import Case
from definitions.errors import StepFailure
from definitions.models import Definition, Input
from definitions.steps import AgentStep, ApprovalStep, ShellStep
from definitions.stored_values import FILE_KEY, is_file_reference
from workflows.scope import answer_fields

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./@-]*(?: [A-Za-z0-9_./@-]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", ".", ".."})
_UNPRINTABLE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
HEAD = """# Cases of `{name}`, made by `perdure test --init` from a dry run.
# Read what they expect, then make them yours; docs/testing.md says what else a case can have.
"""


def first_cases(definition: Definition, source: str, path: Path) -> str:
    """Return a first test file for a definition: one case that goes through, and one for each gate's rejection."""
    inputs, files = _example_inputs(definition)
    stubs = _example_stubs(definition)
    gates = [name for name, step in declared_steps(definition.steps).items() if isinstance(step, ApprovalStep)]
    subject = Subject(definition, source, str(path), path.parent)
    lines = [HEAD.format(name=definition.id) + "cases:"]
    for name, rejected in [("it goes through", None), *((f"a rejection at {gate} ends it", gate) for gate in gates)]:
        decisions: dict[str, JsonValue] = {gate: "reject" if gate == rejected else "approve" for gate in gates}
        given: dict[str, JsonValue] = {"inputs": inputs, "files": files, "stubs": stubs, "decisions": decisions}
        lines += _case_lines(name, {key: value for key, value in given.items() if value}, subject, rejected)
    return "\n".join(lines) + "\n"


def _case_lines(name: str, given: dict[str, JsonValue], subject: Subject, rejected: str | None) -> list[str]:
    """Return a case as lines; none where its gate is not reached."""
    lines = [f"  - name: {flow(name)}"]
    for key, value in given.items():
        lines.append(f"    {key}:")
        lines += [f"      {flow(inner)}: {flow(content)}" for inner, content in _items(value)]
    try:
        outcome = play_now(Case.model_validate({"name": name, **given}), subject)
    except NotPlayable as fault:
        return [*lines, f"    # not played: {fault.message}"]
    status = outcome.status
    if rejected is not None and rejected not in status.steps:
        return []
    if status.status == "failed" and status.error is not None:
        lines.append(f"    # it fails with made-up results: {' '.join(status.error.message.split())[:160]}")
    lines += ["    expect:", f"      status: {status.status}"]
    lines.append(f"      path: {flow([*outcome.path])}")
    if status.error is not None:
        lines.append(f"      error: {flow({'step': status.error.step, 'type': status.error.type})}")
    outputs = {key: shown(value, outcome) for key, value in status.outputs.items()}
    if outputs:
        lines.append("      outputs:")
        lines += [f"        {flow(key)}: {flow(value)}" for key, value in outputs.items()]
    return lines


def shown(value: JsonValue, outcome: Outcome) -> JsonValue:
    """Return a value of an outcome as an expectation is written: stored ones read, files by their path."""
    value = resolved(value, outcome)
    if is_file_reference(value):
        return value[FILE_KEY]
    if isinstance(value, dict):
        return {key: shown(inner, outcome) for key, inner in value.items()}
    return [shown(inner, outcome) for inner in value] if isinstance(value, list) else value


def _items(value: JsonValue) -> list[tuple[str, JsonValue]]:
    return list(value.items()) if isinstance(value, dict) else []


def _example_inputs(definition: Definition) -> tuple[dict[str, JsonValue], dict[str, JsonValue]]:
    """Return values for the inputs that need one, and the files that they name."""
    inputs: dict[str, JsonValue] = {}
    files: dict[str, JsonValue] = {}
    for name, declared in definition.inputs.items():
        if declared.is_required:
            inputs[name] = _example_input(name, declared)
        path = inputs.get(name, declared.default)
        if declared.type == "file" and isinstance(path, str):
            files[path] = "an example\n"
    return inputs, files


def _example_input(name: str, declared: Input) -> JsonValue:
    if declared.type == "file":
        return f"{name}.txt"
    if declared.type == "duration":
        return "1m"
    keys: Mapping[str, JsonValue] = {
        "enum": declared.enum,
        "minimum": declared.minimum,
        "maximum": declared.maximum,
        "pattern": declared.pattern,
    }
    schema: dict[str, JsonValue] = {"type": declared.type, **{key: value for key, value in keys.items() if value}}
    try:
        example = example_of(schema)
    except StepFailure:
        return None
    return name if declared.type == "string" and len(schema) == 1 else example


def _example_stubs(definition: Definition) -> dict[str, JsonValue]:
    """Return stubs for steps whose fields other steps read, where nothing says what these are worth."""
    fields = answer_fields(definition)
    stubs: dict[str, JsonValue] = {}
    for path, step in declared_steps(definition.steps).items():
        known = {"stdout", "exit_code", *step.outputs}
        if isinstance(step, AgentStep):
            known |= {"content"} if step.output_schema is None else {*fields.get(step.id, [])}
        missing = [name for name in fields.get(step.id, []) if name not in known]
        if missing and isinstance(step, ShellStep | AgentStep):
            stubs[path] = {"outputs": dict.fromkeys(missing, 0)}
    return stubs


# --- text -------------------------------------------------------------------------------------------


def flow(value: JsonValue) -> str:
    """Return a value as YAML on one line."""
    match value:
        case str():
            is_plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS and len(value) < 200
            return value if is_plain and not value[0].isdigit() and not value.startswith(".") else _quoted(value)
        case list():
            return f"[{', '.join(map(flow, value))}]"
        case dict():
            return f"{{{', '.join(f'{flow(key)}: {flow(inner)}' for key, inner in value.items())}}}"
        case _:
            return json.dumps(value)


def _quoted(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", written)


def replace_text(path: Path, before: str, after: str) -> bool:
    """Replace a file's text, keeping its line ends; False where it is not `before` any more. Raises OSError."""
    with path.open(encoding="utf-8", newline="") as stream:
        written = stream.read()
    if written.replace("\r\n", "\n").replace("\r", "\n") != before:
        return False
    write_whole(path, after.replace("\n", "\r\n") if "\r\n" in written else after)
    return True


def write_new(path: Path, text: str) -> None:
    """Write a file. Raises FileExistsError where there is one, OSError where it cannot be written."""
    with path.open("x", encoding="utf-8") as stream:
        stream.write(text)
