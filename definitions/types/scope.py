"""What the names of the scope are in one definition: `inputs`, `steps`, `env`, `run`, and `result` where it is there.

What a step gives is followed through: a `set` value has the type of its expression, and so on along the steps that it
reads. Of a part of the definition that had to be mended, and of a step type that declares nothing, nothing is known.

That a name exists at all is the matter of `definitions.checks.references`, so the records of inputs, of steps and of
their outputs are open here: an unknown name in them is anything, and said once.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from definitions.errors import ErrorClass, ExpressionError
from definitions.models import Definition, Input
from definitions.nodes import Path
from definitions.steps import (
    AgentStep,
    ApprovalStep,
    ArtifactStep,
    AssertStep,
    GroupStep,
    SetStep,
    ShellStep,
    Step,
    WaitStep,
    WorkflowStep,
    lists_of,
)
from definitions.steps.control import ForEach
from definitions.templates import OPENING, parse_template
from definitions.types.inference import Inference
from definitions.types.schemas import schema_type
from definitions.types.type import (
    ANY,
    BOOLEAN,
    FILE,
    LIST,
    NUMBER,
    OBJECT,
    STRING,
    Type,
    joined,
    list_of,
    mapping_of,
    one_of,
    optional,
    record,
    type_of,
)
from definitions.values import type_name

OUTPUT_VARIABLE = "PERDURE_OUTPUT"
"""A script that writes to the file of this name makes outputs that cannot be known before."""

INPUT_TYPES = {
    "string": STRING,
    "duration": STRING,
    "number": NUMBER,
    "integer": NUMBER,
    "boolean": BOOLEAN,
    "object": OBJECT,
    "array": LIST,
    "file": FILE,
    "artifact": STRING,
    "any": ANY,
}
_OUTPUTS = {
    "number": NUMBER,
    "integer": NUMBER,
    "boolean": BOOLEAN,
    "object": OBJECT,
    "array": LIST,
    "artifact": FILE,
}
"""Declared outputs that a `workflow` step is held to. `string` is what an output is where nothing is said, so it tells
nothing."""
_STATUS = one_of(["completed", "failed", "skipped", "cancelled"])
_ERROR = optional(
    record(
        {
            "type": one_of([str(one) for one in ErrorClass]),
            "message": STRING,
            "step": STRING,
            "details": OBJECT,
            "log": optional(STRING),
            "usage": optional(OBJECT),
            "cache_key": optional(STRING),
        },
        "undeclared",
    )
)
_FIXED: dict[type, Type] = {
    AssertStep: record({"passed": BOOLEAN}, "unknown"),
    ApprovalStep: record(
        {
            "verdict": one_of(["approve", "reject"]),
            "accepted": BOOLEAN,
            "decided_by": STRING,
            "decided_at": STRING,
            "comment": optional(STRING),
            "form": OBJECT,
        },
        "unknown",
    ),
}
"""Step types whose outputs are always the same."""
_ARTIFACT = {
    "name": STRING,
    "version": NUMBER,
    "kind": one_of(["file", "folder"]),
    "digest": STRING,
    "size": NUMBER,
    "media_type": STRING,
    "metadata": OBJECT,
    "file": ANY,
}
_SHELL = {"stdout": STRING, "exit_code": NUMBER}
_LOOP = record({**dict.fromkeys(("index", "count", "iteration", "max_iterations"), NUMBER), "key": STRING}, "unknown")
"""Items have the one half, passes the other; `checks.scopes` tells which."""
_RUN = record({"id": STRING, "started_at": STRING}, "unknown")
_ENV = mapping_of(optional(STRING))

_DEEPEST = 20
"""Steps that read each other backwards, one behind the other, before nothing more is followed."""

Located = tuple[Step, Path]


def _nothing_is_broken(_: Path) -> bool:
    return False


@dataclass(slots=True)
class TypeScope:
    """The types of one definition. What a step gives is found when it is asked for, once."""

    definition: Definition
    is_broken: Callable[[Path], bool] = _nothing_is_broken
    library: Mapping[str, Definition] = field(default_factory=dict[str, Definition])
    """The definitions that `workflow` steps run, by reference."""
    reading: str | None = None
    """The id of the step whose text is looked at: which items its names mean."""
    _steps: dict[str, Located] = field(init=False)
    _around: dict[str, tuple[Step, ...]] = field(init=False)
    _items: dict[str, Type] = field(default_factory=dict[str, Type])
    _bodies: dict[str, Type] = field(default_factory=dict[str, Type])
    """What one item of a step gives, which is what its own texts see of it."""
    _documents: Type | None = None
    _outputs: dict[str, Type] = field(default_factory=dict[str, Type])
    _inputs: Type = field(init=False)
    _depth: int = 0

    def __post_init__(self) -> None:
        self._steps = dict(_located(tuple(self.definition.steps), ("steps",)))
        self._around = dict(_enclosed(tuple(self.definition.steps), ()))
        has_tree = self.definition.workspace.source != "none"
        declared = {name: self._input(name, one, has_tree=has_tree) for name, one in self.definition.inputs.items()}
        self._inputs = record(declared, "unknown")
        for name in self._steps:  # in their order, so that each finds those that it reads
            self.outputs(name)

    def named(self, name: str, owner: Step | None = None) -> Type:
        """Return what a name is, where `owner` is the step whose `outputs` are read, if they are."""
        match name:
            case "inputs":
                return self._inputs
            case "env":
                return _ENV
            case "run":
                return _RUN
            case "loop":
                return _LOOP
            case "docs":
                return self._all_documents()
            case "result" if owner is not None:
                return replace(self._own(owner, self._path_of(owner)), rest="unknown")
            case _ if name in self._steps:
                return self._entry(name, owner)
            case _:
                return self._item(name)  # or `steps` as a whole

    def value(self, value: JsonValue, path: Path) -> Type:
        """Return what a template value at `path` gives."""
        return self._rendered(value, None, path)

    def step(self, name: str, owner: Step | None = None) -> Type:
        """Return what `steps.NAME` is."""
        return self._entry(name, owner) if name in self._steps else ANY

    def outputs(self, name: str) -> Type:
        """Return what the outputs of a step are."""
        if name not in self._outputs:
            if self._depth > _DEEPEST:
                return ANY
            self._outputs[name] = ANY  # a step that reads itself, or a circle of them, tells nothing
            self._depth += 1
            with self._read_by(name):
                self._outputs[name] = self._all(*self._steps[name])
            self._depth -= 1
        return self._outputs[name]

    @contextmanager
    def _read_by(self, name: str) -> Generator[None]:
        """Let names mean what they mean in the texts of a step."""
        before, self.reading = self.reading, name
        yield
        self.reading = before

    # --- items and documents ------------------------------------------------------------------------

    def _item(self, name: str) -> Type:
        """Return what the innermost `for_each` with items of that name goes over."""
        for step in self._around.get(self.reading or "", ()):
            if step.for_each is not None and step.for_each.name == name:
                return self._items_of(step, step.for_each)
        return ANY

    def _items_of(self, step: Step, each: ForEach) -> Type:
        if step.id not in self._items:
            self._items[step.id] = ANY
            with self._read_by(step.id):
                self._items[step.id] = _inside(
                    self._rendered(each.items, None, (*self._path_of(step), "for_each", "items"))
                )
        return self._items[step.id]

    def _all_documents(self) -> Type:
        """Return what `docs` is: documents by name, in whichever scope, and the scopes' own by key."""
        if self._documents is None:
            self._documents = ANY  # a document that is made of documents
            found: dict[str, list[Type]] = {}
            scoped: dict[str, dict[str, list[Type]]] = {}
            for name, (step, path) in self._steps.items():
                scopes = [one.for_each.scope for one in self._around[name] if one.for_each and one.for_each.scope]
                for document, value in step.store.items():
                    with self._read_by(name):
                        kind = self._rendered(value, step, (*path, "store", document))
                    found.setdefault(document, []).append(kind)
                    for scope in scopes[:1]:
                        scoped.setdefault(scope, {}).setdefault(document, []).append(kind)
            fields = {name: joined(kinds) for name, kinds in found.items()}
            for scope, inside in scoped.items():
                fields[scope] = mapping_of(record({name: joined(one) for name, one in inside.items()}, "unknown"))
            self._documents = record(fields, "unknown")
        return self._documents

    # --- inputs -------------------------------------------------------------------------------------

    def _input(self, name: str, declared: Input, *, has_tree: bool) -> Type:
        if self.is_broken(("inputs", name)) or any(self.is_broken(("inputs", name, key)) for key in Input.model_fields):
            return ANY
        found = INPUT_TYPES[declared.type]
        if declared.type == "file" and not has_tree:
            found = STRING
        elif declared.enum and declared.type != "file":
            found = replace(one_of(declared.enum), origin=("inputs", name, "enum"))
        found = replace(found, origin=found.origin or ("inputs", name))
        return found if declared.is_required or declared.default is not None else optional(found)

    # --- steps --------------------------------------------------------------------------------------

    def _entry(self, name: str, owner: Step | None) -> Type:
        step, path = self._steps[name]
        if owner is step:
            return record({"outputs": self._own(step, path)}, "unknown")
        is_inside = any(one.id == name for one in self._around.get(self.reading or "", ()))
        outputs = self._bodies.get(name, ANY) if is_inside else self.outputs(name)
        fields: dict[str, Type] = {"status": _STATUS, "cached": BOOLEAN, "error": _ERROR, "outputs": outputs}
        fields["feedback"] = optional(STRING)
        if not self._is_mended(path, "artifacts"):
            fields["artifacts"] = record(dict.fromkeys(step.artifacts, FILE), "unknown")
        return record(fields, "unknown")

    def _all(self, step: Step, path: Path) -> Type:
        own = self._own(step, path)
        if self._is_mended(path, "outputs"):
            return ANY
        declared = {name: self._declared(step, value, name, path) for name, value in step.outputs.items()}
        found = self._bodies[step.id] = replace(own, fields={**own.fields, **declared})
        if step.for_each is None or self._is_mended(path, "for_each"):
            return found if step.for_each is None else ANY
        return mapping_of(optional(found) if step.for_each.on_error == "continue" else found)

    def _declared(self, step: Step, value: JsonValue, name: str, path: Path) -> Type:
        if isinstance(step, ShellStep) and not (isinstance(value, str) and OPENING in value):
            return FILE if isinstance(value, str) else ANY
        return self._rendered(value, step, (*path, "outputs", name))

    def _own(self, step: Step, path: Path) -> Type:
        """Return a step's outputs by its type alone. A type that is not here tells nothing."""
        if self._is_mended(path, "type"):
            return ANY
        if type(step) in _FIXED:
            return _FIXED[type(step)]
        match step:
            case ShellStep():
                is_free = self._is_mended(path, "command") or OUTPUT_VARIABLE in step.command
                return ANY if is_free else record(_SHELL, "unknown")
            case AgentStep():
                return self._answer(step, path)
            case ArtifactStep():
                return self._artifact(step, path)
            case WaitStep():
                return record({"until": STRING} if step.signal is None else {"received_at": STRING}, "unknown")
            case WorkflowStep():
                return self._other(step)
            case SetStep():
                return self._values(step, path)
            case GroupStep():
                return self._children(step, path)
            case _:
                return ANY

    def _artifact(self, step: ArtifactStep, path: Path) -> Type:
        if self._is_mended(path, "fetch"):
            return ANY
        if any(fetch.optional for fetch in step.fetches):
            return record({name: optional(one) for name, one in _ARTIFACT.items()}, "unknown")
        return record(_ARTIFACT, "unknown")

    def _answer(self, step: AgentStep, path: Path) -> Type:
        if step.output_schema is None or self._is_mended(path, "output_schema"):
            return ANY
        answer = schema_type(step.output_schema, (*path, "output_schema"))
        if answer.is_just("object"):
            return replace(answer, rest="unknown")
        return Type(fields=answer.fields)  # an answer that is no object comes as the output `content`

    def _other(self, step: WorkflowStep) -> Type:
        """Return the outputs of another definition; one whose step did not run is null."""
        if step.detach:
            return record({"execution_id": STRING}, "unknown")
        definition = self.library.get(step.definition)
        if definition is None:
            return ANY
        inside = TypeScope(definition)
        found = {
            name: _OUTPUTS[output.type] if output.type in _OUTPUTS else inside.value(output.value, ("outputs", name))
            for name, output in definition.outputs.items()
            if output.value is not None or output.type in _OUTPUTS
        }
        return record({name: optional(one) for name, one in found.items()}, "unknown")

    def _values(self, step: SetStep, path: Path) -> Type:
        if self._is_mended(path, "values"):
            return ANY
        values = {name: self._rendered(value, None, (*path, "values", name)) for name, value in step.values.items()}
        return record(values, "unknown")

    def _children(self, step: GroupStep, path: Path) -> Type:
        if self._is_mended(path, "steps"):
            return ANY
        found = {child.id: optional(self.outputs(child.id)) for child in step.steps}
        if step.mode == "race":
            found["winner"] = optional(one_of([child.id for child in step.steps]))
        return record(found, "unknown")

    # --- texts --------------------------------------------------------------------------------------

    def _rendered(self, value: JsonValue, owner: Step | None, path: Path) -> Type:
        """Return what a template value gives."""
        if self.is_broken(path):
            return ANY
        if isinstance(value, dict):
            fields = {name: self._rendered(item, owner, (*path, name)) for name, item in value.items()}
            return record(fields)
        if isinstance(value, list):
            items = [self._rendered(item, owner, (*path, index)) for index, item in enumerate(value)]
            return list_of(joined(items))
        if isinstance(value, str) and OPENING in value:
            return self._text(value, owner)
        return type_of(value) if value is None else Type(frozenset({type_name(value)}))

    def _text(self, text: str, owner: Step | None) -> Type:
        try:
            template = parse_template(text)
        except ExpressionError:
            return ANY
        if template.single is None:
            return STRING
        expression = template.single.expression
        return Inference(self, expression.text, owner).of(expression.tree)

    def _is_mended(self, path: Path, key: str) -> bool:
        return self.is_broken(path) or self.is_broken((*path, key))

    def _path_of(self, step: Step) -> Path:
        return self._steps[step.id][1] if step.id in self._steps else ()


def _located(steps: Sequence[Step], path: Path) -> Iterator[tuple[str, Located]]:
    """Yield each step with its path; of two with one id the first counts."""
    seen: set[str] = set()
    for index, step in enumerate(steps):
        if step.id not in seen:
            yield step.id, (step, (*path, index))
        seen.add(step.id)
        for keys, inner in lists_of(step):
            yield from _located(inner, (*path, index, *keys))


def _enclosed(steps: Sequence[Step], around: tuple[Step, ...]) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """Yield each step's id with the step and those around it, the innermost first."""
    for step in steps:
        yield step.id, (step, *around)
        for _, inner in lists_of(step):
            yield from _enclosed(inner, (step, *around))


def _inside(collection: Type) -> Type:
    """Return what each item of a collection is."""
    if collection.is_just("list"):
        return collection.items or ANY
    if collection.is_just("object") and (collection.rest == "none" or collection.others is not None):
        return joined([*collection.fields.values(), *([collection.others] if collection.others else [])])
    return ANY
