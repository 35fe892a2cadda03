"""Hypothesis draws definitions with every construct, nested, and the script of what happens to them.

What depends on an order that nothing fixes is left out: no step reads what runs beside it, and each document, signal
and wait belongs to one step. `definitions()` gives the definition as plain data; it is validated as the model.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from definitions.models import Definition
from tests.support.outcome_script import Script

FAILURES = ("exit", "output", "overloaded")
DEPTH = 3


@dataclass(frozen=True)
class Drawn:
    """A definition, those that it runs, what happens, and the host calls at which its interpreter is killed."""

    definition: Definition
    library: dict[str, Definition]
    script: Script
    kills: tuple[int, ...]


@dataclass
class Sheet:
    """One definition while it is drawn."""

    draw: Any
    prefix: str
    count: int = 0
    outcomes: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    files: dict[str, str] = field(default_factory=dict[str, str])
    gates: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    resumptions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    signals: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    stores: set[str] = field(default_factory=set[str])
    scoped: dict[str, tuple[str, list[str]]] = field(default_factory=dict[str, tuple[str, list[str]]])
    library: list[str] = field(default_factory=list[str])

    def chance(self, percent: int) -> bool:
        """Whether something is to be; simplest is not."""
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def new_id(self) -> str:
        self.count += 1
        return f"{self.prefix}{self.count}"

    def moment(self, step_id: str, low: int, high: int) -> str:
        """Return a span that no other step has, between so many seconds."""
        number = int("".join(str(ord(character) % 10) for character in step_id[-4:]))
        return f"{self.draw(st.integers(low, high)) * 1000 + number % 997}ms"


@dataclass(frozen=True)
class Room:
    """What a list may do where it stands."""

    readable: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    depth: int = DEPTH
    may_hold: bool = True
    is_undoing: bool = False
    in_items: bool = False
    is_shared: bool = False
    """Whether something runs beside it, at the same moment or under the same names."""
    has_twins: bool = False
    """Whether the same step runs beside it, with the same time limit, for another item."""
    shares_documents: bool = False
    """Whether these two would store in the same scope."""


@st.composite
def runs(draw: Any) -> Drawn:
    """Draw a definition and what happens to it."""
    library: dict[str, Definition] = {}
    sheets: list[Sheet] = []
    for prefix in draw(st.sampled_from([(), ("q",), ("q", "r")])):
        sheet = Sheet(draw, prefix, library=list(library))
        sheets.append(sheet)
        library[f"lib-{prefix}"] = _definition(sheet, f"lib-{prefix}", is_inner=True)
    sheet = Sheet(draw, "s", library=list(library))
    sheets.append(sheet)
    definition = _definition(sheet, "drawn", is_inner=False)
    script = Script(
        **{
            name: {key: value for one in sheets for key, value in getattr(one, name).items()}
            for name in ("outcomes", "files", "gates", "resumptions", "signals")
        },
        cancel_at=draw(st.none() | st.integers(1, 60_000_000).map(lambda at: at * 10 + 5))
        if sheet.chance(10)
        else None,
    )
    kills = draw(st.lists(st.integers(1, 120), max_size=4))
    return Drawn(definition, library, script, tuple(kills))


def _definition(sheet: Sheet, name: str, *, is_inner: bool) -> Definition:
    steps = _list(
        sheet,
        Room(names=("inputs.word",), depth=2 if is_inner else DEPTH, is_shared=is_inner, has_twins=is_inner),
        ids=[],
    )
    known = _ids(steps)
    shown = sheet.draw(st.lists(st.sampled_from(known), max_size=4, unique=True))
    outputs = {f"o_{one}": {"value": _read_one(one, sheet)} for one in shown}
    raw: dict[str, Any] = {
        "id": name,
        "name": name,
        "inputs": {"word": {"type": "string", "default": "plain"}},
        "outputs": outputs,
        "steps": steps,
    }
    if not is_inner and sheet.chance(6):
        raw["timeout"] = f"{sheet.draw(st.integers(50, 600)) * 1000 + 313}ms"
    return Definition.model_validate(raw)


def _ids(steps: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for step in steps:
        found += [step["id"], *_ids(step.get("steps", []))]
    return found


# --- lists ------------------------------------------------------------------------------------------


def _list(sheet: Sheet, room: Room, ids: list[str]) -> list[dict[str, Any]]:
    """Draw a list that is walked in order, with jumps, or by needs."""
    count = sheet.draw(st.integers(1, 4))
    ids = [sheet.new_id() for _ in range(count)]
    if not room.is_undoing and count > 1 and sheet.chance(15):
        return _graph(sheet, replace(room, is_shared=True), ids)
    steps: list[dict[str, Any]] = []
    readable = [*room.readable, *ids]
    for step_id in ids:
        step = _step(sheet, _with(room, readable), step_id)
        steps.append(step)
        readable += _ids(step.get("steps", []))
    if not room.is_undoing:
        _jumps(sheet, steps)
    return steps


def _jumps(sheet: Sheet, steps: list[dict[str, Any]]) -> None:
    ids = [step["id"] for step in steps]
    for index, step in enumerate(steps):
        later = ids[index + 1 :]
        if "on_failure" not in step and sheet.chance(25):
            step["on_failure"] = sheet.one_of(*ids)
        if later and sheet.chance(10):
            step["on_success"] = sheet.one_of(*later)
        elif sheet.chance(4):
            step["on_success"] = sheet.one_of("end", "fail")
        if "loop" in step and "until" in step["loop"] and "for_each" not in step and sheet.chance(40):
            step["loop"]["on_exhausted"] = sheet.one_of("continue", *ids)
        if sheet.chance(20):
            step["max_visits"] = sheet.draw(st.integers(1, 4))
        if sheet.chance(10):
            step["end"] = "failed"


def _graph(sheet: Sheet, room: Room, ids: list[str]) -> list[dict[str, Any]]:
    """Draw a list by needs: a step reads what surely ended before it."""
    steps: list[dict[str, Any]] = []
    before: dict[str, set[str]] = {}
    inside: dict[str, list[str]] = {}
    for index, step_id in enumerate(ids):
        needs = sheet.draw(st.lists(st.sampled_from(ids[:index]), unique=True)) if index else []
        around = {need for one in needs for need in (one, *before[one])}
        before[step_id] = around
        readable = [*room.readable, *(known for one in sorted(around) for known in (one, *inside[one]))]
        step = _step(sheet, _with(room, readable), step_id)
        if "on_failure" not in step and sheet.chance(10):
            step["on_failure"] = "end"
        if sheet.chance(5):
            step["on_success"] = sheet.one_of("end", "fail")
        if "when" in step and sheet.chance(20):
            step["when"] = f"always() and ({step['when']})"
        inside[step_id] = _ids(step.get("steps", []))
        steps.append({**step, "needs": needs})
    return steps


def _branches(sheet: Sheet, room: Room) -> list[dict[str, Any]]:
    count = sheet.draw(st.integers(1, 3))
    return [_step(sheet, room, sheet.new_id()) for _ in range(count)]


def _with(room: Room, readable: list[str]) -> Room:
    return replace(room, readable=tuple(readable))


# --- steps ------------------------------------------------------------------------------------------


def _step(sheet: Sheet, room: Room, step_id: str) -> dict[str, Any]:
    step: dict[str, Any] = {"id": step_id}
    types = ["shell", "shell", "shell", "set", "assert", "agent", "activity", "wait", "approval"]
    if room.depth > 0 and not room.is_undoing:
        types += ["group", "group", "group", "group"] + (["workflow", "workflow"] if sheet.library else [])
    names = room.names
    if not room.is_undoing and room.depth > 0 and sheet.chance(18):
        step["for_each"] = _for_each(sheet, step_id, is_shared=room.is_shared)
        names = (*names, step["for_each"]["as"], "loop.key", "loop.index")
    step["type"] = sheet.one_of(*types)
    if not room.is_undoing and step["type"] not in ("approval", "wait") and sheet.chance(15):
        step["loop"] = {"max_iterations": sheet.draw(st.integers(1, 3))}
        names = (*names, "loop.iteration")
    is_shared = room.is_shared or step.get("for_each", {}).get("concurrency", 1) > 1
    inner = Room(room.readable, names, room.depth - 1, room.may_hold, room.is_undoing, "for_each" in step, is_shared)
    has_twins = room.has_twins or step.get("for_each", {}).get("concurrency", 1) > 1
    each = step.get("for_each", {})
    shares = room.shares_documents or (each.get("concurrency", 1) > 1 and "scope" not in each)
    inner = replace(inner, has_twins=has_twins, shares_documents=shares)
    _own_keys(sheet, inner, step)
    if sheet.chance(18):
        step["when"] = _condition(sheet, room)
    if "loop" in step and sheet.chance(70):
        step["loop"]["until"] = _until(sheet, step)
    if sheet.chance(25):
        step["on_failure"] = sheet.one_of("continue", "stop", "fail", "end", "stop" if inner.has_twins else "pause")
    _more_keys(sheet, room, step)
    return step


def _more_keys(sheet: Sheet, room: Room, step: dict[str, Any]) -> None:
    step_id = step["id"]
    if step.get("on_failure") == "pause":
        actions = sheet.draw(st.lists(st.sampled_from(["retry", "skip", "fail"]), max_size=2))
        if room.is_shared:  # what a pause held up goes on at one moment, and a failure then would be a tie
            actions = [action for action in actions if action != "fail"]
        sheet.resumptions[step_id] = [*actions, "skip" if room.is_shared else sheet.one_of("fail", "skip")]
    if sheet.chance(20):
        step["retry"] = _retry(sheet)
    if not room.is_undoing and step["type"] != "group" and sheet.chance(15):
        step["compensate"] = {"steps": _list(sheet, Room((step_id,), ("result",), 0, False, True), [])}
    in_open_items = "for_each" in step and "scope" not in step["for_each"]
    if (
        not room.is_undoing
        and not in_open_items
        and not room.in_items
        and not room.shares_documents
        and sheet.chance(20)
    ):
        step["store"] = {f"d_{step_id}": "{{ result }}"}
        sheet.stores.add(step_id)


def _for_each(sheet: Sheet, step_id: str, *, is_shared: bool) -> dict[str, Any]:
    items: Any = sheet.one_of(["x", "y"], ["x", "y", "z"], [], {"k": 1, "l": 2}, [{"id": "E-1"}, {"id": "E-2"}], 7)
    items = [1] if items in (7, []) and is_shared else items
    each: dict[str, Any] = {"items": items, "as": f"i_{step_id}"}
    if sheet.chance(40):
        each["scope"] = f"c_{step_id}"
    if sheet.chance(50):
        each["concurrency"] = sheet.draw(st.integers(1, 3))
    if sheet.chance(40):
        each["on_error"] = "continue"
    if sheet.chance(20):
        each["merge"] = "files"
    return each


def _retry(sheet: Sheet) -> Any:
    def rule() -> dict[str, Any]:
        drawn: dict[str, Any] = {
            "max_attempts": sheet.draw(st.integers(1, 3)),
            "initial_interval": f"{sheet.draw(st.integers(1, 9))}s",
            "backoff": sheet.one_of(1, 2, 3),
        }
        if sheet.chance(40):
            drawn["on"] = sheet.draw(st.lists(st.sampled_from([*FAILURES, "timeout"]), min_size=1, unique=True))
        return drawn

    return [rule() for _ in range(sheet.draw(st.integers(1, 3)))] if sheet.chance(40) else rule()


def _own_keys(sheet: Sheet, room: Room, step: dict[str, Any]) -> None:
    """Draw the keys that belong to the step's type, and what happens to it."""
    step_id = step["id"]
    match step["type"]:
        case "shell" | "agent" | "activity":
            _work(sheet, room, step)
        case "set":
            step["values"] = {"a": _text(sheet, room), "b": _text(sheet, room)}
        case "assert":
            step["condition"] = _condition(sheet, room)
        case "approval":
            step |= {"timeout": sheet.moment(step_id, 40, 130), "on_timeout": sheet.one_of("reject", "approve")}
            verdicts = st.sampled_from(["approve", "reject", "silence"])
            sheet.gates[step_id] = sheet.draw(st.lists(verdicts, min_size=1, max_size=3))
        case "wait" if not room.is_shared and sheet.chance(50):
            step |= {"signal": f"go-{step_id}", "timeout": sheet.moment(step_id, 40, 130)}
            moments = sheet.draw(st.lists(st.integers(1, 40_000_000), max_size=3, unique=True))
            sheet.signals[f"go-{step_id}"] = sorted(at * 10 + 3 for at in moments)
        case "wait":
            step["duration"] = sheet.moment(step_id, 1, 50)
        case "workflow":
            step |= {"definition": sheet.one_of(*sheet.library), "inputs": {"word": "w {{ inputs.word }}"}}
            if not room.has_twins and sheet.chance(15):
                step["timeout"] = sheet.moment(step_id, 60, 300)
        case _:
            _group(sheet, room, step)


def _work(sheet: Sheet, room: Room, step: dict[str, Any]) -> None:
    step_id = step["id"]
    step |= {"shell": {"command": "true"}, "agent": {"prompt": "go"}, "activity": {"activity": "act"}}[step["type"]]
    failing = st.lists(st.sampled_from(["ok", "ok", *FAILURES]), min_size=1, max_size=4)
    sheet.outcomes[step_id] = sheet.draw(st.just(["ok"]) | failing)
    if sheet.chance(30):
        sheet.files[step_id] = sheet.one_of(step_id, step_id, "common")
    if not room.has_twins and sheet.chance(12):
        step["timeout"] = sheet.moment(step_id, 60, 99)


def _group(sheet: Sheet, room: Room, step: dict[str, Any]) -> None:
    step_id = step["id"]
    step["mode"] = sheet.one_of("sequential", "sequential", "parallel", "race")
    if step["mode"] == "parallel" and sheet.chance(30):
        step["merge"] = "outputs"
    concurrent = step["mode"] != "sequential"
    beside = replace(room, is_shared=True)
    step["steps"] = _branches(sheet, beside) if concurrent else _list(sheet, room, [])
    if not room.has_twins and sheet.chance(15):
        step["timeout"] = sheet.moment(step_id, 60, 300)


# --- texts ------------------------------------------------------------------------------------------


def _read_one(step_id: str, sheet: Sheet) -> str:
    field = sheet.one_of("outputs", "status", "error.type", "error.step", "outputs.out")
    return f"{{{{ default(steps.{step_id}.{field}, 'none') }}}}"


def _text(sheet: Sheet, room: Room) -> str:
    """Draw a template over what may be read here."""
    kind = sheet.one_of("plain", "step", "step", "name", "document")
    documents = [one for one in room.readable if one in sheet.stores]
    if kind == "step" and room.readable:
        return _read_one(sheet.one_of(*room.readable), sheet)
    if kind == "name" and room.names:
        return f"{{{{ default({sheet.one_of(*room.names)}, 'none') }}}}"
    if kind == "document" and documents:
        return f"{{{{ default(docs.d_{sheet.one_of(*documents)}, 'none') }}}}"
    return "plain"


def _condition(sheet: Sheet, room: Room) -> str:
    if room.readable and sheet.chance(70):
        status = sheet.one_of("completed", "failed", "skipped")
        return f"default(steps.{sheet.one_of(*room.readable)}.status, 'none') {sheet.one_of('==', '!=')} '{status}'"
    return sheet.one_of("true", "false", "inputs.word == 'plain'")


def _until(sheet: Sheet, step: dict[str, Any]) -> str:
    return sheet.one_of(
        "loop.iteration >= 2",
        "false",
        "true",
        f"steps.{step['id']}.status == 'completed' and loop.iteration > 1",
        f"default(steps.{(_ids(step.get('steps', [])) or [step['id']])[0]}.status, 'none') == 'completed'",
    )
