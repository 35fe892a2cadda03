"""The test files of definitions as pytest sees them; `pytest_perdure` is the way in.

CaseFileCollector   a file; one that is not valid is an error of collection, with its findings
CaseItem            a case; its failure reads as in `perdure test`
Player              plays cases, each level opened when its first case comes and open to the end of the session
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from client.output import Problem
from client.testing.collecting import Collected, collect
from client.testing.coverage import coverage
from client.testing.report import coverage_line
from client.testing.results import CaseResult, opened_level, play_case
from client.testing.verdicts import Outcome, Play
from definitions.cases.models import Case, Level
from definitions.nodes import find, head
from definitions.rendering import render_text


class CaseFailed(Exception):
    """Expectations of a case were not met."""


class CaseFileCollector(pytest.File):
    """A test file of a definition."""

    def collect(self) -> Iterable["CaseItem"]:
        """Yield its cases."""
        collected = collect(self.path)
        if collected.cases is None:
            text = render_text(collected.diagnostics, collected.sources, color=False)
            raise self.CollectError(text.rstrip("\n"))
        for number, case in enumerate(collected.cases.cases):
            yield CaseItem.from_parent(  # pyright: ignore[reportUnknownMemberType]
                self, name=case.name, case=case, number=number, collected=collected
            )


class CaseItem(pytest.Item):
    """A case."""

    def __init__(self, *, case: Case, number: int, collected: Collected, **more: object) -> None:
        super().__init__(**more)  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
        self.case = case
        self.number = number
        self.collected = collected
        self.add_marker(f"perdure_{case.level}")

    def runtest(self) -> None:
        """Play it. Raises `CaseFailed`."""
        player = self.config.stash.setdefault(_PLAYER, Player())
        result = player.play(self.case, self.number, self.collected)
        if result.verdict != "passed":
            raise CaseFailed(render_text(result.diagnostics, self.collected.sources, color=False).rstrip("\n"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None) -> str:
        """Return what was not met, with its place in the file."""
        error = excinfo.value
        if isinstance(error, CaseFailed):
            return str(error)
        if isinstance(error, Problem):
            return f"{error}\n{error.remedy or ''}".rstrip()
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the case stands."""
        return self.path, self._line(), self.case.name

    def _line(self) -> int | None:
        root = self.collected.loaded.root
        return None if root is None else head(find(root, ("cases", self.number)).node).line - 1


@dataclass(slots=True)
class Player:
    """Plays the cases of a session in a loop of its own, which runs only while one is played."""

    _runner: asyncio.Runner = field(default_factory=lambda: asyncio.Runner(loop_factory=asyncio.new_event_loop))
    _open: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _levels: dict[Level, Play] = field(default_factory=dict[Level, Play])
    _outcomes: dict[Path, tuple[Collected, list[Outcome]]] = field(
        default_factory=dict[Path, tuple[Collected, list[Outcome]]]
    )

    def play(self, case: Case, number: int, collected: Collected) -> CaseResult:
        """Play a case, and note what it covers."""
        result = self._runner.run(self._play(case, number, collected))
        _, outcomes = self._outcomes.setdefault(collected.path, (collected, []))
        outcomes += [] if result.outcome is None else [result.outcome]
        return result

    async def _play(self, case: Case, number: int, collected: Collected) -> CaseResult:
        if case.level not in self._levels:
            self._levels[case.level] = await self._open.enter_async_context(opened_level(case.level))
        return await play_case(self._levels[case.level], case, number, collected)

    def coverage_lines(self) -> Iterator[str]:
        """Yield how much of each definition was taken."""
        for collected, outcomes in self._outcomes.values():
            if collected.subject is not None:
                yield coverage_line(collected, coverage(collected.subject.definition, outcomes))

    def close(self) -> None:
        """End what was opened."""
        with self._runner as runner:
            runner.run(self._open.aclose())


_PLAYER = pytest.StashKey[Player]()


def coverage_lines(config: pytest.Config) -> Iterator[str]:
    """Yield how much of each definition the cases of a session took."""
    player = config.stash.get(_PLAYER, None)
    if player is not None:
        yield from player.coverage_lines()


def close(config: pytest.Config) -> None:
    """End what the cases of a session needed. May be called twice."""
    player = config.stash.get(_PLAYER, None)
    if player is not None:
        del config.stash[_PLAYER]
        player.close()
