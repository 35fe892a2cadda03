"""A test file against the definition that it tests: every path, input and output that it names must be there.

A misspelled path would make a case prove nothing (`never: [publich]`), so it is an error, with its place.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from definitions.cases.loading import LoadedCases
from definitions.cases.models import Case, Stub
from definitions.cases.paths import declared_path
from definitions.diagnostics import Diagnostic, Note, Span, in_order
from definitions.errors import ExpressionError
from definitions.expressions import parse_condition
from definitions.inputs import check_inputs
from definitions.models import Definition
from definitions.nodes import Path, Scalar, find, head
from definitions.positions import span_in
from definitions.steps import ActivityStep, AgentStep, ApprovalStep, GroupStep, Step, WaitStep, WorkflowStep
from definitions.suggestions import did_you_mean, listed

_FEW = 12


_ALONE: Mapping[str, Definition] = MappingProxyType({})


def declared_steps(
    steps: Iterable[Step], prefix: str = "", library: Mapping[str, Definition] = _ALONE
) -> dict[str, Step]:
    """Return each step of a definition by its path; with a library also those of the definitions that steps run."""
    found: dict[str, Step] = {}
    for step in steps:
        found[prefix + step.id] = step
        if isinstance(step, GroupStep):
            found |= declared_steps(step.steps, f"{prefix}{step.id}/", library)
        if isinstance(step, WorkflowStep) and not step.detach and step.definition in library:
            found |= declared_steps(library[step.definition].steps, f"{prefix}{step.id}/", library)
        if step.compensate is not None:
            found |= declared_steps(step.compensate.steps, f"{prefix}{step.id}/compensate/", library)
    return found


def gates_of(path: str, step: Step) -> list[str]:
    """Return the ids of a step's gates: its path, and that with `/accept` for the one after it."""
    before = [path] if isinstance(step, ApprovalStep) or step.approval is not None else []
    return before + ([f"{path}/accept"] if step.accept is not None else [])


def check_cases(
    loaded: LoadedCases, definition: Definition, library: Mapping[str, Definition] = _ALONE
) -> tuple[Diagnostic, ...]:
    """Return what in a test file does not fit its definition, or one of those that it runs (by key)."""
    if loaded.cases is None:
        return ()
    checker = _Checker(loaded, definition, library)
    names: dict[str, int] = {}
    for number, case in enumerate(loaded.cases.cases):
        checker.check(number, case)
        first = names.setdefault(case.name, number)
        if first != number:
            notes = (Note("the first one", checker.place(("cases", first, "name"))),)
            place: Path = ("cases", number, "name")
            checker.report("unfit-case", f"two cases are called `{case.name}`", place, notes=notes)
    return in_order(checker.findings)


class _Checker:
    """Collects findings about one file."""

    def __init__(self, loaded: LoadedCases, definition: Definition, library: Mapping[str, Definition]) -> None:
        self.findings: list[Diagnostic] = []
        self._loaded = loaded
        self._definition = definition
        self._steps = declared_steps(definition.steps, library=library)

    def check(self, number: int, case: Case) -> None:
        """Check one case."""
        place: Path = ("cases", number)
        self._check_inputs(place, case)
        for path in case.stubs:
            self._check_stub((*place, "stubs", path), path, case.stubs_at(path))
        for path in case.decisions:
            self._check_gate((*place, "decisions", path), path)
        for name in case.signals:
            self._check_signal((*place, "signals", name), name)
        for path in case.resumptions:
            self._check_resumption((*place, "resumptions", path), path)
        for path in case.expect.prompts:
            self._check_kind((*place, "expect", "prompts", path), path, AgentStep, "an agent step", "given a prompt")
        self._check_expectations((*place, "expect"), case)
        for index, text in enumerate(case.expect.check):
            self._check_condition((*place, "expect", "check", index), text)

    def report(
        self,
        code: str,
        message: str,
        path: Path,
        help_: str | None = None,
        span: Span | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Note a finding at a place of the file."""
        where = span or self.place(path)
        self.findings.append(Diagnostic(code, "error", message, self._loaded.file, where, notes, help_))

    def place(self, path: Path) -> Span | None:
        """Return the span of what stands at `path`; of its key, where that is what was written."""
        if self._loaded.root is None:
            return None
        located = find(self._loaded.root, path)
        is_whole = len(located.path) == len(path)
        return located.key.span if located.key is not None and is_whole else head(located.node)

    def _value_place(self, path: Path) -> Span | None:
        return None if self._loaded.root is None else head(find(self._loaded.root, path).node)

    def _check_inputs(self, place: Path, case: Case) -> None:
        _, findings = check_inputs(self._definition, case.inputs)
        for finding in findings:
            name = next((name for name in case.inputs if f"`{name}`" in finding.message), None)
            path = (*place, "inputs") if name is None else (*place, "inputs", name)
            span = self._value_place(path) if finding.code == "invalid-input" else self.place(path)
            self.findings.append(
                Diagnostic(finding.code, "error", finding.message, self._loaded.file, span, help=_help(finding))
            )

    def _check_stub(self, place: Path, path: str, stubs: tuple[Stub, ...]) -> None:
        step = self._step(place, path)
        if step is None:
            return
        if step.queue == "none" and not isinstance(step, ActivityStep):
            message = f"`{path}` is of type `{step.type}`, which is computed: it cannot be stubbed"
            help_ = (
                "give its decision under `decisions`" if isinstance(step, ApprovalStep) else "stub what it depends on"
            )
            self.report("unfit-case", message, place, help_)
        if len(stubs) > 1 and any(stub.fail is not None and stub.fail.times is not None for stub in stubs[:-1]):
            message = f"`times` can stand only in the last stub of `{path}`: each one before answers one attempt"
            self.report("unfit-case", message, place)

    def _check_kind(self, place: Path, path: str, kind: type[Step], what: str, done: str) -> None:
        step = self._step(place, path)
        if step is not None and not isinstance(step, kind):
            those = [name for name, known in self._steps.items() if isinstance(known, kind)]
            help_ = f"there is {listed(those[:_FEW])}" if those else None
            self.report("unfit-case", f"`{path}` is not {what}, so it is never {done}", place, help_)

    def _check_gate(self, place: Path, path: str) -> None:
        known = [gate for one, step in self._steps.items() for gate in gates_of(one, step)]
        if declared_path(path) in known:
            return
        step = self._step(place, path)
        if step is not None:
            help_ = f"there is {listed(known[:_FEW])}" if known else None
            self.report("unfit-case", f"`{path}` is not a gate, so it is never decided", place, help_)

    def _check_signal(self, place: Path, name: str) -> None:
        known = [step.signal for step in self._steps.values() if isinstance(step, WaitStep) and step.signal is not None]
        if name not in known:
            help_ = did_you_mean(name, known) or (f"there is {listed(known[:_FEW])}" if known else None)
            self.report("unfit-case", f"no step waits for a signal `{name}`", place, help_)

    def _check_resumption(self, place: Path, path: str) -> None:
        step = self._step(place, path)
        if step is not None and step.on_failure != "pause":
            message = f"`{path}` does not pause the run when it fails, so it is never resumed"
            self.report("unfit-case", message, place, "write `on_failure: pause` on the step, or leave this out")

    def _check_expectations(self, place: Path, case: Case) -> None:
        expect = case.expect
        for key, paths in (("path", expect.path), ("never", expect.never), ("skipped", expect.skipped)):
            for index, path in enumerate(paths or ()):
                self._step((*place, key, index), path)
        for index, path in enumerate(expect.handled or ()):
            self._step((*place, "handled", index), path)
        for path in expect.steps:
            self._step((*place, "steps", path), path)
        if expect.error is not None and expect.error.step not in (None, "", "outputs"):
            self._step((*place, "error", "step"), str(expect.error.step), is_key=False)
        for name in expect.outputs:
            if name not in self._definition.outputs:
                known = list(self._definition.outputs)
                help_ = did_you_mean(name, known) or (f"the outputs are {listed(known[:_FEW])}" if known else None)
                message = f"`{self._definition.id}` has no output `{name}`"
                self.report("unknown-output", message, (*place, "outputs", name), help_)

    def _step(self, place: Path, path: str, *, is_key: bool = True) -> Step | None:
        """Return the step at a path; where there is none, that is a finding."""
        found = self._steps.get(declared_path(path))
        if found is None:
            inside = [known for known in self._steps if known.rsplit("/", 1)[-1] == path]
            help_ = f"write its whole path, `{inside[0]}`" if inside else did_you_mean(path, self._steps)
            span = self.place(place) if is_key else self._value_place(place)
            self.report("unknown-step", f"no step has the path `{path}`", place, help_, span)
        return found

    def _check_condition(self, place: Path, text: str) -> None:
        try:
            parse_condition(text)
        except ExpressionError as error:
            node = None if self._loaded.root is None else find(self._loaded.root, place).node
            span = self._value_place(place)
            if isinstance(node, Scalar) and error.position is not None:
                end = error.position + 1 if error.end is None else error.end
                span = span_in(node, self._loaded.source.split("\n"), error.position, end - error.position)
            self.report(error.code, error.message, place, span=span)


def _help(finding: Diagnostic) -> str | None:
    return "give it under `inputs` of the case" if finding.code == "missing-input" else finding.help
