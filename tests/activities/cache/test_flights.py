"""Single flight: within a worker, over workers (two `Flights` on one store), and when somebody dies."""

import asyncio
from datetime import timedelta

import pytest

from activities.cache.flights import LEASES, Flights, Lead, Lease
from activities.store.interface import Store, StoreForbidden

NAME = "trusted/aa/key"
SHORT = timedelta(milliseconds=20)
LONG = timedelta(seconds=30)


def flights(store: Store, *, stale_after: timedelta = LONG, longest_wait: timedelta = LONG) -> Flights:
    return Flights(store, beat=SHORT, stale_after=stale_after, longest_wait=longest_wait)


async def lead(of: Flights, owner: str = "a", name: str = NAME) -> Lead:
    found = await of.join(name, owner)
    assert found is not None
    return found


async def until_waiting(of: Flights) -> asyncio.Task[Lead | None]:
    """Return a task that waits for another's flight: it has looked at the lease, or at the event."""
    task = asyncio.create_task(of.join(NAME, "b"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.2)
    return task


@pytest.mark.parametrize("is_same_worker", [True, False])
async def test_second_waits_until_the_first_has_landed(store: Store, is_same_worker: bool) -> None:
    here = flights(store)
    first = await lead(here)
    waiting = await until_waiting(here if is_same_worker else flights(store))
    await first.land()
    assert await waiting is None
    assert list(store.list_keys(LEASES)) == []


async def test_one_after_the_other_leads_when_nothing_comes_of_it(store: Store) -> None:
    workers = [flights(store) for _ in range(3)]
    led: list[int] = []
    at_once = 0

    async def attempt(number: int) -> None:
        nonlocal at_once
        while (mine := await workers[number % 3].join(NAME, f"run-{number}")) is None:
            pass
        at_once += 1
        assert at_once == 1
        await asyncio.sleep(0)
        at_once -= 1
        led.append(number)
        await mine.land()

    await asyncio.gather(*map(attempt, range(6)))
    assert sorted(led) == list(range(6))


async def test_others_go_on_when_names_differ(store: Store) -> None:
    here = flights(store)
    first, other = await lead(here), await lead(here, name="trusted/bb/other")
    await first.land()
    await other.land()


async def test_lease_of_a_dead_worker_is_taken_over_once(store: Store) -> None:
    dead = Lease(store, LEASES + NAME, "dead", beat=LONG.total_seconds())
    assert await dead.take() is None
    joining = [
        asyncio.create_task(flights(store, stale_after=SHORT * 20).join(NAME, f"run-{number}")) for number in range(3)
    ]
    first = await next(asyncio.as_completed(joining))
    assert first is not None
    assert sum(task.done() for task in joining) == 1
    await first.land()
    assert sorted(str(lead) for lead in await asyncio.gather(*joining) if lead is None) == ["None", "None"]
    assert list(store.list_keys(LEASES)) == []
    await dead.end()


async def test_living_worker_keeps_its_lease_by_beating(store: Store) -> None:
    first = await lead(flights(store))
    waiting = await until_waiting(flights(store, stale_after=SHORT * 5))
    assert not waiting.done()
    await first.land()
    assert await waiting is None


async def test_attempt_that_comes_again_has_its_lease_still(store: Store) -> None:
    lost = Lease(store, LEASES + NAME, "run/step/1", beat=LONG.total_seconds())
    assert await lost.take() is None
    again = await lead(flights(store), "run/step/1")
    await again.land()
    await lost.end()


async def test_worker_that_was_taken_for_dead_leaves_the_others_lease_alone(store: Store) -> None:
    slow = await lead(flights(store), "slow")
    await slow.land()
    held = Lease(store, LEASES + NAME, "slow", beat=SHORT.total_seconds())
    assert await held.take() is None
    store.write_document(LEASES + NAME, b'{"owner": "other"}')
    await held.end()
    assert store.read_document(LEASES + NAME) == b'{"owner": "other"}'


@pytest.mark.parametrize("is_same_worker", [True, False])
async def test_who_waited_too_long_goes_alone(store: Store, is_same_worker: bool) -> None:
    here = flights(store, longest_wait=SHORT)
    first = await lead(here)
    alone = await lead(here if is_same_worker else flights(store, longest_wait=SHORT), "b")
    await alone.land()
    assert len(list(store.list_keys(LEASES))) == 1
    await first.land()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"owner": 1}'])
async def test_lease_that_cannot_be_read_is_taken_when_it_is_stale(store: Store, content: bytes) -> None:
    store.write_document(LEASES + NAME, content)
    await (await lead(flights(store, stale_after=SHORT))).land()


async def test_step_goes_without_a_lease_when_the_store_refuses_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: object) -> bool:
        raise StoreForbidden("read-only")

    monkeypatch.setattr(store, "swap_document", forbid)
    here = flights(store)
    first = await lead(here)
    waiting = await until_waiting(here)
    await first.land()
    assert await waiting is None


async def test_lead_is_given_back_when_who_waits_for_it_is_cancelled(store: Store) -> None:
    first = await lead(flights(store))
    there = flights(store)
    waiting = await until_waiting(there)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await first.land()
    await (await lead(there)).land()


async def test_beat_that_fails_is_made_up_for_by_the_next(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await lead(flights(store))
    swap = store.swap_document
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def once(key: str, before: bytes | None, after: bytes) -> bool:
        if failed.is_set():
            return swap(key, before, after)
        loop.call_soon_threadsafe(failed.set)
        raise StoreForbidden("for a moment")

    monkeypatch.setattr(store, "swap_document", once)
    await failed.wait()
    await first.land()
    assert list(store.list_keys(LEASES)) == []


async def test_beating_ends_when_somebody_took_the_lease_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Lease(store, LEASES + NAME, "slow", beat=SHORT.total_seconds())
    assert await held.take() is None
    asked = asyncio.Event()
    swap, loop = store.swap_document, asyncio.get_running_loop()

    def watched(key: str, before: bytes | None, after: bytes) -> bool:
        loop.call_soon_threadsafe(asked.set)
        return swap(key, before, after)

    store.write_document(LEASES + NAME, b'{"owner": "other"}')
    monkeypatch.setattr(store, "swap_document", watched)
    await asked.wait()
    await held.end()
    assert store.read_document(LEASES + NAME) == b'{"owner": "other"}'
