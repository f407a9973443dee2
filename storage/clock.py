"""The clock as an argument: what time it is, and waiting for an instant.

Nothing in headwater asks the machine for the time by itself, so that a test or a simulation can run years in a second.
`now` is civil time in UTC and may be set back by an administrator; `monotonic` measures how long something took.
"""

from __future__ import annotations

import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import anyio
import anyio.lowlevel

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LONGEST_SLEEP_S = 30.0  # then the clock is read again: it may have been set, or the machine may have slept


def to_microseconds(at: datetime) -> int:
    """`at` as microseconds since 1970 in UTC, exactly."""
    return (at - EPOCH) // MICROSECOND


def from_microseconds(timestamp: int) -> datetime:
    return EPOCH + timedelta(microseconds=timestamp)


class Clock(Protocol):
    def now(self) -> datetime:
        """This instant, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    async def sleep_until(self, at: datetime) -> None:
        """Return once `now() >= at`."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep_until(self, at: datetime) -> None:
        await anyio.lowlevel.checkpoint()
        while (left_s := (at - self.now()).total_seconds()) > 0:  # noqa: ASYNC110  nobody tells us of a clock that was set
            await anyio.sleep(min(left_s, LONGEST_SLEEP_S))


class VirtualClock:
    """A clock that stands still until a test moves it.

    `advance` moves it and wakes whoever is due, without letting them run; `run_until` goes from one deadline to the
    next and lets everybody run until all are blocked before it goes on, so that each sleeper wakes at its own instant.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = self._now = start.astimezone(UTC)
        self._sleepers: list[tuple[datetime, int, anyio.Event]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    async def sleep_until(self, at: datetime) -> None:
        await anyio.lowlevel.checkpoint()
        if at <= self._now:
            return
        sleeper = (at, next(self._order), anyio.Event())
        heapq.heappush(self._sleepers, sleeper)
        try:
            await sleeper[2].wait()
        finally:
            if sleeper in self._sleepers:  # cancelled before its instant
                self._sleepers.remove(sleeper)
                heapq.heapify(self._sleepers)

    @property
    def next_deadline(self) -> datetime | None:
        """The earliest instant that somebody sleeps until."""
        return self._sleepers[0][0] if self._sleepers else None

    def advance(self, by: timedelta | float) -> None:
        """Move on by a duration, or a number of seconds."""
        self.set(self._now + (by if isinstance(by, timedelta) else timedelta(seconds=by)))

    def set(self, at: datetime) -> None:
        """Move to `at`; backwards too, as an administrator can."""
        self._now = at.astimezone(UTC)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            heapq.heappop(self._sleepers)[2].set()

    async def run_until(self, at: datetime) -> None:
        """Move to `at` from deadline to deadline, each time until all other tasks wait for something."""
        await anyio.wait_all_tasks_blocked()
        while (due := self.next_deadline) is not None and due <= at:
            self.set(due)
            await anyio.wait_all_tasks_blocked()
        self.set(at)
        await anyio.wait_all_tasks_blocked()
