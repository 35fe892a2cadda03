"""`dev.json`: which server and worker run for a home folder.

Written whole and renamed into place, under the folder's lock. What cannot be read counts as absent: the leases
still say who lives.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from worker.processes import ProcessIdentity

FILE = "dev.json"


class ServerRecord(BaseModel):
    """The embedded server. Its ports are kept when it is dead: it comes back on them if it can."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    started: str
    port: int
    ui_port: int | None
    version: str
    binary: str
    namespace: str = "default"

    @property
    def identity(self) -> ProcessIdentity:
        """Who it is."""
        return ProcessIdentity(self.pid, self.started)

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str | None:
        """Its Web UI."""
        return f"http://127.0.0.1:{self.ui_port}" if self.ui_port else None


class WorkerRecord(BaseModel):
    """The embedded worker, and what it was started with."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    started: str
    address: str
    version: str
    fingerprint: str
    task_queue: str
    store: str

    @property
    def identity(self) -> ProcessIdentity:
        """Who it is."""
        return ProcessIdentity(self.pid, self.started)


class DevRecord(BaseModel):
    """What runs for a home folder, as last written."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    server: ServerRecord | None = None
    worker: WorkerRecord | None = None


def read(home: Path) -> DevRecord:
    """Return the record; an empty one where there is none that can be read."""
    try:
        return DevRecord.model_validate_json((home / FILE).read_bytes(), strict=True)
    except (OSError, ValidationError):
        return DevRecord()


def write(home: Path, record: DevRecord) -> None:
    """Write the record, atomically."""
    draft = home / f"{FILE}.{os.getpid()}"
    try:
        draft.write_text(record.model_dump_json(indent=2))
        draft.replace(home / FILE)
    finally:
        draft.unlink(missing_ok=True)
