"""Rhythms: the calendar that offsets or a cron schedule describe.

A cron that says no more than "every hour", "one day a week" and so on gives the same calendar as the named rhythm, so
that both share their ordinals.
"""

from __future__ import annotations

from datetime import time
from enum import Enum

from ..errors import InvalidDefinitionError
from .calendars import Calendar, DailyCalendar, HourlyCalendar
from .day_rules import CronDays, DayRule, EveryDay, MonthDay, WeekDay


class ScheduleType(Enum):
    """How often a window of time opens."""

    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


def calendar_of(
    rhythm: ScheduleType,
    timezone: str,
    *,
    minute_offset: int | None = None,
    hour_offset: int | None = None,
    day_offset: int | None = None,
) -> Calendar:
    """The calendar of a named rhythm. `day_offset` is 0 (Sunday) to 6 in a week, 1 to 31 in a month."""
    minute, hour = minute_offset or 0, hour_offset or 0
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise InvalidDefinitionError(
            f"hour_offset is from 0 to 23 and minute_offset from 0 to 59, not {hour} and {minute}"
        )
    if rhythm is ScheduleType.HOURLY:
        if hour or day_offset:
            raise InvalidDefinitionError("hourly windows have a minute_offset only: leave the other offsets out")
        return HourlyCalendar(f"hourly:{minute}", timezone, [minute])
    at, suffix = [time(hour, minute)], f"{hour}:{minute}"
    if rhythm is ScheduleType.DAILY:
        if day_offset:
            raise InvalidDefinitionError("daily windows have no day_offset: leave it out")
        return DailyCalendar(f"daily:{suffix}", "day", timezone, at, EveryDay())
    if rhythm is ScheduleType.WEEKLY:
        if not 0 <= (weekday := day_offset or 0) < 7:
            raise InvalidDefinitionError(f"the day_offset of a week is from 0 (Sunday) to 6, not {weekday}")
        return DailyCalendar(f"weekly:{weekday}:{suffix}", "week", timezone, at, WeekDay(weekday))
    number = 1 if day_offset is None else day_offset
    if not 1 <= number <= 31:
        raise InvalidDefinitionError(f"the day_offset of a month is from 1 to 31, not {number}")
    days = MonthDay(number) if number <= 28 else CronDays(f"{number} * *")  # months that have the day
    return DailyCalendar(f"monthly:{number}:{suffix}", "month", timezone, at, days)


def calendar_of_cron(schedule: str, timezone: str) -> Calendar:
    """The calendar of a cron schedule of five fields."""
    from datetime import datetime

    from cronsim import CronSim, CronSimError

    fields = schedule.upper().split()
    if len(fields) != 5:
        raise InvalidDefinitionError(
            f"cron_schedule {schedule!r} has {len(fields)} fields instead of five: minute, hour, day, month, weekday"
        )
    try:
        cron = CronSim(schedule, datetime(2000, 1, 1))  # noqa: DTZ001 - its fields are read, it does not run
    except CronSimError as exc:
        raise InvalidDefinitionError(f"cron_schedule {schedule!r} cannot be read: {exc}") from exc
    days, months = (cron.days if len(cron.days) < 31 else None), (cron.months if len(cron.months) < 12 else None)
    weekdays = {day if isinstance(day, tuple) else day % 7 for day in cron.weekdays}
    weekday = None if len(weekdays) == 7 else weekdays
    daily = days is None and months is None and weekday is None
    if daily and len(cron.hours) == 24:
        if len(cron.minutes) == 1:
            return calendar_of(ScheduleType.HOURLY, timezone, minute_offset=min(cron.minutes))
        return HourlyCalendar(f"cron:{' '.join(fields)}", timezone, sorted(cron.minutes))
    if len(cron.hours) == len(cron.minutes) == 1:
        hour, minute = min(cron.hours), min(cron.minutes)
        kind = _named(days, months, weekday)
        if kind is not None:
            return calendar_of(kind[0], timezone, minute_offset=minute, hour_offset=hour, day_offset=kind[1])
    times = [time(hour, minute) for hour in cron.hours for minute in cron.minutes]
    rule: DayRule = EveryDay() if daily else CronDays(" ".join(fields[2:]))
    return DailyCalendar(f"cron:{' '.join(fields)}", "window", timezone, times, rule)


def _named(days: set | None, months: set | None, weekdays: set | None) -> tuple[ScheduleType, int | None] | None:
    """The named rhythm of the day fields of a cron, with its day offset; None where there is none."""
    if months is not None:
        return None
    if days is None and weekdays is None:
        return ScheduleType.DAILY, None
    if days is None and weekdays is not None and len(weekdays) == 1 and isinstance(day := min(weekdays), int):
        return ScheduleType.WEEKLY, day
    if weekdays is None and days is not None and len(days) == 1 and (number := min(days)) > 0:
        return ScheduleType.MONTHLY, number
    return None
