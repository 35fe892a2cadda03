"""What a lock was sent and has not looked at, in order.

A claim that says again what the same execution's last unread message says asks for nothing more: it is dropped, so that
one who asks again and again is answered once and holds nobody else up.
"""

from collections import deque
from collections.abc import Iterable

from definitions.locks import Claim, Release, Unread


class Inbox:
    """Messages to be read, first come, first read."""

    def __init__(self, carried: Iterable[Unread]) -> None:
        self._messages: deque[Claim | Release] = deque()
        self._last: dict[str, Claim | Release] = {}
        """The last unread message of each execution."""
        for unread in carried:
            self.put(unread.acquire)
            self.put(unread.release)

    def __bool__(self) -> bool:
        return bool(self._messages)

    def put(self, message: Claim | Release | None) -> None:
        """Take a message, unless it says again what is to be read already."""
        if message is None or self._last.get(message.execution_id) == message:
            return
        self._messages.append(message)
        self._last[message.execution_id] = message

    def take(self) -> Claim | Release:
        """Return the next message, which is read by this."""
        message = self._messages.popleft()
        if self._last.get(message.execution_id) is message:
            del self._last[message.execution_id]
        return message

    def unread(self) -> list[Unread]:
        """Return what is to be read, for continue-as-new."""
        return [
            Unread(acquire=message) if isinstance(message, Claim) else Unread(release=message)
            for message in self._messages
        ]
