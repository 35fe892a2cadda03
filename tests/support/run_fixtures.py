"""The fixtures of codes that only a run can meet: `SLUG.yaml` is played, `SLUG.json` says with what.

    {"inputs": {…}, "env": {…}, "files": {"coverage.xml": "…", "big.json": 60000000}, "answers": {"count": {…}}}

The interpreter is the real one; expressions that read files, and what a script is given, go through the same code as
in an activity, over a store in a temporary folder. A step named in `answers` gives these outputs; a number for a file
is its size.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import JsonValue

from activities.evaluate import evaluate as evaluate_with_files
from activities.file_functions.reader import StoreFileReader
from activities.rendering import render_step
from activities.store.interface import Store
from activities.store.opening import open_store
from activities.workspace.manifest import load_manifest, save_manifest
from activities.workspace.sources import snapshot_source
from client.conclusion import closing_lines
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.expressions import evaluate, parse
from definitions.records import EvaluateCall, StepCall, StepError, StepResult
from definitions.statuses import Status
from definitions.steps import Step
from definitions.values import to_text
from tests.support.playing_host import PlayingHost, play


def failure_of(slug: str, folder: Path) -> tuple[str, str]:
    """Return the code that the run of a fixture ends with, and what a person reads."""
    if slug in UNPLAYED:
        error = _of_expression(slug)
    else:
        error = asyncio.run(_of_run((folder / f"{slug}.yaml").read_text(), load_given(folder / f"{slug}.json")))
    status = Status(execution_id="RUN", definition_id="release", status="failed", error=error)
    shown = [line for line in closing_lines(status) if not line.startswith("  next:")]
    return str(error.details.get("code")), "\n".join(shown) + "\n"


@dataclass
class _Host(PlayingHost):
    """Renders steps and evaluates expressions as an activity does."""

    store: Store = field(kw_only=True)
    outputs: dict[str, dict[str, JsonValue]] = field(kw_only=True)

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        manifest = load_manifest(self.store, call.tree) if call.tree else None
        try:
            render_step(step, call.values, StoreFileReader(self.store, manifest))
        except ExpressionError as error:
            raise StepFailure(ErrorClass.EXPRESSION, error.message, {"code": error.code}) from error
        return StepResult(outputs=self.outputs.get(call.path, {"stdout": "", "exit_code": 0}), tree=call.tree)

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        return (await evaluate_with_files(self.store, call)).values


async def _of_run(text: str, given: dict[str, Any]) -> StepError:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store")
        tree = save_manifest(store, snapshot_source(store, _workspace(Path(folder) / "workspace", given)))
        host = _Host(store=store, outputs=given.get("answers", {}))
        played = await play(text, host, inputs=given.get("inputs"), env=given.get("env"), tree=tree)
    assert played.ending.error is not None, "the run of this fixture does not fail"
    return played.ending.error


def _workspace(folder: Path, given: dict[str, Any]) -> Path:
    folder.mkdir()
    for name, content in cast("dict[str, str | int]", given.get("files", {})).items():
        with (folder / name).open("wb") as file:
            if isinstance(content, int):
                file.truncate(content)
            else:
                file.write(content.encode())
    return folder


UNPLAYED: dict[str, Callable[[], object]] = {
    "no-such-name": lambda: evaluate(parse("item.id"), {"inputs": {}, "steps": {}, "env": {}, "run": {}}),
    "not-json": lambda: evaluate(parse("'on ' + inputs.day"), {"inputs": {"day": cast("JsonValue", object())}}),
    "stored-value-in-text": lambda: to_text({"$value": "0" * 64}),
}
"""What no definition meets: the loader or the types of values stand before it."""


def _of_expression(slug: str) -> StepError:
    try:
        UNPLAYED[slug]()
    except ExpressionError as error:
        return StepError(type="expression", message=error.message, step="", details={"code": error.code})
    raise AssertionError("the expression of this fixture does not fail")


def load_given(path: Path) -> dict[str, Any]:
    """Return what a fixture is played with."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
