"""Time windows: partitions that open with the calendar.

A partition is the span from one opening to the next, named by what the clock on the wall shows when it opens. It exists
once it is complete: yesterday is there, today is not (`end_offset=1` adds it).

Daylight saving: days, weeks and months that would open at a time which the clock skips open at the first instant that
exists (02:30 becomes 03:00), and at the first of two where the clock repeats one. Hours are elapsed hours: on the day
on which an hour occurs twice there are 25, the second of the two with its offset behind its key
("2024-11-03-01:00-0500"), and 23 on the day on which one is skipped.

Ordinals are those of the calendar (`calendars.py`): they count windows from 1970 in the definition's own zone, whatever
the start is, so moving the start moves nothing that is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from ..errors import InvalidDefinitionError, NotYetSupported, UnknownPartition
from .base import (
    DynamicPartitionsStore,
    JsonData,
    PartitionKeyRange,
    PartitionsDefinition,
    TimeWindow,
    utc_now,
)
from .calendars import MOMENT_ZERO, Calendar, DailyCalendar
from .exclusions import Exclusions
from .key_forms import ISO_DATE, ISO_HOUR, local_wall, read_key
from .rhythms import ScheduleType, calendar_of, calendar_of_cron

_SAMPLES = (datetime(1999, 1, 2, 11, 44, tzinfo=UTC), datetime(2024, 12, 31, 17, 58, tzinfo=UTC))


class TimeWindowPartitionsDefinition(PartitionsDefinition):
    """The windows between the ticks of a rhythm, from `start` on, until `end` (exclusive) if that is given.

    The rhythm is `schedule_type` with offsets, or a cron schedule. A start or an end between two windows is rounded up
    to the next one. A naive datetime is local to `timezone`; a str is in the form `fmt`, or ISO 8601.

    >>> halves = TimeWindowPartitionsDefinition(
    ...     start="2024-01-01", end="2024-01-02", fmt="%Y-%m-%d-%H:%M", cron_schedule="0 0,12 * * *"
    ... )
    >>> halves.get_partition_keys()
    ['2024-01-01-00:00', '2024-01-01-12:00']
    """

    kind = "time_window"

    def __init__(
        self,
        start: str | date | datetime,
        fmt: str,
        end: str | date | datetime | None = None,
        schedule_type: ScheduleType | None = None,
        timezone: str | None = None,
        end_offset: int = 0,
        minute_offset: int | None = None,
        hour_offset: int | None = None,
        day_offset: int | None = None,
        cron_schedule: str | None = None,
        exclusions: Sequence[str | date | datetime] | None = None,
    ) -> None:
        if (schedule_type is None) == (cron_schedule is None):
            raise InvalidDefinitionError(f"{type(self).__name__}: give a schedule_type or a cron_schedule, one of them")
        if cron_schedule is not None and (minute_offset, hour_offset, day_offset) != (None, None, None):
            raise InvalidDefinitionError(
                f"cron_schedule {cron_schedule!r} says itself when windows open: leave the offsets out"
            )
        self.fmt: str = fmt
        self.timezone: str = timezone or "UTC"
        self.end_offset: int = end_offset
        self.schedule_type: ScheduleType | None = schedule_type
        self.cron_schedule: str | None = cron_schedule
        self._offsets = {"minute_offset": minute_offset, "hour_offset": hour_offset, "day_offset": day_offset}
        if cron_schedule is not None:
            self.calendar: Calendar = calendar_of_cron(cron_schedule, self.timezone)
        else:
            assert schedule_type is not None
            self.calendar = calendar_of(schedule_type, self.timezone, **self._offsets)
        local = self.calendar.zone
        self._check_format()
        self.start: datetime = local_wall(start, fmt, local, what=self._word("start"))
        self.end: datetime | None = None if end is None else local_wall(end, fmt, local, what=self._word("end"))
        self.exclusions: Exclusions | None = Exclusions(exclusions, self.calendar, fmt) if exclusions else None
        if self.first_ordinal < 0:
            raise NotYetSupported(
                f"{self._word('start')} {start!r}: a {self._rhythm} partition before 1970-01-01",
                instead="start the partitions in 1970 or later, or use StaticPartitionsDefinition",
            )
        if self._limit is not None and self._limit <= self.first_ordinal:
            raise InvalidDefinitionError(
                f"there is no partition between {self._word('start')} {start!r} and {self._word('end')} {end!r}, which "
                "is exclusive"
            )

    # ---- keys ----------------------------------------------------------------------------------------------------

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[str]:
        return self._keys(self.first_ordinal, self.end_ordinal(current_time or utc_now()))

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        try:
            ordinal = self.ordinal_of(partition_key)
        except UnknownPartition:
            return False
        in_bounds = self.first_ordinal <= ordinal < self.end_ordinal(current_time or utc_now())
        return in_bounds and not self.is_excluded(ordinal)

    def get_first_partition_key(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> str | None:
        ordinals = range(self.first_ordinal, self.end_ordinal(current_time or utc_now()))
        return next((self.key_of(n) for n in ordinals if not self.is_excluded(n)), None)

    def get_last_partition_key(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> str | None:
        ordinals = range(self.first_ordinal, self.end_ordinal(current_time or utc_now()))
        return next((self.key_of(n) for n in reversed(ordinals) if not self.is_excluded(n)), None)

    def get_partition_keys_in_range(
        self,
        partition_key_range: PartitionKeyRange,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
        *,
        current_time: datetime | None = None,
    ) -> list[str]:
        for key in partition_key_range:
            if not self.has_partition_key(key, current_time):
                raise UnknownPartition(key, known=self.describe())
        start, end = partition_key_range
        return self._keys(self.ordinal_of(start), self.ordinal_of(end) + 1)

    def get_partition_keys_in_time_window(self, time_window: TimeWindow) -> list[str]:
        """The keys of the windows that start in `time_window`."""
        calendar = self.calendar
        first, end = (calendar.first_starting(int(self._aware(at).timestamp())) for at in time_window)
        return self._keys(max(first, self.first_ordinal), min(end, end if self._limit is None else self._limit))

    def get_partition_key_for_timestamp(self, timestamp: float, end_closed: bool = False) -> str:
        """The key of the window that an instant, in seconds since 1970, is in; with `end_closed` a boundary belongs to
        the window that it ends."""
        ordinal = self.calendar.at(int(timestamp))
        if end_closed and self.calendar.start(ordinal) == timestamp:
            ordinal -= 1
        return self.key_of(ordinal)

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """The span of a partition, whether it exists yet or not."""
        return self.window(partition_key)

    def start_time_for_partition_key(self, partition_key: str) -> datetime:
        return self.window(partition_key).start

    def get_first_partition_window(self, current_time: datetime | None = None) -> TimeWindow | None:
        """The span of the first partition that exists at `current_time` (default: now)."""
        key = self.get_first_partition_key(current_time)
        return None if key is None else self.window(key)

    def get_last_partition_window(self, current_time: datetime | None = None) -> TimeWindow | None:
        """The span of the last partition that exists at `current_time` (default: now)."""
        key = self.get_last_partition_key(current_time)
        return None if key is None else self.window(key)

    def get_next_partition_key(self, partition_key: str, current_time: datetime | None = None) -> str | None:
        """The key behind `partition_key`, if that exists at `current_time` (default: now)."""
        ordinals = range(self.ordinal_of(partition_key) + 1, self.end_ordinal(current_time or utc_now()))
        return next((self.key_of(n) for n in ordinals if not self.is_excluded(n)), None)

    def get_prev_partition_key(self, partition_key: str) -> str | None:
        """The key before `partition_key`, if there is one."""
        ordinals = range(self.first_ordinal, self.ordinal_of(partition_key))
        return next((self.key_of(n) for n in reversed(ordinals) if not self.is_excluded(n)), None)

    def window(self, key: str) -> TimeWindow:
        """The span of `key`, whether that partition exists yet or not."""
        return self.window_at(self.ordinal_of(key))

    @property
    def time_windows(self) -> tuple[TimeWindowPartitionsDefinition, ...]:
        return (self,)

    def is_excluded(self, ordinal: int) -> bool:
        """Whether there is no partition of a window in spite of start and end: `exclusions` name its start."""
        return self.exclusions is not None and self.exclusions.has(ordinal)

    def excluded(self, first: int, end: int) -> list[int]:
        """The ordinals from `first` on, without `end`, that `exclusions` name."""
        return [] if self.exclusions is None else self.exclusions.among(first, end)

    def _keys(self, first: int, end: int) -> list[str]:
        excluded = set(self.excluded(first, end))
        return [self.key_of(n) for n in range(first, end) if n not in excluded]

    def _aware(self, moment: datetime) -> datetime:
        return moment if moment.tzinfo else moment.replace(tzinfo=self.calendar.zone)

    # ---- ordinals ------------------------------------------------------------------------------------------------

    @property
    def space(self) -> str:
        return self._space

    @cached_property
    def _space(self) -> str:
        rhythm, _, rest = self.calendar.name.partition(":")
        return f"{rhythm}:{self.timezone}:{self.fmt}:{rest}"

    def ordinal_of(self, key: str) -> int:
        """The number of the window that is called `key`, whether or not that partition exists.

        Raises:
            UnknownPartition: `key` is not in the form of `fmt`, no window opens then, or it is before 1970.
        """
        for ordinal in self._meant(key):
            if ordinal >= 0 and self.key_of(ordinal) == key:  # "2024-1-5" or "20240105": one spelling a window
                return ordinal
        raise UnknownPartition(key, known=self.describe())

    def key_of(self, ordinal: int) -> str:
        if self.fmt == ISO_DATE and isinstance(self.calendar, DailyCalendar):  # several times as fast as strftime
            return self.calendar.opens_on(ordinal).isoformat()
        wall = self.calendar.wall(ordinal)
        if self.fmt == ISO_DATE:
            key = wall.date().isoformat()
        elif self.fmt == ISO_HOUR:
            iso = wall.isoformat(timespec="minutes")
            key = f"{iso[:10]}-{iso[11:]}"
        else:
            key = wall.strftime(self.fmt)
        if wall.fold:
            key += self.calendar.local(self.calendar.start(ordinal)).strftime("%z")
        return key

    def window_at(self, ordinal: int) -> TimeWindow:
        """The span of a window, as aware datetimes in the zone of the partitions."""
        calendar = self.calendar
        return TimeWindow(calendar.local(calendar.start(ordinal)), calendar.local(calendar.start(ordinal + 1)))

    @cached_property
    def first_ordinal(self) -> int:
        return self.calendar.first_from(self.start)

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
        return MOMENT_ZERO + timedelta(seconds=self.calendar.start(opening))

    # ---- JSON and words ------------------------------------------------------------------------------------------

    def to_json(self) -> JsonData:
        return {
            "kind": self.kind,
            "start": self.start.isoformat(),
            "end": None if self.end is None else self.end.isoformat(),
            "fmt": self.fmt,
            "timezone": self.timezone,
            "end_offset": self.end_offset,
            "schedule_type": self.schedule_type and self.schedule_type.value,
            "cron_schedule": self.cron_schedule,
            **self._offsets,
            **self._exclusions_json(),
        }

    def _exclusions_json(self) -> JsonData:
        return {} if self.exclusions is None else {"exclusions": self.exclusions.to_json()}

    @classmethod
    def from_json(cls, data: JsonData) -> TimeWindowPartitionsDefinition:
        given = {name: value for name, value in data.items() if name != "kind"}
        given["start"] = datetime.fromisoformat(given["start"])
        given["end"] = given["end"] and datetime.fromisoformat(given["end"])
        given["exclusions"] = Exclusions.from_json(given.get("exclusions", ()))
        given["schedule_type"] = given["schedule_type"] and ScheduleType(given["schedule_type"])
        return cls(**given)

    def describe(self) -> str:
        until = "" if self._limit is None else f" to {self.key_of(self._limit - 1)}"
        without = "" if self.exclusions is None else ", with exclusions"
        return f"{self._rhythm} partitions from {self.key_of(self.first_ordinal)}{until} ({self.timezone}{without})"

    @property
    def _rhythm(self) -> str:
        return self.calendar.name.partition(":")[0] if self.cron_schedule is None else f"{self.cron_schedule!r}"

    def _word(self, end: str) -> str:
        """What the signature calls the start or the end."""
        return end

    # ---- instants ------------------------------------------------------------------------------------------------

    @cached_property
    def _limit(self) -> int | None:
        """The ordinal that `end` excludes."""
        return None if self.end is None else self.calendar.first_from(self.end)

    def _open_window(self, now: datetime) -> int:
        """The ordinal of the window that `now` is in: the first that is not complete."""
        return self.calendar.at((self._aware(now) - MOMENT_ZERO) // timedelta(seconds=1))

    def _meant(self, key: str) -> tuple[int, ...]:
        """The windows that `key` may be the name of."""
        try:
            return tuple(self.calendar.candidates(*read_key(key, self.fmt)))
        except (ValueError, OverflowError):
            return ()

    def _check_format(self) -> None:
        for sample in _SAMPLES:
            ordinal = self.calendar.at((sample - MOMENT_ZERO) // timedelta(seconds=1))
            key = self.key_of(ordinal)
            if not any(n == ordinal and self.key_of(n) == key for n in self._meant(key)):
                good = ISO_HOUR if self.calendar.unit in {"hour", "window"} else ISO_DATE
                raise InvalidDefinitionError(
                    f"fmt {self.fmt!r} does not tell one {self.calendar.unit} from another; use e.g. {good!r}"
                )
