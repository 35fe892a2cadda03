"""What texts refer to exists, and is there when they are read.

unknown-step · unknown-input · unknown-output · unknown-name     nothing of that name
may-not-have-run                                                 it has no result yet, or may have none
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from definitions.checks.context import Context, Placed
from definitions.checks.order import Order, Relation
from definitions.checks.results import OUTPUT_VARIABLE, STEP_FIELDS, output_names
from definitions.checks.scopes import is_item_name
from definitions.checks.texts import Parsed
from definitions.diagnostics import Diagnostic, Note, Span
from definitions.expressions import Reference
from definitions.expressions.paths import ROOTS
from definitions.foreign_words import help_for_name
from definitions.secrets import ROOT as SECRETS
from definitions.steps import GroupStep, ShellStep
from definitions.suggestions import closest, did_you_mean, listed

RUN_FIELDS = ("id", "started_at")
OWN_RESULT = "result"
"""In `outputs`: the step's own result."""

_FEW = 8


def check(context: Context, found: Sequence[Parsed]) -> Iterator[Diagnostic]:
    """Yield what is wrong with references."""
    order = Order(context)
    for parsed in found:
        for reference in parsed.references:
            yield from _Reading(context, order, parsed, reference).check()


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reference in one text."""

    context: Context
    order: Order
    parsed: Parsed
    reference: Reference

    def check(self) -> Iterator[Diagnostic]:
        """Yield what is wrong with it."""
        match self.reference.parts:
            case ("inputs", str(name), *_):
                yield from self._input(name)
            case ("run", str(name), *_) if name not in RUN_FIELDS:
                help_ = did_you_mean(name, RUN_FIELDS) or f"there are {listed(RUN_FIELDS)}"
                yield self._report("unknown-name", f"a run has no `{name}`", 1, help_)
            case ("steps", str(name), *_):
                yield from self._step(name, 1)
            case ("docs" | "loop", *_):
                return  # told by `checks.documents` and `checks.scopes`
            case (str(root), *_) if root in ROOTS:
                return
            case (str(root), *_) if root == OWN_RESULT and self._is_after_the_step:
                return
            case (str(name), *_) if name in self.context.by_id:
                yield from self._step(name, 0)
            case (str(name), *_) if is_item_name(self.parsed, name):
                return
            case (str(name), *rest):
                yield self._unknown_name(name, rest)
            case _:
                return

    @property
    def _is_after_the_step(self) -> bool:
        return self.parsed.sees_own_result

    @property
    def _sees_own_result(self) -> bool:
        return self._is_after_the_step or self.parsed.is_about_a_pass

    # --- names --------------------------------------------------------------------------------------

    def _input(self, name: str) -> Iterator[Diagnostic]:
        inputs = self.context.definition.inputs
        if name in inputs or self.context.is_broken(("inputs", name)) or self.context.is_broken(("inputs",)):
            return
        help_ = did_you_mean(name, inputs) or (
            _few(inputs, "the inputs are") if inputs else "declare it under `inputs`"
        )
        yield self._report("unknown-input", f"no input is called `{name}`", 1, help_)

    def _unknown_name(self, name: str, rest: Sequence[object]) -> Diagnostic:
        if rest and rest[0] in STEP_FIELDS:
            return self._unknown_step(name, 0)
        each = next((one for one in self.context.placed if one.step.for_each and one.step.for_each.name == name), None)
        if each is not None:
            message = f"`{name}` is an item of `{each.step.id}`, and is not seen here"
            return self._report("out-of-scope", message, 0, None, self._stands(each))
        steps = self._readable_steps
        close = closest(name, [*ROOTS, *steps])
        if name in self.context.definition.inputs:
            help_ = f"did you mean `inputs.{name}`?"
        elif foreign := help_for_name(name):
            help_ = foreign
        elif close in steps:
            help_ = f"did you mean `steps.{close}`?"
        else:
            help_ = (
                f"did you mean `{close}`?"
                if close
                else f'there are {listed(sorted(ROOTS - {SECRETS}))}; a text needs quotes: `"{name}"`'
            )
        return self._report("unknown-name", f"`{name}` is nothing that an expression can refer to", 0, help_)

    def _unknown_step(self, name: str, at: int) -> Diagnostic:
        steps = self._readable_steps
        found = closest(name, steps)
        if found is None:
            return self._report("unknown-step", f"no step is called `{name}`", at, _few(steps, "there are"))
        line = self.context.span((*self.context.by_id[found].path, "id")).line
        return self._report("unknown-step", f"no step is called `{name}`", at, f"did you mean `{found}` (line {line})?")

    # --- steps --------------------------------------------------------------------------------------

    @property
    def _readable_steps(self) -> list[str]:
        """Return the steps that could be referred to here: those that have ended when the text is read."""
        owner, steps = self.parsed.owner, self.context.by_id
        if owner is None:
            return list(steps) if self.parsed.field == "outputs" else []
        if not self.order.is_known(owner):
            return list(steps)
        own = [owner.step.id] if self._sees_own_result else []
        seen = ("ended", "maybe", "inside") if self._sees_own_result else ("ended", "maybe")
        return own + [name for name, other in steps.items() if self.order.relation(other, owner) in seen]

    def _step(self, name: str, at: int) -> Iterator[Diagnostic]:
        other = self.context.by_id.get(name)
        if other is None:
            yield self._unknown_step(name, at)
            return
        owner = self.parsed.owner
        if other is owner and self._sees_own_result:
            return
        too_early = self._too_early(other, at)
        if too_early:
            yield too_early
            return
        yield from self._field(other, at)

    def _too_early(self, other: Placed, at: int) -> Diagnostic | None:
        """Return the finding where `other` has not ended when the text is read."""
        owner, name = self.parsed.owner, other.step.id
        if owner is None:
            if self.parsed.field == "outputs":
                return self._of_an_item(other, at) if self.order.relation(other, None) == "items" else None
            message = f"step `{name}` has not run when `{self.parsed.field}` of the definition is made"
            return self._report("may-not-have-run", message, at, "refer to `inputs`, `env` or `run` here")
        relation = self.order.relation(other, owner)
        if relation == "items":
            return self._of_an_item(other, at)
        if not self.order.is_known(owner) or self._may_be_read(other, owner, relation, at):
            return None
        message, help_ = self._earliness(other, owner, relation)
        return self._report("may-not-have-run", message, at, help_, self._stands(other))

    def _may_be_read(self, other: Placed, owner: Placed, relation: Relation, at: int) -> bool:
        """Whether `other` is over when the text is read, or a default stands for what is not there yet."""
        match relation:
            case "ended" | "maybe":
                return True
            case "inside" if self._sees_own_result:
                return True
            case "around" if self._is_feedback(at):
                return True
            case "later":
                return self.reference.has_default
            case "around" | "inside":
                is_in_a_loop = any(one.step.loop is not None for one in (other, *other.around))
                return self.reference.has_default and is_in_a_loop  # of the pass before
            case _:
                return False

    def _earliness(self, other: Placed, owner: Placed, relation: Relation) -> tuple[str, str]:
        """Return what is wrong with reading a step that has not ended, and what helps."""
        name, default = other.step.id, f"`default({self._written}, …)`"
        match relation:
            case "around" if other is owner and owner.step.loop is not None:
                return f"step `{name}` has no result in its first pass", f"give a default: {default}"
            case "around" if other is owner:
                return f"step `{name}` has no result before it has run", "refer to an earlier step"
            case "around":
                return f"group `{name}` has no result while its steps run", "refer to a step of it"
            case "inside":
                return f"step `{name}` runs inside `{owner.step.id}`", "refer to it in `outputs` or `store`"
            case "undoing":
                return f"step `{name}` runs only when something is undone", "refer to what it undoes"
            case "beside":
                message = f"step `{name}` runs side by side with `{owner.step.id}`, so it may have no result yet"
                return message, f"let `{owner.step.id}` need `{name}`, or read it after the group"
            case _:
                message = f"step `{name}` runs after `{owner.step.id}`, so it has no result yet"
                return message, f"move `{name}` before `{owner.step.id}`, or give a default: {default}"

    def _is_feedback(self, at: int) -> bool:
        """Whether it is what a person said of the step's visit before, which the first visit has not (`rework`)."""
        return self.reference.has_default and self.reference.parts[at + 1 : at + 2] == ("feedback",)

    def _of_an_item(self, other: Placed, at: int) -> Diagnostic:
        """Return the finding where a step stands inside a `for_each` that the text is outside of."""
        name, owner = other.step.id, next(one for one in other.around if one.step.for_each is not None)
        around = owner.step.id
        message = f"step `{name}` is done for each item of `{around}`, and none of its results is seen outside"
        help_ = f"the items' results are an object by key: `steps.{around}.outputs`"
        return self._report("out-of-scope", message, at, help_, self._stands(other))

    def _field(self, other: Placed, at: int) -> Iterator[Diagnostic]:
        """Check what follows `steps.ID`, and that it is surely there."""
        parts = self.reference.parts
        field = parts[at + 1] if len(parts) > at + 1 else None
        if not isinstance(field, str):
            return
        if field not in STEP_FIELDS:
            yield self._unknown_field(other, field, at + 1)
            return
        if field not in ("outputs", "artifacts"):
            if self._may_be_led_around(other):
                yield from self._absence(other, at)
            return
        yield from self._absence(other, at)
        output = parts[at + 2] if len(parts) > at + 2 else None
        if not isinstance(output, str) or self.context.is_broken(other.path):
            return
        if field == "artifacts":
            yield from self._artifact(other, output, at + 2)
        else:
            yield from self._output(other, output, at + 2)

    def _may_be_led_around(self, other: Placed) -> bool:
        owner = self.parsed.owner
        return owner is not None and self.order.is_known(owner) and self.order.relation(other, owner) == "maybe"

    def _absence(self, other: Placed, at: int) -> Iterator[Diagnostic]:
        if self.reference.has_default:
            return
        absence = self.order.absence(other, self.parsed.owner)
        if absence is None:
            return
        reason, place = absence
        note = Note("it says so here", self.context.key_span(place))
        help_ = f"give a default: `default({self._written}, …)`"
        if place[-1] == "when" and self.parsed.owner:
            help_ += f", or give `{self.parsed.owner.step.id}` the same `when`"
        yield self._report("may-not-have-run", f"{reason}, so it may have no result", at, help_, (note,))

    def _output(self, other: Placed, name: str, at: int) -> Iterator[Diagnostic]:
        names = output_names(other.step, self.context.library)
        if names is not None and name not in names and not self._is_mended(other):
            yield self._unknown_output(other, name, names, at)
            return
        if not isinstance(other.step, GroupStep):
            return
        child = self.context.by_id.get(name)
        inner = self.reference.parts[at + 1] if len(self.reference.parts) > at + 1 else None
        if child is None or child.parent is not other:
            return
        if isinstance(inner, str):
            yield from self._absence(child, at)
            yield from self._output(child, inner, at + 1)

    def _artifact(self, other: Placed, name: str, at: int) -> Iterator[Diagnostic]:
        declared = other.step.artifacts
        if name in declared or self.context.is_broken((*other.path, "artifacts")):
            return
        help_ = did_you_mean(name, declared) or (_few(declared, "it has") if declared else "name it under `artifacts`")
        yield self._report("unknown-output", f"step `{other.step.id}` has no artifact `{name}`", at, help_)

    def _unknown_output(self, other: Placed, name: str, names: frozenset[str], at: int) -> Diagnostic:
        help_ = did_you_mean(name, sorted(names))
        if help_ is None and name in other.step.artifacts:
            help_ = f"did you mean `steps.{other.step.id}.artifacts.{name}`?"
        if help_ is None and isinstance(other.step, ShellStep):
            help_ = f"name it under `outputs`, or let the script write it to `${OUTPUT_VARIABLE}`"
        message = f"step `{other.step.id}` has no output `{name}`"
        return self._report("unknown-output", message, at, help_ or _few(sorted(names), "it has"), self._stands(other))

    def _unknown_field(self, other: Placed, field: str, at: int) -> Diagnostic:
        names = output_names(other.step, self.context.library)
        if field in other.step.outputs or (names and field in names):
            help_: str | None = f"did you mean `steps.{other.step.id}.outputs.{field}`?"
        elif field in other.step.artifacts:
            help_ = f"did you mean `steps.{other.step.id}.artifacts.{field}`?"
        else:
            help_ = did_you_mean(field, STEP_FIELDS) or f"a step has {listed(STEP_FIELDS)}"
        return self._report("unknown-output", f"step `{other.step.id}` has no `{field}`", at, help_)

    # --- reports ------------------------------------------------------------------------------------

    @property
    def _written(self) -> str:
        text = self.parsed.text[self.reference.position : self.reference.end]
        return text if len(text) <= 80 and "\n" not in text else "…"

    def _is_mended(self, other: Placed) -> bool:
        keys = ("outputs", "values", "command", "output_schema", "steps", "type")
        return any(self.context.is_broken((*other.path, key)) for key in keys)

    def _stands(self, other: Placed) -> tuple[Note, ...]:
        return (Note(f"`{other.step.id}` stands here", self.context.span((*other.path, "id"))),)

    def _span(self, at: int) -> Span:
        start, end = self.reference.spans[at]
        return self.context.span_within(self.parsed.path, start, end - start)

    def _report(self, code: str, message: str, at: int, help_: str | None, notes: tuple[Note, ...] = ()) -> Diagnostic:
        return self.context.report(code, message, self._span(at), help_, notes)


def _few(names: Collection[str], opening: str) -> str | None:
    return f"{opening} {listed(names)}" if 0 < len(names) <= _FEW else None
