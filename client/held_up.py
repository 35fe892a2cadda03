"""What holds a run up although all is well with it: its worker waits for a store that does not answer.

Attempts say so in their heartbeats (`activities.attempts`), which the server shows with what is pending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from definitions.messages import WAITING

if TYPE_CHECKING:
    from client.connection import Connection


async def waiting_for(connection: Connection, execution_id: str) -> str | None:
    """Return what the steps of a run wait for, in words; None where nothing holds them up. Raises RPCError."""
    description = await connection.handle(execution_id).describe()
    for pending in description.raw_description.pending_activities:
        for carried in await connection.client.data_converter.decode(pending.heartbeat_details.payloads):
            match carried:
                case {**details} if isinstance(text := details.get(WAITING), str):
                    return text
                case _:
                    continue
    return None
