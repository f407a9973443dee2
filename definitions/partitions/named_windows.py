"""The named forms of time windows: hourly, daily, weekly and monthly partitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import ClassVar

from .base import JsonData
from .exclusions import Exclusions
from .key_forms import ISO_DATE, ISO_HOUR
from .rhythms import ScheduleType
from .time_windows import TimeWindowPartitionsDefinition


class _NamedWindows(TimeWindowPartitionsDefinition):
    """What the named forms share: their ends are called `start_date` and `end_date`, and they have no cron."""

    kind = "named_windows"
    offsets: ClassVar[tuple[str, ...]] = ("minute_offset", "hour_offset")

    @property
    def start_date(self) -> datetime:
        return self.start

    @property
    def end_date(self) -> datetime | None:
        return self.end

    @property
    def minute_offset(self) -> int:
        return self._offsets["minute_offset"] or 0

    @property
    def hour_offset(self) -> int:
        return self._offsets["hour_offset"] or 0

    def to_json(self) -> JsonData:
        return {
            "kind": self.kind,
            "start_date": self.start.isoformat(),
            "end_date": None if self.end is None else self.end.isoformat(),
            **{name: self._offsets[name] for name in self.offsets},
            "timezone": self.timezone,
            "fmt": self.fmt,
            "end_offset": self.end_offset,
            **self._exclusions_json(),
        }

    @classmethod
    def from_json(cls, data: JsonData) -> _NamedWindows:
        given = {name: value for name, value in data.items() if name != "kind"}
        given["exclusions"] = Exclusions.from_json(given.get("exclusions", ()))
        given["start_date"] = datetime.fromisoformat(given["start_date"])
        given["end_date"] = given["end_date"] and datetime.fromisoformat(given["end_date"])
        return cls(**given)

    def _word(self, end: str) -> str:
        return f"{end}_date"


class HourlyPartitionsDefinition(_NamedWindows):
    """One partition an hour from `start_date` on, until `end_date` (exclusive) if that is given.

    >>> hourly = HourlyPartitionsDefinition("2024-01-01-22:00", end_date="2024-01-02-00:00")
    >>> hourly.get_partition_keys()
    ['2024-01-01-22:00', '2024-01-01-23:00']
    """

    kind = "hourly"
    offsets: ClassVar[tuple[str, ...]] = ("minute_offset",)

    def __init__(
        self,
        start_date: str | date | datetime,
        end_date: str | date | datetime | None = None,
        minute_offset: int = 0,
        timezone: str | None = None,
        fmt: str = ISO_HOUR,
        end_offset: int = 0,
        exclusions: Sequence[str | date | datetime] | None = None,
    ) -> None:
        super().__init__(
            start_date,
            fmt,
            end_date,
            ScheduleType.HOURLY,
            timezone,
            end_offset,
            minute_offset=minute_offset,
            exclusions=exclusions,
        )


class DailyPartitionsDefinition(_NamedWindows):
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
        timezone: str | None = None,
        fmt: str = ISO_DATE,
        end_offset: int = 0,
        exclusions: Sequence[str | date | datetime] | None = None,
    ) -> None:
        super().__init__(
            start_date,
            fmt,
            end_date,
            ScheduleType.DAILY,
            timezone,
            end_offset,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            exclusions=exclusions,
        )


class WeeklyPartitionsDefinition(_NamedWindows):
    """One partition a week, opening on the weekday `day_offset`: 0 is Sunday, 6 is Saturday.

    >>> weekly = WeeklyPartitionsDefinition("2024-01-01", end_date="2024-01-20", day_offset=1)
    >>> weekly.get_partition_keys()
    ['2024-01-01', '2024-01-08', '2024-01-15']
    """

    kind = "weekly"
    offsets: ClassVar[tuple[str, ...]] = ("minute_offset", "hour_offset", "day_offset")

    def __init__(
        self,
        start_date: str | date | datetime,
        end_date: str | date | datetime | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 0,
        timezone: str | None = None,
        fmt: str = ISO_DATE,
        end_offset: int = 0,
        exclusions: Sequence[str | date | datetime] | None = None,
    ) -> None:
        super().__init__(
            start_date,
            fmt,
            end_date,
            ScheduleType.WEEKLY,
            timezone,
            end_offset,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
            exclusions=exclusions,
        )


class MonthlyPartitionsDefinition(_NamedWindows):
    """One partition a month, opening on its day number `day_offset`; a month without that day opens none.

    >>> monthly = MonthlyPartitionsDefinition("2024-01-15", end_date="2024-04-01")
    >>> monthly.get_partition_keys()
    ['2024-02-01', '2024-03-01']
    """

    kind = "monthly"
    offsets: ClassVar[tuple[str, ...]] = ("minute_offset", "hour_offset", "day_offset")

    def __init__(
        self,
        start_date: str | date | datetime,
        end_date: str | date | datetime | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 1,
        timezone: str | None = None,
        fmt: str = ISO_DATE,
        end_offset: int = 0,
        exclusions: Sequence[str | date | datetime] | None = None,
    ) -> None:
        super().__init__(
            start_date,
            fmt,
            end_date,
            ScheduleType.MONTHLY,
            timezone,
            end_offset,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
            exclusions=exclusions,
        )
