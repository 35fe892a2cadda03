"""What came of playing test files: a verdict for each case, coverage for each file.

play_files   plays the cases of all files, each level opened once for all of them
FileResult   the verdicts of one file
CaseResult   the verdict on one case, with its findings as diagnostics in the test file
"""

import contextlib
import importlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, cast

from client.testing.collecting import Collected
from client.testing.coverage import Coverage, coverage
from client.testing.verdicts import Finding, NotPlayable, Outcome, Play, Subject, judge
from definitions.cases.models import Case, Level
from definitions.diagnostics import Diagnostic, Note, Span
from definitions.nodes import Node, Path, find, head

Verdict = Literal["passed", "failed", "not-played"]
LEVELS: tuple[Level, ...] = ("plan", "simulated", "real")


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The verdict on one case."""

    case: Case
    number: int
    """Its place in the file, from 0."""
    verdict: Verdict
    findings: tuple[Finding, ...]
    diagnostics: tuple[Diagnostic, ...]
    """The findings, at their places in the test file."""
    seconds: float
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class FileResult:
    """The verdicts of one file."""

    collected: Collected
    cases: tuple[CaseResult, ...]
    coverage: Coverage

    @property
    def failed(self) -> int:
        """Return how many cases did not pass."""
        return sum(1 for case in self.cases if case.verdict != "passed")


async def play_files(
    files: Sequence[Collected],
    wanted: Callable[[Case], bool],
    told: Callable[[Collected, CaseResult], None],
) -> list[FileResult]:
    """Play the cases that are wanted; `told` hears of each as it ends. Files must have no errors."""
    results: dict[tuple[int, int], CaseResult] = {}
    for level in LEVELS:
        chosen = [
            (position, number, case)
            for position, file in enumerate(files)
            for number, case in enumerate(file.cases.cases if file.cases else ())
            if case.level == level and wanted(case)
        ]
        if not chosen:
            continue
        async with opened_level(level) as play:
            for position, number, case in chosen:
                result = await play_case(play, case, number, files[position])
                results[position, number] = result
                told(files[position], result)
    return [
        _file_result(file, [results[key] for key in sorted(results) if key[0] == n]) for n, file in enumerate(files)
    ]


async def play_case(play: Play, case: Case, number: int, file: Collected) -> CaseResult:
    """Play and judge one case of a file without errors."""
    subject = cast("Subject", file.subject)
    began = perf_counter()
    try:
        outcome = await play(case, subject)
    except NotPlayable as fault:
        finding = Finding(fault.message, fault.place)
        diagnostic = located(file, number, finding, "case-not-played", ())
        return CaseResult(case, number, "not-played", (finding,), (diagnostic,), perf_counter() - began)
    findings = judge(case, outcome)
    hints = _hints(case, outcome)
    diagnostics = tuple(located(file, number, found, "unmet-expectation", hints) for found in findings)
    verdict: Verdict = "failed" if findings else "passed"
    return CaseResult(case, number, verdict, findings, diagnostics, perf_counter() - began, outcome)


def located(file: Collected, number: int, finding: Finding, code: str, notes: tuple[Note, ...]) -> Diagnostic:
    """Return a finding as a diagnostic at its place in the test file."""
    return Diagnostic(
        code, "error", finding.message, file.loaded.file, _span(file.loaded.root, number, finding.place), notes
    )


def _span(root: Node | None, number: int, place: Path) -> Span | None:
    """Return where an expectation stands; where it is not written, the nearest thing around it that is."""
    if root is None:
        return None
    located_ = find(root, ("cases", number, *place))
    if len(located_.path) <= 2:
        return head(find(root, ("cases", number, "name")).node)
    return head(located_.node) if len(located_.path) == len(place) + 2 or located_.key is None else located_.key.span


def _hints(case: Case, outcome: Outcome) -> tuple[Note, ...]:
    """Return what helps where a made-up result was not what the definition needs."""
    error = outcome.status.error
    if error is None or error.type not in ("expression", "schema"):
        return ()
    unstubbed = [
        path
        for path, step in outcome.status.steps.items()
        if step.type in ("shell", "agent") and step.status == "completed" and not case.stubs_at(path)
    ]
    if not unstubbed:
        return ()
    named = ", ".join(f"`{path}`" for path in unstubbed)
    return (Note(f"no stub says what these steps give: {named}"),)


def _file_result(file: Collected, cases: list[CaseResult]) -> FileResult:
    definition = cast("Subject", file.subject).definition
    outcomes = [case.outcome for case in cases if case.outcome is not None]
    return FileResult(file, tuple(cases), coverage(definition, outcomes))


@contextlib.asynccontextmanager
async def opened_level(level: Level) -> AsyncGenerator[Play]:
    """Open a level by the module of its name: what a level needs is imported when a case is of it."""
    module = importlib.import_module(f"client.testing.{level}")
    async with module.opened() as play:
        yield play
