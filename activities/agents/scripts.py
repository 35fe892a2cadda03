"""The scripts of the scripted provider: what it answers and does, by step path.

    steps:
      write_tests:                      # the step's path; one entry, or a list played in turn
        - fail: {class: overloaded, message: busy}
        - files: {tests/test_prices.py: "def test_…", old.py: null}
          text: Added a test.
          delay: 1s
          usage: {input_tokens: 1200, output_tokens: 300, usd: 0.01}

What stands for `fix/test` is for `fix#3/test`, `fix[E-1]/test` and `fix/test@2` too, where these have nothing of their
own. Each request takes the next entry: the attempts of the step and the times it is asked again count; the last entry
answers all that follow. An entry holds at most one of `answer` (any JSON), `outputs` (an object), `text`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, model_validator

from definitions.cases.paths import declared_path
from definitions.durations import Duration
from definitions.errors import ErrorClass, StepFailure


class ScriptModel(BaseModel):
    """Base of the script's models: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ScriptedFailure(ScriptModel):
    """How the scripted agent fails."""

    error_class: ErrorClass = Field(default=ErrorClass.CRASH, alias="class")
    message: str = "the script says so"


class ScriptedUsage(ScriptModel):
    """What the scripted agent says it used."""

    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cache_read_tokens: int = Field(default=0, ge=0)
    cache_write_tokens: int = Field(default=0, ge=0)
    turns: int = Field(default=1, ge=0)
    usd: float | None = Field(default=None, ge=0)


class ScriptEntry(ScriptModel):
    """What the scripted agent does at one request: wait, change files, fail or answer."""

    answer: JsonValue = None
    outputs: dict[str, JsonValue] | None = None
    text: str | None = None
    files: dict[str, str | None] = {}
    """Contents by path in the workspace; null deletes."""
    delay: Duration = timedelta(0)
    fail: ScriptedFailure | None = None
    times: int = Field(default=1, ge=1)
    """How many requests in turn this entry answers."""
    usage: ScriptedUsage = ScriptedUsage()

    @model_validator(mode="after")
    def _says_one_thing(self) -> "ScriptEntry":
        given = [name for name in ("answer", "outputs", "text") if name in self.model_fields_set]
        if len(given) > 1:
            named = " and ".join(f"`{name}`" for name in given)
            raise ValueError(f"an entry has one of `answer`, `outputs`, `text`, not {named}")
        return self


Entries = Annotated[list[ScriptEntry], Field(min_length=1)]
_ENTRIES: TypeAdapter[ScriptEntry | Entries] = TypeAdapter(ScriptEntry | Entries)


def script_entries(script: Mapping[str, JsonValue] | None, path: str) -> list[ScriptEntry]:
    """Return the entries for the step at `path`, `times` unfolded by reference; none where it has no script.

    Raises:
        StepFailure: The script does not have the shape above.
    """
    steps = _steps(script)
    written = steps.get(path, steps.get(declared_path(path)))
    if written is None:
        return []
    # an entry or a list: told apart here, so that an error names the entry's own key
    shaped = written if isinstance(written, list) else [written]
    try:
        found = _ENTRIES.validate_python(shaped)
    except ValidationError as error:
        raise StepFailure(ErrorClass.REFUSED, f"the script of `{path}` is not valid: {_findings(error)}") from error
    return found if isinstance(found, list) else [found]


def entry_at(entries: list[ScriptEntry], position: int) -> ScriptEntry:
    """Return the entry that answers the request number `position`, from 0."""
    for entry in entries:
        if position < entry.times:
            return entry
        position -= entry.times
    return entries[-1]


def _steps(script: Mapping[str, JsonValue] | None) -> Mapping[str, JsonValue]:
    if not script:
        return {}
    steps = script.get("steps", script)
    if not isinstance(steps, dict):
        raise StepFailure(ErrorClass.REFUSED, "the script is not valid: `steps` is a map from step paths to answers")
    return steps


def _findings(error: ValidationError) -> str:
    found: list[str] = []
    for item in error.errors(include_url=False)[:5]:
        where = ".".join(str(part) for part in item["loc"] if not str(part).startswith(("list[", "ScriptEntry")))
        found.append(f"`{where}`: {item['msg']}" if where else item["msg"])
    return "; ".join(found)
