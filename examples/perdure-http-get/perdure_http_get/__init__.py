"""The step type `http-get`: its keys. What runs it is in `executor`, which only a worker imports."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from definitions.plugins import StepType


class HttpGet(BaseModel):
    """The keys of an `http-get` step."""

    model_config = ConfigDict(frozen=True)

    url: str = Field(pattern=r"^https?://")
    """Where the document is."""
    save_to: str | None = None
    """A path in the workspace; absent: the document is the output `text`."""
    expect: list[Annotated[int, Field(ge=100, le=599)]] = [200]
    """Statuses that are a success."""
    most_bytes: int = Field(default=1_000_000, ge=1)
    """A longer document fails the step."""


STEP_TYPE = StepType(model=HttpGet, executor="perdure_http_get.executor:HttpGetExecutor")
