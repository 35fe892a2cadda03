"""The checks of `perdure doctor`: each says what it found and, where something lacks, one remedy."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from client import messages
from client.connection import names_a_cluster, offline_store
from client.output import Problem
from definitions.errors import PerdureError

LOWEST_PYTHON = (3, 11)
AGENTS = {"claude-code": "claude"}
"""Program of each provider that needs one."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was found."""

    name: str
    state: Literal["ok", "warning", "failed"]
    message: str
    remedy: str | None = None


def all_checks(profile: str | None) -> list[Check]:
    """Return all findings about this machine."""
    return [python_check(), store_check(profile), *server_checks(profile), *agent_checks(), *package_checks()]


def python_check() -> Check:
    """Return whether this Python is new enough."""
    version = platform.python_version()
    if sys.version_info >= LOWEST_PYTHON:
        return Check("python", "ok", f"{version} at {sys.executable}")
    return Check("python", "failed", f"{version} is too old", "install Python 3.11 or newer")


def store_check(profile: str | None) -> Check:
    """Return whether the store can be written."""
    try:
        store = offline_store(profile)
    except Problem as problem:
        return Check("store", "failed", problem.message, problem.remedy)
    except PerdureError as error:
        return Check("store", "failed", getattr(error, "message", str(error)), getattr(error, "remedy", None))
    return Check("store", "ok", store.location)


def server_checks(profile: str | None) -> Iterator[Check]:
    """Yield what is found about the server: the named cluster, or what the embedded default needs."""
    if names_a_cluster(profile):
        yield _cluster_check(profile)
        return
    from client.dev import doctor_checks

    for found in doctor_checks():
        yield Check(found.name, "ok" if found.ok else "failed", found.detail, None if found.ok else found.remedy)


def agent_checks() -> Iterator[Check]:
    """Yield which agents can be started here."""
    for provider, program in AGENTS.items():
        found = shutil.which(program)
        if found is not None:
            yield Check(provider, "ok", found)
        else:
            yield Check(provider, "warning", messages.no_agent(program), messages.agent_remedy(provider))


def package_checks() -> Iterator[Check]:
    """Yield which packages bring step types, and which of them cannot be used."""
    from definitions import plugins

    unfit = plugins.clashes()
    names = sorted(plugins.names())
    if names and not unfit:
        yield Check("step types", "ok", f"packages bring {', '.join(f'`{name}`' for name in names)}")
    for one in unfit:
        yield Check("step types", "warning", one.message, one.help)


def _cluster_check(profile: str | None) -> Check:
    from client.connection import Connection, run_connected

    async def look(connection: Connection) -> str:
        endpoint = connection.endpoint
        return f"{endpoint.address}, namespace {endpoint.namespace}, queue {endpoint.task_queue}"

    try:
        return Check("server", "ok", run_connected(look, profile))
    except Problem as problem:
        return Check("server", "failed", problem.message, problem.remedy)
