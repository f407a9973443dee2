"""Day rules: on which days windows open, numbered from 1970-01-01 by arithmetic.

Days are counted from 1970-01-01, which is day 0. The days of a cron depend on nothing but whether a year is a leap year
and on which weekday it begins, so fourteen lists of days, each made once, serve all years.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from calendar import isleap
from datetime import UTC, date, datetime

EPOCH = date(1970, 1, 1).toordinal()
_FIRST_YEAR = 1900  # crons are numbered down to here, so that windows just before 1970 have their (negative) ordinals


class DayRule(ABC):
    """Some days, in order: day number `index(d)` is the last of them up to the day d."""

    every: int | None = None
    """The days from one to the next, where that never differs."""

    @abstractmethod
    def day(self, index: int) -> int: ...

    @abstractmethod
    def index(self, day: int) -> int: ...

    def meant(self, day: int) -> int:
        """The index that a key means which was read as `day`: a key of months need not name the day."""
        return self.index(day)


class EveryDay(DayRule):
    every: int | None = 1

    def day(self, index: int) -> int:
        return index

    def index(self, day: int) -> int:
        return day


class WeekDay(DayRule):
    """One day a week: 0 is Sunday, 6 is Saturday."""

    every: int | None = 7

    def __init__(self, weekday: int) -> None:
        self._first = (weekday - 4) % 7  # 1970-01-01 was a Thursday

    def day(self, index: int) -> int:
        return index * 7 + self._first

    def index(self, day: int) -> int:
        return (day - self._first) // 7


class MonthDay(DayRule):
    """One day a month that every month has: from 1 to 28."""

    def __init__(self, number: int) -> None:
        assert 1 <= number <= 28, number
        self._number = number

    def day(self, index: int) -> int:
        year, month = divmod(index, 12)
        return date(1970 + year, month + 1, self._number).toordinal() - EPOCH

    def index(self, day: int) -> int:
        at = date.fromordinal(EPOCH + day)
        return (at.year - 1970) * 12 + at.month - 1 - (at.day < self._number)

    def meant(self, day: int) -> int:
        at = date.fromordinal(EPOCH + day)
        return (at.year - 1970) * 12 + at.month - 1


class CronDays(DayRule):
    """The days of a cron: `days` is its third to fifth field, e.g. "* * MON-FRI"."""

    def __init__(self, days: str) -> None:
        self._cron = f"0 0 {days}"
        self._kinds: dict[tuple[bool, int], list[int]] = {}
        self._before = [0]
        """How many of the days lie before each year from `_FIRST_YEAR` on."""

    def day(self, index: int) -> int:
        count = index + self._count_before(1970)
        year = _FIRST_YEAR
        while self._before[-1] <= count:
            self._count_before(_FIRST_YEAR + len(self._before))
        year = _FIRST_YEAR + bisect_right(self._before, count) - 1
        return _new_year(year) + self._of_year(year)[count - self._before[year - _FIRST_YEAR]]

    def index(self, day: int) -> int:
        year = date.fromordinal(EPOCH + day).year
        found = self._count_before(year) + bisect_right(self._of_year(year), day - _new_year(year))
        return found - 1 - self._count_before(1970)

    def _count_before(self, year: int) -> int:
        while len(self._before) <= year - _FIRST_YEAR:
            self._before.append(self._before[-1] + len(self._of_year(_FIRST_YEAR + len(self._before) - 1)))
        return self._before[year - _FIRST_YEAR]

    def _of_year(self, year: int) -> list[int]:
        """The days, counted from New Year."""
        kind = isleap(year), date(year, 1, 1).weekday()
        days = self._kinds.get(kind)
        if days is None:
            days = self._kinds[kind] = list(self._walk(year))
        return days

    def _walk(self, year: int) -> list[int]:
        from cronsim import CronSim

        found: list[int] = []
        for at in CronSim(self._cron, datetime(year - 1, 12, 31, 12, tzinfo=UTC)):
            if at.year > year:
                break
            found.append(at.toordinal() - EPOCH - _new_year(year))
        return found


def _new_year(year: int) -> int:
    return date(year, 1, 1).toordinal() - EPOCH
