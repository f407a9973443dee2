"""Calendars: how windows of time are numbered, in both directions and without counting them.

A calendar numbers all windows of one rhythm in one zone from 1970 on, whatever the start of a definition is. There are
two kinds:

    HourlyCalendar  windows of elapsed time: an hour that the clock repeats is two windows, one that it skips is none
    DailyCalendar   windows that open at times of the wall clock, on all days or on those of a `DayRule`: a start that
                    the clock skips moves to the first instant that exists, one that it repeats is the first of the two

Instants are whole seconds UTC since 1970. In the few zones whose clock moves by less than an hour, hours of elapsed
time begin at the minute that fits the offset of 2024-01-01.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from itertools import pairwise

from ..zones import first_instant, zone
from .day_rules import EPOCH, DayRule

MOMENT_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
HOUR, DAY = 3_600, 86_400


class Calendar(ABC):
    """The windows of one rhythm in one time zone. Negative ordinals are windows before 1970."""

    def __init__(self, name: str, unit: str, timezone: str) -> None:
        """`name` says the rhythm in a fingerprint, `unit` names one window in a message."""
        self.name: str = name
        self.unit: str = unit
        self.timezone: str = timezone

    period: int | None = None
    """The seconds that every window lasts; None where they differ."""

    @abstractmethod
    def start(self, ordinal: int) -> int:
        """The instant at which a window opens."""

    @abstractmethod
    def at(self, instant: int) -> int:
        """The ordinal of the window that `instant` is in."""

    @abstractmethod
    def wall(self, ordinal: int) -> datetime:
        """What the clock on the wall shows when a window opens, without a zone; fold=1 the second time it does."""

    @abstractmethod
    def first_from(self, wall: datetime) -> int:
        """The first window that opens when the clock shows `wall`, or later."""

    def first_starting(self, instant: int) -> int:
        """The first window that opens at `instant`, or later."""
        ordinal = self.at(instant)
        return ordinal if self.start(ordinal) == instant else ordinal + 1

    @abstractmethod
    def candidates(self, wall: datetime, offset: timedelta | None) -> Sequence[int]:
        """The windows that a key can mean which was read as `wall`, at `offset` from UTC if it named one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and (self.name, self.timezone) == (other.name, other.timezone)

    def __hash__(self) -> int:
        return hash((self.name, self.timezone))

    @cached_property
    def zone(self) -> tzinfo:
        return zone(self.timezone)

    def local(self, instant: int) -> datetime:
        return datetime.fromtimestamp(instant, self.zone)


class HourlyCalendar(Calendar):
    """Windows that open at the `minutes` of every elapsed hour."""

    def __init__(self, name: str, timezone: str, minutes: Sequence[int]) -> None:
        super().__init__(name, "hour" if len(minutes) == 1 else "window", timezone)
        self._seconds = tuple(sorted(minute * 60 for minute in minutes))
        self._per_hour = len(self._seconds)
        lengths = {end - start for start, end in pairwise((*self._seconds, self._seconds[0] + HOUR))}
        self.period: int | None = lengths.pop() if len(lengths) == 1 else None

    @cached_property
    def _phase(self) -> int:
        """How many seconds before a full hour UTC the clock on the wall shows one."""
        if self.zone is UTC:
            return 0
        offset = datetime(2024, 1, 1, tzinfo=self.zone).utcoffset() or timedelta()
        return int(offset.total_seconds()) % HOUR

    def start(self, ordinal: int) -> int:
        hour, place = divmod(ordinal, self._per_hour)
        return hour * HOUR + self._seconds[place] - self._phase

    def at(self, instant: int) -> int:
        hour, second = divmod(instant + self._phase, HOUR)
        return hour * self._per_hour + bisect_right(self._seconds, second) - 1

    def wall(self, ordinal: int) -> datetime:
        return self.local(self.start(ordinal)).replace(tzinfo=None)

    def first_from(self, wall: datetime) -> int:
        instant = _seconds(wall.replace(tzinfo=self.zone))
        ordinal = self.at(instant)
        return ordinal if self.start(ordinal) == instant and not wall.microsecond else ordinal + 1

    def candidates(self, wall: datetime, offset: timedelta | None) -> Sequence[int]:
        if offset is None:
            instant = _seconds(wall.replace(tzinfo=self.zone))
        else:
            instant = _seconds(wall.replace(tzinfo=UTC)) - int(offset.total_seconds())
        ordinal = self.at(instant)
        return ordinal, ordinal + 1  # the one behind it, where the form of the keys leaves the minute out


class DailyCalendar(Calendar):
    """Windows that open at the `times` of the day, on the days of `days`."""

    def __init__(self, name: str, unit: str, timezone: str, times: Sequence[time], days: DayRule) -> None:
        super().__init__(name, unit, timezone)
        self._times, self._days, self._per_day = tuple(sorted(times)), days, len(times)
        if timezone == "UTC" and days.every is not None and self._per_day == 1:
            self.period: int | None = days.every * DAY

    def start(self, ordinal: int) -> int:
        index, place = divmod(ordinal, self._per_day)
        day, at = self._days.day(index), self._times[place]
        if self.zone is UTC:
            return day * DAY + at.hour * HOUR + at.minute * 60
        return _seconds(first_instant(datetime.combine(date.fromordinal(EPOCH + day), at), self.zone))

    def at(self, instant: int) -> int:
        wall = self.local(instant)
        ordinal = self._opened(wall.toordinal() - EPOCH, wall.time())
        while self.start(ordinal) > instant:
            ordinal -= 1
        while self.start(ordinal + 1) <= instant:
            ordinal += 1
        return ordinal

    def opens_on(self, ordinal: int) -> date:
        """The day on which a window opens."""
        return date.fromordinal(EPOCH + self._days.day(ordinal // self._per_day))

    def wall(self, ordinal: int) -> datetime:
        index, place = divmod(ordinal, self._per_day)
        return datetime.combine(date.fromordinal(EPOCH + self._days.day(index)), self._times[place])

    def first_from(self, wall: datetime) -> int:
        day = wall.toordinal() - EPOCH
        index = self._days.index(day)
        if self._days.day(index) != day:
            return (index + 1) * self._per_day
        return index * self._per_day + bisect_left(self._times, wall.time())

    def candidates(self, wall: datetime, offset: timedelta | None) -> Sequence[int]:
        day = wall.toordinal() - EPOCH
        if self._per_day == 1:  # the time of the day need not stand in the key
            return (self._days.meant(day),)
        return (self._opened(day, wall.time()),)

    def _opened(self, day: int, at: time) -> int:
        """The last window that opens by the wall clock up to a time of a day."""
        index = self._days.index(day)
        if self._days.day(index) != day:
            return (index + 1) * self._per_day - 1
        return index * self._per_day + bisect_right(self._times, at) - 1


def _seconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - MOMENT_ZERO) // timedelta(seconds=1)
