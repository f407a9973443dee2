"""Clocks: the real one waits, the virtual one is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import anyio
import pytest

from headwater.storage.clock import SystemClock, VirtualClock, from_microseconds, to_microseconds

START = datetime(2026, 3, 1, 6, tzinfo=UTC)


def test_microseconds_are_exact_both_ways() -> None:
    at = datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

    assert from_microseconds(to_microseconds(at)) == at
    assert to_microseconds(datetime(1970, 1, 1, 1, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))) == 5


@pytest.mark.anyio
async def test_the_system_clock_sleeps_until_an_instant() -> None:
    clock = SystemClock()
    at = clock.now() + timedelta(milliseconds=5)

    await clock.sleep_until(at)

    assert clock.now() >= at
    await clock.sleep_until(at)  # already over


def test_a_virtual_clock_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock(START)
    clock.advance(90)
    clock.advance(timedelta(minutes=1))

    assert clock.now() == START + timedelta(seconds=150)
    assert clock.monotonic() == 150


@pytest.mark.anyio
async def test_sleepers_wake_each_at_its_own_instant() -> None:
    clock = VirtualClock(START)
    woken: list[tuple[str, datetime]] = []

    async def sleep(name: str, *minutes: int) -> None:
        for minute in minutes:
            await clock.sleep_until(START + timedelta(minutes=minute))
            woken.append((name, clock.now()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sleep, "a", 10, 25)
        tasks.start_soon(sleep, "b", 20)
        await clock.run_until(START + timedelta(minutes=30))

    minutes = [(name, (at - START) // timedelta(minutes=1)) for name, at in woken]
    assert minutes == [("a", 10), ("b", 20), ("a", 25)]
    assert clock.now() == START + timedelta(minutes=30)


@pytest.mark.anyio
async def test_a_cancelled_sleeper_is_no_deadline_any_more() -> None:
    clock = VirtualClock(START)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep_until, START + timedelta(hours=1))
        await anyio.wait_all_tasks_blocked()
        assert clock.next_deadline == START + timedelta(hours=1)
        tasks.cancel_scope.cancel()

    assert clock.next_deadline is None
