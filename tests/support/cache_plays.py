"""Plays for the cache: a small definition of cached shell steps, and changes of all that it may depend on.

Steps are written as specifications, so that they can be moved, changed and dropped; references go to steps by their
distance. What a step says of its files (`cache.inputs`) is true: it names all that the script reads, or nothing.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import strategies
from pydantic import JsonValue

FILES = ("a", "b", "d/c", "ig/x", "fetched")
"""What scripts read and write; `ig` is ignored by git."""
WORDS = ("1", "2", "3")
VALUES = ("{{ inputs.x }}", "{{ inputs.y }}", "{{ default(env.E, 'none') }}", '{{ file_exists("a") }}')
OF_OTHERS = (
    "{{ default(steps.ID.outputs.stdout, 'no') }}",
    "{{ default(steps.ID.outputs.t, 'no') }}",
    "{{ default(steps.ID.status, 'no') }}",
)
OUTPUTS = ("{{ inputs.y }}/{{ result.stdout }}", "{{ result.exit_code }} {{ env.E == null }}", "{{ inputs.x }}")
POLICIES = ("off", "true", "files", "salt", "key", "read", "write", "tool")


@dataclass(frozen=True)
class Spec:
    """A shell step."""

    reads: tuple[str, ...] = ()
    writes: str | None = None
    removes: str | None = None
    values: tuple[str, ...] = ()
    others: tuple[tuple[int, str], ...] = ()
    """How many steps before it, and what of that step."""
    variable: tuple[str, str] | None = None
    output: str | None = None
    copies: str | None = None
    """How what it writes is declared: `outputs`, `artifacts`, or `folder`."""
    policy: str = "true"
    fails_at: str | None = None
    when: bool = False
    repeated: str | None = None
    publishes: bool = False
    fetches: bool = False
    inside: tuple["Spec", ...] = ()
    """Of a group; then nothing else counts but `mode`."""
    mode: str = "sequential"

    @property
    def is_plain(self) -> bool:
        """Whether others may refer to it."""
        return not self.inside and self.repeated is None


@dataclass(frozen=True)
class Scene:
    """All that a run depends on."""

    steps: tuple[Spec, ...]
    files: tuple[tuple[str, str], ...] = ()
    x: str = "1"
    y: str = "1"
    env: str | None = None
    tool: str = "1"
    default: bool = False

    @property
    def text(self) -> str:
        """The definition."""
        body: dict[str, JsonValue] = {
            "name": "played",
            "inputs": {"x": {"type": "string"}, "y": {"type": "string"}},
            "env": {"W": "{{ inputs.y }}", "PATH": "TOOLS:/usr/local/bin:/usr/bin:/bin"},
            "cache": {"default": "on" if self.default else "off"},
            "steps": [_step(spec, f"s{number}", self.steps[:number]) for number, spec in enumerate(self.steps)],
        }
        return json.dumps(body)

    def lay_out(self, folder: Path, tools: Path) -> None:
        """Write its files and its tool."""
        for path in FILES:
            (folder / path).unlink(missing_ok=True)
        (folder / ".gitignore").write_text("ig/\n")
        for path, text in self.files:
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text + "\n")
        tool = tools / "tool"
        tool.unlink(missing_ok=True)
        tool.write_text(f"#!/bin/sh\necho tool {self.tool}\n")
        tool.chmod(0o755)

    @property
    def settles(self) -> bool:
        """Whether the same run twice is the same: nothing that it publishes is what it fetches."""
        return not any(spec.fetches for spec in leaves(self.steps))


@dataclass(frozen=True)
class Change:
    """Something that is another from now on."""

    what: str
    value: str = "1"
    place: int = 0
    spec: Spec = field(default_factory=Spec)

    def made(self, scene: Scene) -> Scene:
        """Return the scene after it."""
        steps = scene.steps
        at = self.place % len(steps)
        match self.what:
            case "x" | "y" | "env" | "tool":
                return replace(scene, **{self.what: self.value})
            case "file":
                path = FILES[self.place % 3]
                others = tuple(item for item in scene.files if item[0] != path)
                return replace(scene, files=others if self.value == "3" else (*others, (path, self.value)))
            case "step":
                return replace(scene, steps=(*steps[:at], self.spec, *steps[at + 1 :]))
            case "insert":
                return replace(scene, steps=(*steps[:at], self.spec, *steps[at:]))
            case "drop" if len(steps) > 1:
                return replace(scene, steps=(*steps[:at], *steps[at + 1 :]))
            case "swap" if at:
                return replace(scene, steps=(*steps[: at - 1], steps[at], steps[at - 1], *steps[at + 1 :]))
            case "default":
                return replace(scene, default=not scene.default)
            case _:
                return scene


def leaves(steps: tuple[Spec, ...]) -> list[Spec]:
    """Return the shell steps, those in groups too."""
    return [leaf for spec in steps for leaf in (spec.inside or (spec,))]


def _step(spec: Spec, name: str, before: tuple[Spec, ...]) -> dict[str, JsonValue]:
    if spec.inside:
        inner: list[JsonValue] = [
            _step(one, f"{name}{letter}", ()) for one, letter in zip(spec.inside, "pq", strict=True)
        ]
        return {"id": name, "type": "group", "mode": spec.mode, "steps": inner}
    step: dict[str, JsonValue] = {"id": name, "type": "shell", "command": _script(spec, before)}
    if spec.variable is not None:
        step["env"] = {spec.variable[0]: spec.variable[1]}
    if spec.fails_at is not None:
        step["on_failure"] = "continue"
    if spec.when:
        step["when"] = "inputs.y != '2'"
    if spec.repeated == "items":
        step["for_each"] = {"items": ["{{ inputs.x }}", "q", "r"], "as": "thing"}
    elif spec.repeated == "passes":
        step["loop"] = {"max_iterations": 2, "until": "1 > 2", "on_exhausted": "continue"}
    return step | _handed_on(spec) | _policy(spec)


def _handed_on(spec: Spec) -> dict[str, JsonValue]:
    """Return what a step hands on, and what it is given of others' runs."""
    step: dict[str, JsonValue] = {}
    outputs: dict[str, JsonValue] = {} if spec.output is None else {"t": spec.output}
    if spec.writes is not None and spec.repeated is None:
        if spec.copies == "outputs":
            outputs["o"] = spec.writes
        elif spec.copies == "artifacts":
            step["artifacts"] = {"k": spec.writes}
        elif spec.copies == "folder" and "/" in spec.writes:
            step["artifacts"] = {"k": spec.writes.partition("/")[0]}
        if spec.publishes:
            step["publish"] = {"name": "shared", "path": spec.writes}
    if spec.fetches and spec.repeated is None:
        step["fetch"] = {"name": "shared", "path": "fetched", "optional": True}
    if outputs:
        step["outputs"] = outputs
    return step


def _script(spec: Spec, before: tuple[Spec, ...]) -> str:
    lines = [f"cat {path} 2>/dev/null || echo no {path}" for path in spec.reads]
    lines += [f"echo {value}" for value in spec.values]
    for distance, text in spec.others:
        at = len(before) - distance
        if at >= 0 and before[at].is_plain and (before[at].output is not None or ".t" not in text):
            lines.append(f"echo {text.replace('ID', f's{at}')}")
    lines.append('echo "$V $W $COLUMNS"')
    if spec.repeated == "items":
        lines.append("echo {{ thing }}")
    if spec.policy == "tool":
        lines.append("tool")
    body = "\n".join(lines)
    script = f'{{ {body}\n}} | head -c 300 > "$TMPDIR/out"\ncat "$TMPDIR/out"\n'
    if spec.removes is not None:
        script += f"rm -rf {spec.removes}\n"
    if spec.writes is not None:
        script += (
            f'mkdir -p d ig\ncp "$TMPDIR/out" {spec.writes}\n'
            if "/" in spec.writes
            else f'cp "$TMPDIR/out" {spec.writes}\n'
        )
    if spec.fails_at is not None:
        script += f"[ {{{{ inputs.x }}}} != {spec.fails_at} ]\n"
    return script


def _policy(spec: Spec) -> dict[str, JsonValue]:
    """Return what a step says of the cache; what its script looks at is always among its files."""
    looked_at = [*spec.reads, *([spec.removes] if spec.removes else [])]
    files: list[JsonValue] = [f"/{path}" for path in looked_at]
    match spec.policy:
        case "off":
            return {"cache": False}
        case "files":
            return {"cache": {"inputs": files}}
        case "salt":
            return {"cache": {"salt": "{{ inputs.x }}"}}
        case "key":
            return {"cache_key": "k-{{ hash(inputs.y) }}"}
        case "tool":
            return {"cache": {"tools": ["tool"], "inputs": files}}
        case "read" | "write":
            return {"cache": {"mode": spec.policy}}
        case _:
            return {"use_cache": True}


# --- drawn --------------------------------------------------------------------------------------------


def _maybe(drawn: strategies.SearchStrategy[str]) -> strategies.SearchStrategy[str | None]:
    return strategies.one_of(strategies.none(), drawn)


_READ = strategies.lists(strategies.sampled_from(FILES), max_size=2, unique=True).map(tuple)
_WRITTEN = strategies.sampled_from(FILES[:4])
_RARELY = strategies.sampled_from([False, False, False, True])

PLAIN = strategies.builds(
    Spec,
    reads=_READ,
    writes=_maybe(_WRITTEN),
    removes=strategies.sampled_from([None, None, None, *FILES[:3]]),
    values=strategies.lists(strategies.sampled_from(VALUES), max_size=2).map(tuple),
    variable=strategies.one_of(
        strategies.none(),
        strategies.tuples(strategies.sampled_from(["V", "COLUMNS"]), strategies.sampled_from(VALUES[:3])),
    ),
    output=_maybe(strategies.sampled_from(OUTPUTS)),
    copies=_maybe(strategies.sampled_from(["outputs", "artifacts", "folder"])),
    policy=strategies.sampled_from([*POLICIES, "true", "files", "files"]),
)
INSIDE = PLAIN.map(lambda spec: replace(spec, removes=None))
STEPS = strategies.one_of(
    PLAIN,
    strategies.builds(
        replace,
        PLAIN,
        others=strategies.lists(
            strategies.tuples(strategies.integers(1, 3), strategies.sampled_from(OF_OTHERS)), max_size=2
        ).map(tuple),
        fails_at=strategies.sampled_from([None, None, "2"]),
        when=_RARELY,
        repeated=strategies.sampled_from([None, None, None, "items", "passes"]),
        publishes=_RARELY,
        fetches=_RARELY,
    ),
    strategies.builds(
        Spec, inside=strategies.tuples(INSIDE, INSIDE), mode=strategies.sampled_from(["sequential", "parallel"])
    ),
)
CHANGES = strategies.builds(
    Change,
    what=strategies.sampled_from(
        ["x", "y", "env", "tool", "file", "file", "file", "step", "insert", "drop", "swap", "default"]
    ),
    value=strategies.sampled_from(WORDS),
    place=strategies.integers(0, 11),
    spec=STEPS,
)
SCENES = strategies.builds(
    Scene,
    steps=strategies.lists(STEPS, min_size=1, max_size=4).map(tuple),
    files=strategies.lists(
        strategies.tuples(strategies.sampled_from(FILES[:3]), strategies.sampled_from(WORDS)),
        max_size=3,
        unique_by=lambda item: item[0],
    ).map(tuple),
)
