"""Small definitions that together have every key of the language, and planted faults in them.

`WHOLE` has one definition for each model; a test holds that no key is missing, so a new key is planted in as soon as
it exists. `planted` takes one apart: each place replaced by values of every kind, left out, given a key too many;
`shuffled` changes several places at random.
"""

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

Path = tuple[str | int, ...]

STEP = {"id": "a", "type": "wait", "duration": "1s"}

WHOLE: dict[str, dict[str, Any]] = {
    "definition": {
        "id": "whole",
        "name": "Whole",
        "version": "1",
        "description": "d",
        "inputs": {"x": {"type": "string"}},
        "outputs": {"y": {"type": "string", "value": "{{ inputs.x }}"}},
        "env": {"A": "b"},
        "workspace": {"from": "empty"},
        "cache": {"default": "on"},
        "status": "draft",
        "secrets": ["TOKEN"],
        "concurrency": {"group": "whole-{{ inputs.x }}", "policy": "refuse"},
        "timeout": "1h",
        "metadata": {"team": "a", "x-note": 1},
        "steps": [{**STEP, "accept": {"doc_type": "prd"}}, {**STEP, "id": "b", "accept": {"doc_type": "adr"}}],
        "x-top": {"anything": [1]},
    },
    "workspace": {"name": "whole", "workspace": {"from": "inputs", "link": [".venv"]}, "steps": [STEP]},
    "git-source": {
        "name": "whole",
        "workspace": {"git": {"url": "https://example.org/x.git", "ref": "main", "x-note": 1}},
        "steps": [STEP],
    },
    "input": {
        "name": "whole",
        "inputs": {
            "n": {
                "type": "number",
                "description": "d",
                "required": False,
                "default": 2,
                "enum": [1, 2],
                "minimum": 1,
                "maximum": 3.5,
                "x-note": 1,
            },
            "t": {"type": "string", "default": "a", "pattern": "[a-z]+"},
            "default": {"default": "1", "x-note": 1},
            "value": {"type": "duration", "default": "1m"},
            "b": {"type": "boolean", "default": True},
            "i": {"type": "integer", "default": 1},
            "o": {"type": "object", "default": {"a": 1}},
            "l": {"type": "array", "default": [1]},
            "f": {"type": "file", "default": "src/a.py"},
            "a": {"type": "artifact", "default": "team/report@approved"},
        },
        "steps": [STEP],
    },
    "output": {
        "name": "whole",
        "outputs": {"value": {"type": "array", "value": [1, "{{ 1 + 1 }}"], "description": "d", "x-note": 1}},
        "steps": [STEP],
    },
    "step": {
        "name": "whole",
        "steps": [
            {"id": "b", "type": "wait", "duration": "1s"},
            {
                "id": "a",
                "name": "n",
                "description": "d",
                "type": "wait",
                "duration": "1s",
                "when": "1 < 2",
                "needs": ["b"],
                "timeout": "10m",
                "retry": {
                    "max_attempts": 2,
                    "initial_interval": "1s",
                    "backoff": 1.5,
                    "max_interval": "2m",
                    "jitter": 0.5,
                    "on": ["exit", "timeout"],
                    "x-note": 1,
                },
                "on_failure": "continue",
                "store": {"brief": "{{ result }}", "x-note": 1},
                "env": {"A": "b", "x-note": 1},
                "outputs": {"o": 1},
                "artifacts": {"r": "report.xml", "x-note": 1},
                "cache": {
                    "inputs": ["**/*.py"],
                    "tools": ["python"],
                    "env": ["HOME"],
                    "salt": "s",
                    "epoch": 1,
                    "ttl": "1d",
                    "mode": "read",
                },
                "cache_key": "k",
                "use_cache": True,
                "security_profile": "standard",
                "phase": "p",
                "summary": "s",
                "x-note": 1,
            },
        ],
    },
    "retry": {
        "name": "whole",
        "steps": [
            {**STEP, "retry": [{"max_attempts": 2, "on": ["exit"]}, {"max_interval": "2m", "x-note": 1}]},
        ],
    },
    "jumps": {
        "name": "whole",
        "steps": [
            {**STEP, "id": "b", "max_visits": 5, "on_success": "d"},
            {**STEP, "id": "d", "on_failure": "c", "on_success": "end"},
            {**STEP, "id": "c", "end": "failed"},
        ],
    },
    "loop": {
        "name": "whole",
        "steps": [
            {
                "id": "a",
                "type": "group",
                "loop": {
                    "max_iterations": 3,
                    "until": "steps.b.outputs.passed",
                    "on_exhausted": "continue",
                    "message": "m",
                    "start_at": ["b"],
                    "x-note": 1,
                },
                "steps": [{"id": "b", "type": "assert", "condition": "loop.iteration > 1"}],
            },
        ],
    },
    "for_each": {
        "name": "whole",
        "steps": [
            {
                **STEP,
                "for_each": {
                    "items": [{"id": 1}, "{{ inputs }}"],
                    "as": "epic",
                    "key": "{{ loop.key }}",
                    "scope": "epic",
                    "concurrency": 4,
                    "on_error": "continue",
                    "merge": "files",
                    "x-note": 1,
                },
            },
        ],
    },
    "compensate": {
        "name": "whole",
        "steps": [
            {
                "id": "a",
                "type": "shell",
                "command": "true",
                "compensate": {
                    "steps": [{"id": "b", "type": "shell", "command": "false"}],
                    "cached": "skip",
                    "x-note": 1,
                },
            },
            {"id": "c", "type": "shell", "command": "true", "compensate": {"type": "shell", "command": "false"}},
        ],
    },
    "gates": {
        "name": "whole",
        "steps": [
            {
                "id": "a",
                "type": "shell",
                "command": "true",
                "approval": {
                    "message": "m",
                    "show": {"p": 1},
                    "approvers": {"users": ["ada"]},
                    "allow_self": False,
                    "comment": "required",
                    "timeout": "1h",
                    "on_timeout": "approve",
                },
                "accept": {
                    "doc_type": "prd",
                    "acceptors": {"groups": ["g"]},
                    "on_reject": "rework",
                    "message": "m",
                    "show": {"p": 1},
                    "allow_self": False,
                    "comment": "required",
                    "timeout": "1h",
                    "on_timeout": "reject",
                    "x-note": 1,
                },
            }
        ],
    },
    "shell": {
        "name": "whole",
        "steps": [
            {
                "id": "a",
                "type": "shell",
                "command": "true",
                "shell": "sh",
                "working_directory": ".",
                "exit_codes": [0, 5],
                "inputs": ["a", 1],
                "outputs": {"report": "report.xml"},
                "cache": True,
            }
        ],
    },
    "named-agent": {
        "name": "whole",
        "agents": {
            "critic": {
                "description": "d",
                "role": "r",
                "provider": "scripted",
                "model": "m",
                "skills": ["python"],
                "x-note": 1,
            }
        },
        "steps": [{"id": "a", "type": "agent", "prompt": "p"}],
    },
    "agent": {
        "name": "whole",
        "steps": [
            {
                "id": "a",
                "type": "agent",
                "provider": "command",
                "agent": "critic",
                "skills": ["python"],
                "prompt": "p",
                "role": "r",
                "model": "m",
                "tools": {"allow": ["Read"], "deny": ["Bash"]},
                "command": ["agent", "--go"],
                "output_schema": {"type": "object"},
                "budget": {"usd": 1.5, "tokens": 1000, "turns": 4, "wall": "10m"},
                "inputs": ["a"],
            },
            {"id": "b", "type": "claude_code", "prompt": "p", "inputs": {"a": "b"}},
        ],
    },
    "assert": {
        "name": "whole",
        "steps": [{"id": "a", "type": "assert", "condition": "1 < 2", "message": "m"}],
    },
    "approval": {
        "name": "whole",
        "steps": [
            {
                "id": "a",
                "type": "approval",
                "message": "m",
                "show": {"plan": ["p"]},
                "approvers": {"users": ["ada"], "groups": ["g"]},
                "allow_self": False,
                "comment": "required",
                "on_timeout": "approve",
                "timeout": "1h",
            },
            {"id": "b", "type": "approval", "approvers": "any"},
        ],
    },
    "set": {"name": "whole", "steps": [{"id": "a", "type": "set", "values": {"v": 1, "x-kept": "w"}}]},
    "wait": {
        "name": "whole",
        "steps": [
            {"id": "a", "type": "wait", "duration": "{{ '1s' }}"},
            {"id": "b", "type": "wait", "until": "2026-12-24T18:00:00Z"},
            {"id": "c", "type": "wait", "signal": "go", "timeout": "1h"},
        ],
    },
    "workflow": {
        "name": "whole",
        "steps": [
            {"id": "a", "type": "workflow", "definition": "hello", "inputs": {"who": "a", "x-kept": 1}, "detach": True}
        ],
    },
    "activity": {
        "name": "whole",
        "steps": [
            {
                "id": "a",
                "type": "activity",
                "activity": "charge",
                "task_queue": "billing",
                "arguments": [1, {"a": "{{ run.id }}"}],
                "heartbeat_timeout": "30s",
            }
        ],
    },
    "artifact": {
        "name": "whole",
        "steps": [
            {
                "id": "a",
                "type": "artifact",
                "publish": {
                    "name": "team/report",
                    "path": "report.xml",
                    "tags": ["candidate"],
                    "media_type": "application/xml",
                    "metadata": {"score": 1, "x-kept": "{{ inputs }}"},
                    "retention": {"versions": 10, "age": "90d", "x-note": 1},
                    "x-note": 1,
                },
            },
            {
                "id": "b",
                "type": "artifact",
                "fetch": {"name": "team/report", "version": 3, "path": "in/report.xml", "optional": True, "x-note": 1},
            },
            {
                "id": "c",
                "type": "shell",
                "command": "true",
                "fetch": [{"name": "team/report", "tag": "approved", "path": "in"}],
                "publish": [{"name": "answer", "value": {"n": [1, "{{ result.stdout }}"]}}],
            },
        ],
    },
    "group": {
        "name": "whole",
        "steps": [{"id": "a", "type": "group", "mode": "parallel", "merge": "outputs", "steps": [{**STEP, "id": "b"}]}],
    },
}

WHOLE_CASES: dict[str, Any] = {
    "definition": "./release.yaml",
    "x-note": 1,
    "cases": [
        {
            "name": "n",
            "description": "d",
            "level": "simulated",
            "inputs": {"x": 1},
            "env": {"CI": "1"},
            "starter": "ada",
            "files": {"src/a.py": "x = 1"},
            "files_from": "samples",
            "stubs": {
                "a": {
                    "outputs": {"x": [1]},
                    "files": {"b.txt": "b", "c.txt": None},
                    "delay": "3m",
                    "fail": {"type": "exit", "message": "m", "times": 2},
                    "cached": True,
                },
                "b": [{"outputs": {}}, {}],
            },
            "decisions": {
                "g": "approve",
                "h": {
                    "verdict": "reject",
                    "by": "ada",
                    "groups": ["g"],
                    "after": "2h",
                    "comment": "c",
                    "form": {"f": 1},
                },
                "i": [{"verdict": "approve"}],
            },
            "signals": {"go": {"payload": [1], "after": "2m"}},
            "resumptions": {"a": [{"action": "skip", "by": "ada", "after": "1h"}]},
            "clock": {"start": "2026-01-31T12:00:00Z"},
            "expect": {
                "status": "failed",
                "path": ["a", "b"],
                "never": ["c"],
                "skipped": ["d"],
                "outputs": {"o": 1},
                "check": ["outputs.o == 1"],
                "steps": {
                    "a": {
                        "status": "completed",
                        "attempt": 2,
                        "cached": False,
                        "outputs": {"o": 1},
                        "reason": "r",
                        "error": {"step": "a", "type": "exit", "message": "m"},
                    }
                },
                "prompts": {"b": ["text"]},
                "error": {"step": "a", "type": "timeout", "message": "m"},
                "handled": ["a"],
                "takes": {"at_least": "1m", "at_most": "2m"},
            },
        }
    ],
}
"""A test file with every key."""

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2,
    1001,
    1.5,
    "",
    " ",
    "text",
    "any",
    "end",
    "90s",
    "90",
    "Not An Id!",
    "{{ inputs.x }}",
    "shell",
    "claude_code",
    [],
    [1],
    ["text"],
    [[]],
    {},
    {"text": 1},
    {"text": "text"},
)

_KEYS = ("x-note", "unknown", "type", "id", "when", "default", "value", "values", "steps", "command", "provider", "env")


def planted(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield copies of a definition, each with one change, and what was changed."""
    for path in _paths(value):
        for replacement in VALUES:
            yield f"{_shown(path)} = {replacement!r}", _with(value, path, replacement)
        yield f"{_shown(path)} left out", _without(value, path)
        found = _at(value, path)
        if isinstance(found, dict):
            for key in ("unknown", "x-note", "Not A Name", "loop"):
                yield f"{_shown(path)} with {key}", _with(value, (*path, key), 1)
    for key in ("unknown", "stages"):
        yield f"with {key}", {**value, key: 1}


def shuffled(random: Random) -> dict[str, Any]:
    """Return one of the definitions with two to four changes at random: values, absences, parts in others' places."""
    value = copy.deepcopy(random.choice(list(WHOLE.values())))
    for _ in range(random.randint(2, 4)):
        paths = list(_paths(value))
        if not paths:
            break
        path, part = random.choice(paths), copy.deepcopy(_at(value, random.choice(paths)))
        replacement = random.choice([part, *VALUES])
        match random.choice(("replace", "replace", "remove", "add")):
            case "remove" if len(paths) > 1:
                value = _without(value, path)
            case "add" if isinstance(_at(value, path), dict):
                value = _with(value, (*path, random.choice(_KEYS)), replacement)
            case _:
                value = _with(value, path, replacement)
    return value


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _paths(one, (*path, key))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _with(value: dict[str, Any], path: Path, replacement: Any) -> dict[str, Any]:
    changed = copy.deepcopy(value)
    _at(changed, path[:-1])[path[-1]] = replacement
    return changed


def _without(value: dict[str, Any], path: Path) -> dict[str, Any]:
    changed = copy.deepcopy(value)
    del _at(changed, path[:-1])[path[-1]]
    return changed


def _shown(path: Path) -> str:
    return ".".join(map(str, path))
