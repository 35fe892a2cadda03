"""The checks of `perdure doctor`: each says what it found and, where something lacks, one remedy."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from activities.store.location import project
from client.connection import names_a_cluster, offline_store
from client.messages import machine_words
from client.output import Problem
from definitions.errors import PerdureError

if TYPE_CHECKING:
    from activities.store.interface import Store

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
    return [python_check(), *store_checks(profile), *server_checks(profile), *agent_checks(), *package_checks()]


def python_check() -> Check:
    """Return whether this Python is new enough."""
    version = platform.python_version()
    if sys.version_info >= LOWEST_PYTHON:
        return Check("python", "ok", f"{version} at {sys.executable}")
    return Check("python", "failed", f"{version} is too old", "install Python 3.11 or newer")


def store_checks(profile: str | None) -> list[Check]:
    """Return whether there is a store, and what this user may do with it: each permission is tried."""
    try:
        store = offline_store(profile)
        return [_store_check(store), *_permission_checks(store)]
    except Problem as problem:
        return [Check("store", "failed", problem.message, problem.remedy)]
    except PerdureError as error:
        return [Check("store", "failed", getattr(error, "message", str(error)), getattr(error, "remedy", None))]


def _store_check(store: Store) -> Check:
    name = project(os.environ)
    return Check("store", "ok", store.location if name is None else f"{store.location} (project `{name}`)")


def _permission_checks(store: Store) -> list[Check]:
    from activities.store.permissions import LINK, may_read, may_write, try_permissions

    found = try_permissions(store)
    checks: list[Check] = []
    for one in found:
        if one.is_given:
            checks.append(Check(f"store: {one.name}", "ok", one.message))
            continue
        is_needed = not may_read(found) or one.name != LINK
        what, _, remedy = one.message.rpartition("; ")
        checks.append(Check(f"store: {one.name}", "failed" if is_needed else "warning", what or one.message, remedy))
    if may_read(found) and not may_write(found):
        checks = [
            Check(one.name, "warning" if one.state == "failed" else one.state, one.message, one.remedy)
            for one in checks
        ]
        checks.append(
            Check("store: role", "warning", machine_words.STORE_READ_ONLY, machine_words.STORE_READ_ONLY_REMEDY)
        )
    return checks


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
            yield Check(provider, "warning", machine_words.no_agent(program), machine_words.agent_remedy(provider))


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
