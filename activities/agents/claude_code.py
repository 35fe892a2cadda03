"""`provider: claude-code`: Anthropic's Claude Code, headless (`claude -p`).

The whole security profile is passed at every launch, since the CLI keeps none of it on resume. Settings, hooks,
MCP servers, skills and memory of the workspace and the user are left out: a workspace is input, not configuration.
The CLI's configuration folder and home are private to the attempt. The prompt goes to standard input.
"""

import asyncio
import json
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import JsonValue

from activities.agents.adapter import AgentRequest, AgentSettings, Launch, Outfit, Profile, Traits
from activities.agents.claude_events import READING_TOOLS, parse_line
from activities.agents.claude_login import find_claude, is_login_variable, log_in
from activities.agents.events import AgentEvent
from activities.executors.interface import Execution
from activities.process.running import run_process
from definitions.errors import ErrorClass, StepFailure

LONGEST_ARGUMENT = 100_000
"""Bytes of one argument; Linux takes no more than 131,072."""

_LONGEST_FOLDER = 200
_VERSION_TIMEOUT = timedelta(seconds=30)
_RULE = re.compile(r"[A-Za-z_][\w-]*(\(.*\))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Flags:
    mode: str
    tools: tuple[str, ...] | None
    """The tools that are there at all; None: all."""
    allowed: tuple[str, ...] = ()
    """Tools used without a question, which headless nobody answers."""


_READ = ("Read", "Glob", "Grep")
_EDIT = (*_READ, "Edit", "Write", "NotebookEdit", "TodoWrite")
PROFILES: Mapping[Profile, _Flags] = {
    "read-only": _Flags("dontAsk", _READ),
    "restricted": _Flags("acceptEdits", _EDIT),
    "standard": _Flags("acceptEdits", (*_EDIT, "Bash", "WebFetch", "WebSearch"), ("Bash", "WebFetch", "WebSearch")),
    "unrestricted": _Flags("bypassPermissions", None),
}

_SETTINGS = {
    "CLAUDE_CODE_MAX_RETRIES": "1",  # the author's `retry` rules; with the default a bad key hangs for a minute
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",  # what outlives a turn has no owner
    "DISABLE_AUTOUPDATER": "1",
}
_LOADER_PREFIXES = ("LD_", "DYLD_", "NODE_", "BUN_", "CLAUDE")
"""Variables by which a definition could make the CLI run code, or undo its settings."""

_versions: dict[tuple[str, int, int], str] = {}


def traits() -> Traits:
    """Return what the agent can do by itself."""
    return Traits(
        provider="claude-code", is_process=True, resumes=True, has_role=True, has_schema=True, enforces_profile=True
    )


def outfit(execution: Execution, settings: AgentSettings) -> Outfit:
    """Return the CLI and its login. Raises `StepFailure` with the remedy where one is missing."""
    program = find_claude(settings.worker_environment, execution.environment)
    return log_in(program, settings.worker_environment, execution.environment)


async def identity(execution: Execution, settings: AgentSettings) -> dict[str, JsonValue]:
    """Return the CLI's version; asked once per file."""
    program = find_claude(settings.worker_environment, execution.environment)
    file = await asyncio.to_thread(_file_identity, program)
    if file not in _versions:
        _versions[file] = await _ask_version(program, execution)
    return {"version": _versions[file]}


def build(request: AgentRequest) -> Launch:
    """Return the CLI's launch. Raises `StepFailure` where `tools` and the profile contradict each other."""
    home, configuration = request.scratch / "home", request.scratch / "claude"
    program = request.outfit.program or "claude"
    return Launch(
        argv=(program, *_ARGUMENTS, *_session(request), *_limits(request), *_texts(request), *_permissions(request)),
        environment=_environment(request, home, configuration),
        files={configuration / name: content for name, content in request.outfit.private_files.items()},
        folders=(home, configuration),
        stdin=_prompt(request).encode("utf-8", "replace"),
    )


def parse(line: str) -> list[AgentEvent]:
    """Return what a line means."""
    return parse_line(line)


def parse_end(code: int | None) -> list[AgentEvent]:
    """Return nothing: without its `result` line the CLI has crashed, whatever its exit code."""
    return []


def transcript(request: AgentRequest) -> Path | None:
    """Return where the CLI keeps the conversation: in a folder named by the working directory."""
    folder = project_folder(os.path.realpath(request.workspace))
    return request.scratch / "claude" / "projects" / folder / f"{request.session}.jsonl"


def project_folder(directory: str) -> str:
    """Return the CLI's name for a directory: signs become dashes, a long name is cut and told apart by a hash."""
    name = re.sub(r"[^A-Za-z0-9]", "-", directory)
    if len(name) <= _LONGEST_FOLDER:
        return name
    number = 0
    for unit in struct.iter_unpack("<H", directory.encode("utf-16-le", "surrogatepass")):
        number = (number * 31 + unit[0]) & 0xFFFFFFFF
    return f"{name[:_LONGEST_FOLDER]}-{_in_base_36(abs(number - (number >> 31 << 32)))}"


_ARGUMENTS = (
    "-p",
    "--output-format=stream-json",
    "--verbose",
    "--setting-sources=",  # neither the user's nor the workspace's settings, hooks, skills or memory
    "--strict-mcp-config",
    "--disable-slash-commands",
)


def _session(request: AgentRequest) -> list[str]:
    arguments = [f"--resume={request.session}" if request.resumes else f"--session-id={request.session}"]
    return [*arguments, *([f"--model={request.model}"] if request.model else [])]


def _limits(request: AgentRequest) -> list[str]:
    remaining, arguments = request.remaining, list[str]()
    if remaining.turns is not None:
        arguments.append(f"--max-turns={max(1, remaining.turns)}")
    if remaining.usd is not None:
        arguments.append(f"--max-budget-usd={max(0.000001, remaining.usd):.6f}")
    return arguments


def _texts(request: AgentRequest) -> list[str]:
    arguments = [f"--json-schema={_schema(request)}"] if _schema(request) else []
    if request.role and not _is_long(request.role):
        arguments.append(f"--append-system-prompt={request.role}")
    return arguments


def _prompt(request: AgentRequest) -> str:
    """Return the prompt, with what is too long for an argument or not fit for a flag."""
    parts = [request.prompt]
    if request.role and _is_long(request.role) and not request.resumes:
        parts.insert(0, request.role)
    if request.schema is not None and not _schema(request):
        written = json.dumps(request.schema, ensure_ascii=False)
        parts.append(f"Give your answer as JSON that fits this JSON Schema, and nothing after it:\n{written}")
    return "\n\n".join(parts)


def _schema(request: AgentRequest) -> str | None:
    """Return the schema as the flag takes it: of an object (the CLI makes a tool of it), and not too long."""
    if request.schema is None or request.schema.get("type") != "object":
        return None
    written = json.dumps(request.schema, ensure_ascii=False, separators=(",", ":"))
    return None if _is_long(written) else written


def _is_long(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) > LONGEST_ARGUMENT


def _permissions(request: AgentRequest) -> list[str]:
    flags = PROFILES[request.profile]
    _check_rules(request)
    names = [rule.split("(")[0] for rule in request.allow]
    denied_names = {rule for rule in request.deny if "(" not in rule}
    arguments = [f"--permission-mode={flags.mode}"]
    if flags.tools is not None:
        offered = [name for name in dict.fromkeys((*flags.tools, *names)) if name not in denied_names]
        arguments.append(f"--tools={','.join(offered)}")
    # lists last, each name an argument of its own: rules may hold spaces and commas
    allowed = [*flags.allowed, *request.allow]
    arguments += ["--allowedTools", *allowed] if allowed else []
    arguments += ["--disallowedTools", *request.deny] if request.deny else []
    for folder in request.folders:
        arguments += ["--add-dir", str(folder)]
    return arguments


def _check_rules(request: AgentRequest) -> None:
    for rule in (*request.allow, *request.deny):
        if not _RULE.fullmatch(rule):
            message = f"`tools` holds `{rule}`, which is no tool's name; write `Bash` or `Bash(pytest:*)`"
            raise StepFailure(ErrorClass.REFUSED, message)
    acting = [rule for rule in request.allow if rule.split("(")[0] not in READING_TOOLS]
    if request.profile == "read-only" and acting:
        message = f"`tools` allows `{acting[0]}`, which can write, under `security_profile: read-only`"
        raise StepFailure(ErrorClass.SANDBOX, f"{message}; choose `restricted`, or leave the tool out")


def _environment(request: AgentRequest, home: Path, configuration: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in request.environment.items()
        if not name.startswith(_LOADER_PREFIXES) and not is_login_variable(name)
    }
    own = {"HOME": str(home), "CLAUDE_CONFIG_DIR": str(configuration), **_SETTINGS}
    if request.profile == "unrestricted":
        own["IS_SANDBOX"] = "1"  # else the CLI refuses this mode to root, whom containers mostly have
    return {**kept, **request.outfit.environment, **own}


def _in_base_36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def _file_identity(program: str) -> tuple[str, int, int]:
    status = Path(program).resolve().stat()
    return str(Path(program).resolve()), status.st_mtime_ns, status.st_size


async def _ask_version(program: str, execution: Execution) -> str:
    written = bytearray()
    ended = await run_process(
        [program, "--version"],
        cwd=execution.scratch,
        env={"PATH": execution.environment.get("PATH", ""), "HOME": str(execution.scratch), **_SETTINGS},
        on_stdout=written.extend,
        timeout=_VERSION_TIMEOUT,
    )
    if ended.code != 0:
        message = f"`{program} --version` failed (exit code {ended.status}); install Claude Code anew"
        raise StepFailure(ErrorClass.NOT_FOUND, message)
    return written.decode("utf-8", "replace").strip()[:100]
