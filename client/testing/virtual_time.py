"""An event loop whose clock is not the world's: where everybody waits, time jumps to what is due next.

`asyncio.sleep` and `asyncio.timeout` work as ever, so the code under it needs to know nothing. When everybody
waits and nothing will ever be due, `on_standstill` is asked; it may make something happen.
"""

import asyncio
import math
import selectors
from collections.abc import Callable

RESOLUTION = 1e-6
"""Seconds: as fine as a datetime."""


class Standstill(Exception):
    """Everybody waits, for nothing that will come."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop in which waiting costs nothing. It serves no sockets, threads or processes."""

    def __init__(self, on_standstill: Callable[[], None]) -> None:
        self._clock = _JumpingSelector(on_standstill)
        super().__init__(self._clock)

    def time(self) -> float:
        """Return the seconds that have passed; what is due within the clock's resolution of that is due now.

        A float of many years counts in parts of microseconds: with the resolution of a real clock, what is due
        would stay just ahead of the time for ever.
        """
        self._clock_resolution = max(RESOLUTION, 4 * math.ulp(self._clock.seconds))
        return self._clock.seconds


class _JumpingSelector(selectors.SelectSelector):
    """Answers the loop's waiting for the world by moving the clock."""

    def __init__(self, on_standstill: Callable[[], None]) -> None:
        super().__init__()
        self.seconds = 0.0
        self._on_standstill = on_standstill

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Pass the time that the loop wants to wait."""
        if timeout is None:
            self._on_standstill()
        elif timeout > 0:
            self.seconds += timeout
        return []
