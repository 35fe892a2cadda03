"""From a definition, its inputs and a folder to a started run."""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, JsonValue

from client.exit_codes import ExitCode
from client.messages import run_words
from client.output import Problem, one_line, plain, say
from client.request_files import Source
from definitions.messages import WORKFLOW_TYPE, RunInput, WorkspaceInput
from definitions.models import Definition
from definitions.references import references
from definitions.steps import all_steps

if TYPE_CHECKING:
    from temporalio.client import WorkflowHandle

    from activities.store.interface import Store
    from client.connection import Connection

CALLER_ENVIRONMENT = ("PATH", "VIRTUAL_ENV", "HOME", "LANG")
"""Facts of the caller's machine that steps on the embedded default use; they are in no cache key."""
SHOWN_INPUTS = 20


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks for, checked as far as this machine can."""

    source: Source
    inputs: dict[str, JsonValue]
    workspace: Path
    execution_id: str | None = None
    provider: str | None = None
    script: dict[str, JsonValue] | None = None
    trust: str | None = None
    """How far it is trusted; the worker may trust it less."""


async def start_run(connection: Connection, request: Request) -> str:
    """Snapshot the workspace, start the run and return its execution id.

    Raises:
        Problem: the id is taken, or the server refuses the start.
    """
    definition = request.source.definition
    message = await input_of(lambda: connection.store, request, is_embedded=connection.endpoint.is_embedded)
    execution_id = request.execution_id or new_execution_id(definition.id)
    await send_start(connection, execution_id, message, definition)
    return execution_id


async def input_of(store: Callable[[], Store], request: Request, *, is_embedded: bool) -> RunInput:
    """Return the start input of a request, with the workspace in the store."""
    tree = None
    if request.source.definition.workspace.takes_tree:
        tree = await asyncio.to_thread(_snapshot, store(), request.workspace)
    root = _root_for_links(request, is_embedded=is_embedded)
    return _run_input(request, tree, root, is_embedded=is_embedded)


def new_execution_id(definition_id: str) -> str:
    """Return an id that names the definition and the day, and that nobody else has."""
    return f"{definition_id}-{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(3)}"


def environment_of(
    definition: Definition, environment: Mapping[str, str], others: Iterable[Definition] = ()
) -> dict[str, str]:
    """Return the values of `env.X` for the names that the definition, or one of those that it leads to, uses."""
    paths = (path for one in (definition, *others) for model in _models(one) for path in references(model))
    used = {str(path[1]) for path in paths if len(path) > 1 and path[0] == "env"}
    return {name: environment[name] for name in sorted(used) if name in environment}


def caller_environment() -> dict[str, str]:
    """Return the facts of this machine that steps on the embedded default use."""
    return {name: os.environ[name] for name in CALLER_ENVIRONMENT if name in os.environ}


def user_name() -> str:
    """Return who runs the command, as far as the machine knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"


def static_details(definition: Definition, inputs: Mapping[str, JsonValue], execution_id: str) -> str:
    """Return the run's description for the Web UI, in the Markdown subset that its renderer draws."""
    lines = [
        f"Definition `{definition.name}`, version `{definition.version}`, started by `{user_name()}`.",
        "",
        f"`perdure watch {execution_id}`",
    ]
    shown = list(inputs.items())[:SHOWN_INPUTS]
    if shown:
        lines += ["", "| input \u00a0 | value |", "|---|---|"]
        lines += [f"| `{name}` \u00a0 | `{_cell(value)}` |" for name, value in shown]
    return "\n".join(lines)


def _cell(value: JsonValue) -> str:
    return one_line(str(value), 80).replace("`", "'").replace("|", "\u2502")


def _snapshot(store: Store, folder: Path) -> str:
    from activities.workspace.sources import keep_source

    manifest = keep_source(store, folder)
    for note in manifest.notes:
        say(f"note: {plain(note)}")
    return manifest.digest


def _root_for_links(request: Request, *, is_embedded: bool) -> str | None:
    """Return the folder whose ignored folders steps see; a run on a cluster sees none."""
    from activities.workspace.sources import source_root

    workspace = request.source.definition.workspace
    if not workspace.link or not workspace.takes_tree:
        return None
    if not is_embedded:
        say(run_words.NO_LINKS)
        return None
    root = source_root(request.workspace)
    for link in workspace.link:
        if not (root / link).is_dir():
            say(run_words.no_folder_to_link(link, root))
    return str(root)


def _run_input(request: Request, tree: str | None, root: str | None, *, is_embedded: bool) -> RunInput:
    return RunInput(
        definition=request.source.reference,
        inputs=request.inputs,
        env=environment_of(request.source.definition, os.environ, request.source.whole.library.values()),
        workspace=WorkspaceInput(tree=tree, root=root),
        starter=user_name(),
        names=request.source.names,
        provider=request.provider,
        script=request.script,
        trust=request.trust,
        caller_environment=caller_environment() if is_embedded else None,
    )


def _models(definition: Definition) -> Iterator[BaseModel]:
    """Yield every model of a definition that holds texts of its own."""
    yield definition
    yield from definition.outputs.values()
    yield from all_steps(definition.steps)


async def send_start(connection: Connection, execution_id: str, message: RunInput, definition: Definition) -> None:
    """Start the workflow; where the namespace lacks our search attribute, start it without."""
    from temporalio.service import RPCError, RPCStatusCode

    try:
        await _start_workflow(connection, execution_id, message, definition, has_attributes=True)
    except RPCError as error:
        if error.status != RPCStatusCode.INVALID_ARGUMENT or "search attribute" not in error.message.lower():
            raise _refused(error.message) from error
        try:
            await _start_workflow(connection, execution_id, message, definition, has_attributes=False)
        except RPCError as second:
            raise _refused(second.message) from second


async def _start_workflow(
    connection: Connection, execution_id: str, message: RunInput, definition: Definition, *, has_attributes: bool
) -> WorkflowHandle[object, object]:
    from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
    from temporalio.exceptions import WorkflowAlreadyStartedError

    key = SearchAttributeKey.for_keyword("PerdureDefinition")
    attributes = TypedSearchAttributes([SearchAttributePair(key, definition.id)]) if has_attributes else None
    try:
        return await connection.client.start_workflow(
            WORKFLOW_TYPE,
            message.model_dump(mode="json", exclude_defaults=True),
            id=execution_id,
            task_queue=connection.endpoint.task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=one_line(definition.description or definition.name),
            static_details=static_details(definition, message.inputs, execution_id),
            search_attributes=attributes,
            memo=None if message.rerun_of is None else {"rerun_of": message.rerun_of.id},
        )
    except WorkflowAlreadyStartedError as error:
        raise Problem(
            run_words.taken_id(execution_id),
            code=ExitCode.USAGE,
            slug="taken-id",
            remedy=run_words.taken_id_remedy(execution_id),
        ) from error


def _refused(message: str) -> Problem:
    return Problem(run_words.start_refused(message), code=ExitCode.FAILED, slug="start-refused")
