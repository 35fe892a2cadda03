import asyncio

import pytest

from client.testing.virtual_time import Standstill, VirtualTimeLoop


def stuck():
    raise Standstill("stuck")


def run(coroutine, on_standstill=stuck):
    loop = VirtualTimeLoop(on_standstill)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def test_time_jumps_when_everybody_sleeps():
    async def sleepers():
        order = []

        async def sleeper(name, seconds):
            await asyncio.sleep(seconds)
            order.append((name, asyncio.get_running_loop().time()))

        await asyncio.gather(sleeper("b", 7200), sleeper("a", 60), sleeper("c", 30 * 86400))
        return order

    assert run(sleepers()) == [("a", 60), ("b", 7200), ("c", 30 * 86400)]


def test_timeout_comes_when_its_time_has_passed():
    async def late():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.sleep(3601)
        return asyncio.get_running_loop().time()

    assert run(late()) == 3600


def test_time_is_exact_when_it_is_centuries():
    async def long_sleeps():
        loop = asyncio.get_running_loop()
        for _ in range(5):
            await asyncio.sleep(10 * 365 * 86400 + 0.123457)
        return loop.time()

    assert run(long_sleeps()) == pytest.approx(5 * (10 * 365 * 86400 + 0.123457), abs=1e-3)


def test_standstill_is_asked_when_nothing_will_come():
    async def never():
        await asyncio.Event().wait()

    loop = VirtualTimeLoop(stuck)
    task = loop.create_task(never())
    with pytest.raises(Standstill):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
