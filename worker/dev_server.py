"""The embedded Temporal server: started on a database file, bound to 127.0.0.1, in a session of its own.

A lease on the database, held by the server's process for its life, keeps a second server off it. Ports 7233 and
8233 are taken when free, else the ones it had before, else any. A server is ours only if our process is the one
that listens.
"""

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from definitions.errors import EnvironmentUnfit
from definitions.messages import SEARCH_ATTRIBUTES
from worker import dev_record, leases, log_files, processes
from worker.dev_record import ServerRecord
from worker.processes import ProcessIdentity
from worker.server_binary import ServerBinary, find_binary
from worker.tuning import SQLITE_PRAGMAS, TUNING, applicable

__all__ = [
    "NAMESPACE",
    "RETENTION",
    "TUNING",
    "PortTaken",
    "Ports",
    "find_binary",
    "holder",
    "launch",
    "stop",
    "wait_ready",
]

NAMESPACE = "default"
RETENTION = timedelta(days=90)
"""How long closed runs are kept; a dev server's own default is one day."""
PORT = 7233
UI_PORT = 8233

_DATABASE = "temporal.db"
_LEASE = "server.lock"
_START_LIMIT = timedelta(seconds=60)
_STOP_GRACE = timedelta(seconds=3)
"""It waits for open connections, and loses nothing when ended hard: every answered commit is on the disk."""


class PortTaken(EnvironmentUnfit):
    """Another process took the port between our look and the server's start."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a server listens; no `ui`: it has no Web UI."""

    server: int
    ui: int | None


def launch(
    home: Path, binary: ServerBinary, environment: Mapping[str, str], before: ServerRecord | None = None
) -> ServerRecord:
    """Start the server's process and return its record; `wait_ready` tells when it answers.

    Raises:
        EnvironmentUnfit: the database is held by a server that does not let go.
        OSError: the home folder cannot be written.
    """
    lease = leases.take(home / _LEASE, timedelta(seconds=5))
    if lease is None:
        raise EnvironmentUnfit(f"the database in `{home}` is held by another server", "run `perdure dev stop`")
    try:
        ports = choose_ports(before)
        log = log_file(home)
        log_files.bound(log)
        identity = processes.start_detached(
            server_arguments(binary, home / _DATABASE, ports),
            log=log,
            environment=server_environment(environment),
            folder=home,
            keep=[lease],
        )
        leases.sign(lease, identity)
    finally:
        os.close(lease)
    return ServerRecord(
        pid=identity.pid,
        started=identity.started,
        port=ports.server,
        ui_port=ports.ui,
        version=binary.text,
        binary=str(binary.path),
        namespace=NAMESPACE,
    )


def wait_ready(home: Path, server: ServerRecord, limit: timedelta = _START_LIMIT) -> None:
    """Wait until the server's own process listens on its port.

    Raises:
        PortTaken: starting it again, on another port, will help.
        EnvironmentUnfit: it ended, or does not listen in time; quotes its log.
    """
    deadline = time.monotonic() + limit.total_seconds()
    while processes.is_alive(server.identity):
        if is_listening(server.port) and processes.owns_listener(server.pid, server.port) is not False:
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    log = log_file(home)
    last = log_files.tail(log, 2) or "it left no message"
    kind = PortTaken if "address already in use" in last else EnvironmentUnfit
    raise kind(f"the Temporal server did not start: {last}", f"see `{log}`; `perdure doctor` checks this machine")


def stop(home: Path, server: ServerRecord | None) -> bool:
    """End the server of a home folder, also one that only its lease tells of. Return whether one ran."""
    known = {identity for identity in (server and server.identity, holder(home)) if identity}
    running = [identity for identity in known if processes.is_alive(identity)]
    for identity in running:
        processes.end(identity, _STOP_GRACE)
    return bool(running)


def holder(home: Path) -> ProcessIdentity | None:
    """Return the living server that holds the database's lease, if there is one."""
    signer = leases.signed_by(home / _LEASE)
    return signer if signer and processes.is_alive(signer) else None


def is_taken_over(home: Path) -> bool:
    """Whether the port of the home's server is served by a process that is not the home's server.

    Another home's server may take the port of one that was killed; its runs are not for our worker.
    """
    server = dev_record.read(home).server
    if server is None:
        return False
    ours = holder(home)
    if ours is not None and processes.owns_listener(ours.pid, server.port) is not False:
        return False
    return is_listening(server.port)


def is_listening(port: int) -> bool:
    """Whether something listens on 127.0.0.1:`port`."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def log_file(home: Path) -> Path:
    """Return the path of the server's log."""
    return home / "logs" / "server.log"


def choose_ports(before: ServerRecord | None) -> Ports:
    """Return ports for a server: those it had, else the usual ones, else free ones."""
    had = (before.port, before.ui_port) if before else (None, None)
    port = _first_free(had[0], PORT)
    return Ports(port, _first_free(had[1], UI_PORT, but=port))


def free_port() -> int:
    """Return a port that nobody listens on now."""
    return _first_free()


def server_arguments(binary: ServerBinary, database: Path, ports: Ports) -> list[str]:
    """Return the command line of a server."""
    argv = [str(binary.path), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(ports.server)]
    argv += ["--ui-port", str(ports.ui)] if ports.ui else ["--headless"]
    argv += ["--db-filename", str(database), "--log-level", "warn", "--log-format", "json"]
    for name, value, _ in SQLITE_PRAGMAS:
        argv += ["--sqlite-pragma", f"{name}={value}"]
    for setting in applicable(binary.version):
        argv += ["--dynamic-config-value", f"{setting.key}={setting.value}"]
    for name, kind in SEARCH_ATTRIBUTES.items():
        argv += ["--search-attribute", f"{name}={kind}"]
    return argv


def server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the server's environment: ours without what the Temporal CLI would read as its own settings."""
    return {name: value for name, value in environment.items() if not name.startswith("TEMPORAL_")}


def _first_free(*wanted: int | None, but: int | None = None) -> int:
    for port in wanted:
        if port and port != but and _is_free(port):
            return port
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port != but:
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True
