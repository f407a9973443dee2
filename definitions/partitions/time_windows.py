"""Time windows: partitions that open with the calendar, one a day.

A daily partition is the span from one local instant of the day to the same instant of the next day, named by the date
on which it starts. It exists once it is complete: yesterday is there, today is not (`end_offset=1` adds it).

Daylight saving: a start that the clock skips moves to the first instant that exists (02:30 becomes 03:00); one that
the clock repeats is the first of the two. So a day may last 23 or 25 hours; every instant is in one window.

Ordinals count days from 1970-01-01 in the definition's own zone, whatever `start_date` is: moving the start moves
nothing that is stored.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, tzinfo
from functools import cached_property

from ..errors import InvalidDefinitionError, NotYetSupported, UnknownPartition
from ..zones import first_instant, zone
from .base import JsonData, PartitionKeyRange, PartitionsDefinition, TimeWindow, utc_now

EPOCH = date(1970, 1, 1).toordinal()
ISO_DATE = "%Y-%m-%d"
_SAMPLES = (date(1999, 1, 2), date(2024, 12, 31))  # a format that keeps both apart and whole names a day


class DailyPartitionsDefinition(PartitionsDefinition):
    """One partition a day from `start_date` on, until `end_date` (exclusive) if that is given.

    A start or an end between two windows is rounded up to the next one. A naive datetime is local to `timezone`.

    >>> daily = DailyPartitionsDefinition("2013-01-01", end_date="2013-01-04")
    >>> daily.get_partition_keys()
    ['2013-01-01', '2013-01-02', '2013-01-03']
    """

    kind = "daily"

    def __init__(
        self,
        start_date: str | date | datetime,
        end_date: str | date | datetime | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        timezone: str = "UTC",
        fmt: str = ISO_DATE,
        end_offset: int = 0,
    ) -> None:
        if not (0 <= hour_offset < 24 and 0 <= minute_offset < 60):
            raise InvalidDefinitionError(
                f"hour_offset is from 0 to 23 and minute_offset from 0 to 59, not {hour_offset} and {minute_offset}"
            )
        _check_format(fmt)
        local = zone(timezone)
        self.start_date = _local(start_date, fmt, local, what="start_date")
        self.end_date = None if end_date is None else _local(end_date, fmt, local, what="end_date")
        self.minute_offset = minute_offset
        self.hour_offset = hour_offset
        self.timezone = timezone
        self.fmt = fmt
        self.end_offset = end_offset
        if self.first_ordinal < 0:
            raise NotYetSupported(
                f"start_date {start_date!r}: a daily partition before 1970-01-01",
                instead="start the partitions in 1970 or later, or use StaticPartitionsDefinition",
            )
        if self._limit is not None and self._limit <= self.first_ordinal:
            raise InvalidDefinitionError(
                f"there is no partition between start_date {start_date!r} and end_date {end_date!r}, which is exclusive"
            )

    # ---- keys ----------------------------------------------------------------------------------------------------

    def get_partition_keys(self, current_time: datetime | None = None) -> list[str]:
        return [self.key_of(n) for n in range(self.first_ordinal, self.end_ordinal(current_time or utc_now()))]

    def has_partition_key(self, key: str, current_time: datetime | None = None) -> bool:
        try:
            ordinal = self.ordinal_of(key)
        except UnknownPartition:
            return False
        return self.first_ordinal <= ordinal < self.end_ordinal(current_time or utc_now())

    def get_first_partition_key(self, current_time: datetime | None = None) -> str | None:
        return self.key_of(self.first_ordinal) if self._count(current_time) else None

    def get_last_partition_key(self, current_time: datetime | None = None) -> str | None:
        return self.key_of(self.end_ordinal(current_time or utc_now()) - 1) if self._count(current_time) else None

    def get_partition_keys_in_range(self, span: PartitionKeyRange, current_time: datetime | None = None) -> list[str]:
        for key in (span.start, span.end):
            if not self.has_partition_key(key, current_time):
                raise UnknownPartition(key, known=self.describe())
        return [self.key_of(n) for n in range(self.ordinal_of(span.start), self.ordinal_of(span.end) + 1)]

    def window(self, key: str) -> TimeWindow:
        """The span of `key`, whether that partition exists yet or not."""
        ordinal, local = self.ordinal_of(key), self._zone
        return TimeWindow(self._start(ordinal).astimezone(local), self._start(ordinal + 1).astimezone(local))

    # ---- ordinals ------------------------------------------------------------------------------------------------

    @property
    def space(self) -> str:
        return f"daily:{self.timezone}:{self.fmt}:{self.hour_offset}:{self.minute_offset}"

    def ordinal_of(self, key: str) -> int:
        """Days since 1970-01-01. Any day has one, whether or not its partition exists.

        Raises:
            UnknownPartition: `key` is not a day in the form of `fmt`, or is before 1970.
        """
        try:
            if self.fmt == ISO_DATE:  # ten times as fast as strptime
                day = date.fromisoformat(key)
            else:
                day = datetime.strptime(key, self.fmt).date()  # noqa: DTZ007 - a wall clock day, the zone is ours
        except ValueError:
            raise UnknownPartition(key, known=self.describe()) from None
        ordinal = day.toordinal() - EPOCH
        if ordinal < 0 or self.key_of(ordinal) != key:  # "2024-1-5" or "20240105": one spelling a day
            raise UnknownPartition(key, known=self.describe())
        return ordinal

    def key_of(self, ordinal: int) -> str:
        day = date.fromordinal(EPOCH + ordinal)
        if self.fmt == ISO_DATE:
            return day.isoformat()
        return datetime.combine(day, self._time_of_day).strftime(self.fmt)

    @cached_property
    def first_ordinal(self) -> int:
        return self._first_starting_at_or_after(self.start_date)

    def end_ordinal(self, now: datetime) -> int:
        """One past the newest partition that exists at `now`; `first_ordinal` if there is none yet."""
        end = self._open_window(now) + self.end_offset
        if self._limit is not None:
            end = min(end, self._limit)
        return max(end, self.first_ordinal)

    def next_boundary(self, now: datetime) -> datetime | None:
        """The next instant after `now` at which `end_ordinal` grows, in UTC; None if it never will again."""
        opening = max(self._open_window(now) + 1, self.first_ordinal - self.end_offset + 1)
        if self._limit is not None and opening + self.end_offset > self._limit:
            return None
        return self._start(opening)

    # ---- JSON and words ------------------------------------------------------------------------------------------

    def to_json(self) -> JsonData:
        return {
            "kind": "daily",
            "start_date": self.start_date.isoformat(),
            "end_date": None if self.end_date is None else self.end_date.isoformat(),
            "minute_offset": self.minute_offset,
            "hour_offset": self.hour_offset,
            "timezone": self.timezone,
            "fmt": self.fmt,
            "end_offset": self.end_offset,
        }

    @classmethod
    def from_json(cls, data: JsonData) -> DailyPartitionsDefinition:
        start, end = data["start_date"], data["end_date"]
        return cls(
            start_date=datetime.fromisoformat(start),
            end_date=None if end is None else datetime.fromisoformat(end),
            minute_offset=data["minute_offset"],
            hour_offset=data["hour_offset"],
            timezone=data["timezone"],
            fmt=data["fmt"],
            end_offset=data["end_offset"],
        )

    def describe(self) -> str:
        until = "" if self._limit is None else f" to {self.key_of(self._limit - 1)}"
        return f"daily partitions from {self.key_of(self.first_ordinal)}{until} ({self.timezone})"

    # ---- instants ------------------------------------------------------------------------------------------------

    @cached_property
    def _zone(self) -> tzinfo:
        return zone(self.timezone)

    @cached_property
    def _time_of_day(self) -> time:
        return time(self.hour_offset, self.minute_offset)

    @cached_property
    def _limit(self) -> int | None:
        """The ordinal that `end_date` excludes."""
        return None if self.end_date is None else self._first_starting_at_or_after(self.end_date)

    def _count(self, current_time: datetime | None) -> int:
        return self.end_ordinal(current_time or utc_now()) - self.first_ordinal

    def _start(self, ordinal: int) -> datetime:
        """The instant at which the window opens, in UTC: in a zone of its own, arithmetic ignores the clock's jumps."""
        wall = datetime.combine(date.fromordinal(EPOCH + ordinal), self._time_of_day)
        return first_instant(wall, self._zone)

    def _open_window(self, now: datetime) -> int:
        """The ordinal of the window that `now` is in: the first that is not complete."""
        if now.tzinfo is None:
            now = now.replace(tzinfo=self._zone)
        now = now.astimezone(UTC)
        ordinal = now.astimezone(self._zone).date().toordinal() - EPOCH
        while self._start(ordinal) > now:
            ordinal -= 1
        while self._start(ordinal + 1) <= now:
            ordinal += 1
        return ordinal

    def _first_starting_at_or_after(self, wall: datetime) -> int:
        day = wall.date().toordinal() - EPOCH
        return day if wall.time() <= self._time_of_day else day + 1


def _local(given: str | date | datetime, fmt: str, local: tzinfo, *, what: str) -> datetime:
    """`given` on the wall clock of `local`, without a zone. A str is in the form of the keys, or ISO 8601."""
    if isinstance(given, str):
        given = _parsed(given, fmt, what=what)
    if isinstance(given, datetime):
        return given.astimezone(local).replace(tzinfo=None) if given.tzinfo else given
    if isinstance(given, date):
        return datetime.combine(given, time())
    raise InvalidDefinitionError(f"{what} is a date, a datetime or a str like '2024-01-31', not {given!r}")


def _parsed(text: str, fmt: str, *, what: str) -> datetime:
    if fmt != ISO_DATE:
        with suppress(ValueError):
            return datetime.strptime(text, fmt)  # noqa: DTZ007 - a wall clock, the zone is given beside it
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        example = _SAMPLES[1].strftime(fmt)
        raise InvalidDefinitionError(f"{what} {text!r} is not a day in the form {fmt!r}, e.g. {example!r}") from None


def _check_format(fmt: str) -> None:
    if fmt == ISO_DATE:
        return
    for day in _SAMPLES:
        with suppress(ValueError):
            if datetime.strptime(day.strftime(fmt), fmt).date() == day:  # noqa: DTZ007 - only its date is looked at
                continue
        raise InvalidDefinitionError(f"fmt {fmt!r} does not tell one day from another; use e.g. {ISO_DATE!r}")
