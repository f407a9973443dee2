"""The calendars of all rhythms, against what the clock and the calendar on the wall say."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from headwater.definitions.errors import InvalidDefinitionError, UnknownPartition
from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    ScheduleType,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
    partitions_from_json,
)

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
ZONES = ["UTC", NEW_YORK, BERLIN, "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana"]
ISO_HOUR = "%Y-%m-%d-%H:%M"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron(schedule: str, timezone: str = "UTC", start: str = "2024-01-01") -> TimeWindowPartitionsDefinition:
    return TimeWindowPartitionsDefinition(start, ISO_HOUR, cron_schedule=schedule, timezone=timezone)


KINDS = [
    HourlyPartitionsDefinition("2024-01-01", minute_offset=15, timezone=NEW_YORK),
    DailyPartitionsDefinition("2024-01-01", timezone=BERLIN, hour_offset=2, minute_offset=30),
    WeeklyPartitionsDefinition("2024-01-01", "2025-01-01", day_offset=1, timezone=BERLIN),
    MonthlyPartitionsDefinition("2024-01-01", day_offset=31, fmt="%Y%m%d"),
    MonthlyPartitionsDefinition("2024-01", fmt="%Y-%m", day_offset=5),
    TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", schedule_type=ScheduleType.WEEKLY, end_offset=1),
    cron("*/15 * * * *", NEW_YORK),
    cron("0 9,17 * * 1-5", NEW_YORK),
    cron("30 6 L * *"),
]


# ---- each rhythm -----------------------------------------------------------------------------------------------------


def test_hours_are_named_by_their_start_and_exist_once_they_are_over() -> None:
    hourly = HourlyPartitionsDefinition("2024-01-01-22:00")
    assert hourly.get_partition_keys(utc("2024-01-02T00:59")) == ["2024-01-01-22:00", "2024-01-01-23:00"]
    assert hourly.get_last_partition_key(utc("2024-01-02T01:00")) == "2024-01-02-00:00"


def test_the_hour_that_occurs_twice_is_two_partitions() -> None:
    hourly = HourlyPartitionsDefinition("2024-11-03", "2024-11-04", timezone=NEW_YORK)
    keys = hourly.get_partition_keys(utc("2025-01-01"))
    assert len(set(keys)) == 25
    assert keys[:4] == ["2024-11-03-00:00", "2024-11-03-01:00", "2024-11-03-01:00-0500", "2024-11-03-02:00"]
    assert hourly.window("2024-11-03-01:00").end.astimezone(UTC) == utc("2024-11-03T06:00")
    assert hourly.window("2024-11-03-01:00-0500").start.astimezone(UTC) == utc("2024-11-03T06:00")


def test_the_hour_that_does_not_occur_is_no_partition() -> None:
    hourly = HourlyPartitionsDefinition("2024-03-10", "2024-03-11", timezone=NEW_YORK)
    keys = hourly.get_partition_keys(utc("2025-01-01"))
    assert len(keys) == 23
    assert keys[1:3] == ["2024-03-10-01:00", "2024-03-10-03:00"]
    for unknown in ("2024-03-10-02:00", "2024-03-10-01:00-0500", "2024-03-10-1:00", "2024-03-10-01:30"):
        with pytest.raises(UnknownPartition):
            hourly.ordinal_of(unknown)


def test_weeks_open_on_sunday_unless_told_otherwise() -> None:
    now = utc("2024-01-23")
    assert WeeklyPartitionsDefinition("2024-01-01").get_partition_keys(now) == ["2024-01-07", "2024-01-14"]
    on_monday = WeeklyPartitionsDefinition("2024-01-01", day_offset=1)
    assert on_monday.get_partition_keys(now) == ["2024-01-01", "2024-01-08", "2024-01-15"]


def test_months_open_on_a_day_of_theirs_and_only_where_they_have_it() -> None:
    now = utc("2024-06-10")
    keys = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"]
    assert MonthlyPartitionsDefinition("2024-01-01").get_partition_keys(now) == keys
    last_days = MonthlyPartitionsDefinition("2024-01-01", day_offset=31)
    assert last_days.get_partition_keys(now) == ["2024-01-31", "2024-03-31"]


def test_a_key_of_months_need_not_name_the_day() -> None:
    monthly = MonthlyPartitionsDefinition("2024-01", fmt="%Y-%m", day_offset=5)
    assert monthly.get_partition_keys(utc("2024-04-05")) == ["2024-01", "2024-02", "2024-03"]
    assert monthly.window("2024-02").start == utc("2024-02-05")


def test_a_cron_opens_a_window_at_each_tick() -> None:
    keys = cron("0 9,17 * * 1-5").get_partition_keys(utc("2024-01-08T12:00"))  # a Monday
    assert keys[:2] == ["2024-01-01-09:00", "2024-01-01-17:00"]
    assert keys[-2:] == ["2024-01-05-09:00", "2024-01-05-17:00"]


@pytest.mark.parametrize(
    ("schedule", "named"),
    [
        ("15 * * * *", HourlyPartitionsDefinition("2024-01-01", minute_offset=15)),
        ("30 2 * * *", DailyPartitionsDefinition("2024-01-01", hour_offset=2, minute_offset=30, fmt=ISO_HOUR)),
        ("0 0 * * MON", WeeklyPartitionsDefinition("2024-01-01", day_offset=1, fmt=ISO_HOUR)),
        ("0 0 5 * *", MonthlyPartitionsDefinition("2024-01-01", day_offset=5, fmt=ISO_HOUR)),
    ],
)
def test_a_cron_that_says_a_named_rhythm_shares_its_ordinals(
    schedule: str, named: TimeWindowPartitionsDefinition
) -> None:
    assert cron(schedule).space == named.space
    assert cron(schedule, BERLIN).space != named.space


@pytest.mark.parametrize(
    "schedule",
    ["*/20 * * * *", "0 9,17 * * 1-5", "0 6 31 * *", "0 0 29 2 *", "5 4 1,15 * *", "0 12 L * *", "0 0 * * 5#1"],
)
def test_windows_of_a_cron_open_when_it_ticks(schedule: str) -> None:
    definition = cron(schedule, start="2019-06-15")
    ticks = iter(CronSim(schedule, datetime(2019, 6, 14, 23, 59, tzinfo=UTC)))
    n = definition.first_ordinal
    for ordinal in range(n, n + 300):
        assert definition.window_at(ordinal).start == next(ticks)


# ---- numbering -------------------------------------------------------------------------------------------------------


@given(kind=st.sampled_from(KINDS), now=st.datetimes(datetime(1975, 1, 1), datetime(2060, 1, 1)))  # noqa: DTZ001
def test_each_instant_is_in_one_window_whose_key_leads_back(
    kind: TimeWindowPartitionsDefinition, now: datetime
) -> None:
    instant = int(now.replace(tzinfo=UTC).timestamp())
    ordinal = kind.calendar.at(instant)
    assert kind.calendar.start(ordinal) <= instant < kind.calendar.start(ordinal + 1)
    assert kind.ordinal_of(kind.key_of(ordinal)) == ordinal


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("schedule", ["0 * * * *", "30 1 * * *", "0 2 * * 0", "0 0 1 * *", "0 1,2,3 * * *"])
def test_windows_meet_and_keys_are_distinct_through_the_years(schedule: str, zone: str) -> None:
    definition = cron(schedule, zone)
    first = definition.first_ordinal
    windows = [definition.window_at(n) for n in range(first, first + 800)]
    assert all(one.end.astimezone(UTC) == other.start.astimezone(UTC) for one, other in pairwise(windows))
    keys = [definition.key_of(n) for n in range(first, first + 20_000, 41)]
    assert [definition.ordinal_of(key) for key in keys] == list(range(first, first + 20_000, 41))


@pytest.mark.parametrize("kind", KINDS)
def test_ordinals_do_not_depend_on_the_start(kind: TimeWindowPartitionsDefinition) -> None:
    data = kind.to_json()
    name = "start" if "start" in data else "start_date"
    other = partitions_from_json({**data, name: "2001-05-17T00:00:00"})
    assert isinstance(other, TimeWindowPartitionsDefinition)
    assert other.space == kind.space
    key = kind.key_of(kind.first_ordinal)
    assert other.ordinal_of(key) == kind.ordinal_of(key)


@given(
    kind=st.sampled_from(KINDS),
    now=st.datetimes(datetime(2023, 10, 1), datetime(2025, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_end_grows_at_the_next_boundary_and_not_before(kind: TimeWindowPartitionsDefinition, now: datetime) -> None:
    boundary = kind.next_boundary(now)
    if boundary is None:
        assert kind.end_ordinal(now) == kind.end_ordinal(now + timedelta(days=3650))
        return
    assert boundary > now
    assert kind.end_ordinal(boundary - timedelta(microseconds=1)) == kind.end_ordinal(now)
    assert kind.end_ordinal(boundary) == kind.end_ordinal(now) + 1


def test_a_start_in_the_hour_that_occurs_twice_can_be_the_second() -> None:
    start = datetime(2024, 11, 3, 1, tzinfo=ZoneInfo(NEW_YORK), fold=1)
    hourly = HourlyPartitionsDefinition(start, timezone=NEW_YORK)
    assert hourly.get_first_partition_key(utc("2025-01-01")) == "2024-11-03-01:00-0500"


# ---- JSON and bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_it_survives_json_and_pickle(kind: TimeWindowPartitionsDefinition) -> None:
    assert partitions_from_json(json.loads(json.dumps(kind.to_json()))) == kind
    assert pickle.loads(pickle.dumps(kind)) == kind


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HourlyPartitionsDefinition("2024-01-01", fmt="%Y-%m-%d"), "does not tell one hour from another"),
        (lambda: HourlyPartitionsDefinition("2024-01-01", minute_offset=60), "minute_offset from 0 to 59"),
        (lambda: WeeklyPartitionsDefinition("2024-01-01", day_offset=7), "0 (Sunday) to 6"),
        (lambda: MonthlyPartitionsDefinition("2024-01-01", day_offset=0), "from 1 to 31"),
        (lambda: cron("0 0 * *"), "has 4 fields instead of five"),
        (lambda: cron("61 0 * * *"), "cannot be read"),
        (lambda: TimeWindowPartitionsDefinition("2024-01-01", ISO_HOUR), "a schedule_type or a cron_schedule"),
        (
            lambda: TimeWindowPartitionsDefinition("2024-01-01", ISO_HOUR, cron_schedule="0 0 * * *", hour_offset=1),
            "leave the offsets out",
        ),
    ],
)
def test_bad_arguments_are_refused_with_a_reason(make: Any, message: str) -> None:
    with pytest.raises(InvalidDefinitionError) as caught:
        make()
    assert message in str(caught.value)


def test_it_describes_itself() -> None:
    assert HourlyPartitionsDefinition("2024-01-01").describe() == "hourly partitions from 2024-01-01-00:00 (UTC)"
    assert cron("0 9 * * 1-5").describe() == "'0 9 * * 1-5' partitions from 2024-01-01-09:00 (UTC)"
