"""The record of a run with as little as possible running: the store where it has ended, the server where not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.connection import offline_store, run_connected
from client.runs import NoAnswer, current_status, no_answer, recorded_status
from definitions.statuses import ENDED, Status

if TYPE_CHECKING:
    from activities.store.interface import Store
    from client.connection import Connection


def status_and_store(execution_id: str, profile: str | None) -> tuple[Status, Store]:
    """Return the status record of a run and the store of its files.

    Raises:
        Problem: there is no such run, or it lives and cannot be asked.
    """
    store = offline_store(profile)
    recorded = recorded_status(store, execution_id)
    if recorded is not None and recorded.status in ENDED:
        return recorded, store

    async def asked(connection: Connection) -> Status:
        try:
            return await current_status(connection, execution_id)
        except NoAnswer as error:
            raise no_answer(execution_id) from error

    return run_connected(asked, profile), store
