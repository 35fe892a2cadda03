"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Return once `condition` holds. Raises TimeoutError where it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"`{getattr(condition, '__name__', condition)}` did not hold within {seconds} s")
        await asyncio.sleep(0.05)
