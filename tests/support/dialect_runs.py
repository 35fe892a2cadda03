"""Runs of definitions in a dialect over the playing host; prompts' values as the agent would see them."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from definitions.loader import load
from definitions.records import Ledger, RunHandle, StepCall
from definitions.templates import render_value
from tests.support.playing_host import START, Played, PlayingHost
from workflows.course import run_course
from workflows.events import Journal
from workflows.interpreter import Interpreter
from workflows.ledger import Book
from workflows.scope import Scopes
from workflows.steps import HANDLERS


@dataclass
class DialectHost(PlayingHost):
    rendered: dict[str, dict[str, JsonValue]] = field(default_factory=dict)

    def inputs_of(self, path: str) -> JsonValue:
        return self._rendered(path, "inputs")

    def prompt_of(self, path: str) -> JsonValue:
        return self._rendered(path, "prompt")

    def _rendered(self, path: str, key: str) -> JsonValue:
        call: StepCall = next(one for one in reversed(self.step_calls) if one.path == path)
        return render_value(call.step[key], call.values)


@dataclass
class DialectPlayed(Played):
    host: DialectHost  # pyright: ignore[reportIncompatibleVariableOverride]


async def play_loaded(
    text: str, host: PlayingHost, inputs: dict[str, JsonValue], *, ledger: Ledger | None = None
) -> DialectPlayed:
    """Interpret a definition to its end, as the workflow does."""
    definition = load(text, "played.yaml").definition
    assert definition is not None
    book = Book(ledger or Ledger())
    own = DialectHost(answers=host.answers, book=book)
    facts: dict[str, JsonValue] = {"id": "run-1", "started_at": START.isoformat()}
    scopes = Scopes(definition, inputs, {}, facts, book)
    journal = Journal(RunHandle(execution_id="run-1", definition_id=definition.id, context="c"), book, own)
    interpreter = Interpreter(definition, journal, book, scopes, own, HANDLERS)
    course = await run_course(interpreter, "t0")
    return DialectPlayed(course.ending, course.outputs, book, own, course.tree)
