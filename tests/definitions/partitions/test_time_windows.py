from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.definitions.errors import InvalidDefinitionError, NotYetSupported, UnknownPartition
from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    PartitionKeyRange,
    partitions_from_json,
)

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
DAILY = DailyPartitionsDefinition("2024-01-01")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# ---- which partitions exist ------------------------------------------------------------------------------------------


def test_only_complete_days_exist() -> None:
    assert DAILY.get_partition_keys(utc("2024-01-03T23:59:59.999999")) == ["2024-01-01", "2024-01-02"]
    assert DAILY.get_partition_keys(utc("2024-01-04")) == ["2024-01-01", "2024-01-02", "2024-01-03"]


def test_nothing_exists_before_the_first_day_is_over() -> None:
    for now in ("2019-06-01", "2024-01-01", "2024-01-01T23:59"):
        assert DAILY.get_partition_keys(utc(now)) == []
        assert DAILY.get_last_partition_key(utc(now)) is None
        assert DAILY.get_first_partition_key(utc(now)) is None


def test_the_end_date_is_exclusive() -> None:
    daily = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03")
    assert daily.get_partition_keys(utc("2030-01-01")) == ["2024-01-01", "2024-01-02"]
    assert daily.get_last_partition_key(utc("2030-01-01")) == "2024-01-02"
    assert not daily.has_partition_key("2024-01-03", utc("2030-01-01"))


@pytest.mark.parametrize(
    ("end_offset", "last"), [(-1, "2024-01-08"), (0, "2024-01-09"), (1, "2024-01-10"), (3, "2024-01-12")]
)
def test_an_end_offset_adds_days_that_are_not_over(end_offset: int, last: str) -> None:
    daily = DailyPartitionsDefinition("2024-01-01", end_offset=end_offset)
    assert daily.get_last_partition_key(utc("2024-01-10T12:00")) == last


def test_an_end_offset_does_not_pass_the_end_date() -> None:
    daily = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-11", end_offset=5)
    assert daily.get_last_partition_key(utc("2024-01-10T12:00")) == "2024-01-10"


def test_the_time_zone_decides_when_a_day_is_over() -> None:
    daily = DailyPartitionsDefinition("2024-01-01", timezone=NEW_YORK)
    assert daily.get_partition_keys(utc("2024-01-02T04:59")) == []
    assert daily.get_partition_keys(utc("2024-01-02T05:00")) == ["2024-01-01"]


def test_a_naive_instant_is_local() -> None:
    daily = DailyPartitionsDefinition("2024-01-01", timezone=NEW_YORK)
    assert daily.get_partition_keys(datetime(2024, 1, 2)) == ["2024-01-01"]  # noqa: DTZ001 - that is the point


def test_a_start_or_an_end_between_two_windows_is_rounded_up() -> None:
    daily = DailyPartitionsDefinition(datetime(2024, 1, 1, 5), end_date=datetime(2024, 1, 4, 5), hour_offset=2)  # noqa: DTZ001
    assert daily.get_partition_keys(utc("2030-01-01")) == ["2024-01-02", "2024-01-03", "2024-01-04"]


def test_a_date_a_datetime_and_a_string_say_the_same_day() -> None:
    starts = [date(2024, 1, 1), datetime(2024, 1, 1), "2024-01-01", datetime(2024, 1, 1, tzinfo=UTC)]  # noqa: DTZ001
    assert {DailyPartitionsDefinition(start) for start in starts} == {DAILY}


def test_an_aware_start_is_read_in_the_zone_of_the_partitions() -> None:
    daily = DailyPartitionsDefinition(datetime(2024, 1, 1, 5, tzinfo=UTC), timezone=NEW_YORK)
    assert daily.key_of(daily.first_ordinal) == "2024-01-01"


def test_a_range_includes_both_ends() -> None:
    now = utc("2024-02-01")
    assert DAILY.get_partition_keys_in_range(PartitionKeyRange("2024-01-30", "2024-01-31"), current_time=now) == [
        "2024-01-30",
        "2024-01-31",
    ]
    assert DAILY.get_partition_keys_in_range(PartitionKeyRange("2024-01-31", "2024-01-30"), current_time=now) == []
    with pytest.raises(UnknownPartition):
        DAILY.get_partition_keys_in_range(PartitionKeyRange("2024-01-31", "2024-02-01"), current_time=now)


# ---- daylight saving -------------------------------------------------------------------------------------------------


def test_a_window_that_would_start_in_the_skipped_hour_starts_after_it() -> None:
    daily = DailyPartitionsDefinition("2024-01-01", timezone=NEW_YORK, hour_offset=2, minute_offset=30)
    window = daily.window("2024-03-10")
    assert window.start.isoformat() == "2024-03-10T03:00:00-04:00"
    assert window.end.isoformat() == "2024-03-11T02:30:00-04:00"
    assert daily.window("2024-03-09").end == window.start


def test_a_window_that_starts_in_the_repeated_hour_starts_the_first_time() -> None:
    daily = DailyPartitionsDefinition("2024-01-01", timezone=NEW_YORK, hour_offset=1, minute_offset=30)
    assert daily.window("2024-11-03").start.isoformat() == "2024-11-03T01:30:00-04:00"


def test_days_have_23_or_25_hours_where_the_clock_moves() -> None:
    daily = DailyPartitionsDefinition("2024-01-01", timezone=BERLIN)

    def hours(key: str) -> float:
        window = daily.window(key)
        return (window.end.astimezone(UTC) - window.start.astimezone(UTC)) / timedelta(hours=1)

    assert [hours(key) for key in ("2024-03-30", "2024-03-31", "2024-10-27", "2024-10-28")] == [24, 23, 25, 24]


def test_a_midnight_that_does_not_exist_moves_to_the_first_instant_of_the_day() -> None:
    daily = DailyPartitionsDefinition("2018-01-01", timezone="America/Sao_Paulo")
    assert daily.window("2018-11-04").start.isoformat() == "2018-11-04T01:00:00-02:00"


def test_a_day_that_a_country_skipped_is_empty() -> None:
    window = DailyPartitionsDefinition("2011-01-01", timezone="Pacific/Apia").window("2011-12-30")
    assert window.start == window.end == datetime(2011, 12, 31, tzinfo=ZoneInfo("Pacific/Apia"))


@pytest.mark.parametrize("zone", [NEW_YORK, BERLIN, "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "UTC"])
@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (2, 30), (23, 59)])
def test_windows_meet_end_to_start_through_the_years(zone: str, hour: int, minute: int) -> None:
    daily = DailyPartitionsDefinition("2009-01-01", timezone=zone, hour_offset=hour, minute_offset=minute)
    windows = [daily.window(key) for key in daily.get_partition_keys(utc("2013-01-01"))]
    assert len(windows) > 1400
    assert all(one.end.astimezone(UTC) == other.start.astimezone(UTC) for one, other in pairwise(windows))
    assert all(window.start.astimezone(UTC) <= window.end.astimezone(UTC) for window in windows)


# ---- ordinals and boundaries -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", ["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%Y-%j", "%Y-%m-%d-%H:%M"])
def test_ordinals_and_keys_lead_to_each_other_over_decades(fmt: str) -> None:
    daily = DailyPartitionsDefinition(date(1970, 1, 1), fmt=fmt, hour_offset=2, minute_offset=30)
    keys = [daily.key_of(n) for n in range(0, 40_000, 7)]
    assert [daily.ordinal_of(key) for key in keys] == list(range(0, 40_000, 7))
    assert len(set(keys)) == len(keys)


def test_ordinals_count_from_1970_whatever_the_start() -> None:
    assert DAILY.ordinal_of("1970-01-01") == 0
    assert DAILY.ordinal_of("2024-01-01") == DailyPartitionsDefinition("2000-01-01").ordinal_of("2024-01-01") == 19723


@pytest.mark.parametrize("key", ["2024-1-5", "20240105", "2024-01-05T00:00", "2024-02-30", "1969-12-31", "x", ""])
def test_a_key_that_is_not_a_day_in_the_right_form_is_unknown(key: str) -> None:
    with pytest.raises(UnknownPartition, match="daily partitions from 2024-01-01"):
        DAILY.ordinal_of(key)
    assert not DAILY.has_partition_key(key, utc("2030-01-01"))


def test_the_space_is_shared_by_definitions_that_differ_in_their_ends_only() -> None:
    other = DailyPartitionsDefinition("2019-01-01", end_date="2025-01-01", end_offset=1)
    assert other.space == DAILY.space == "daily:UTC:%Y-%m-%d:0:0"
    variants: list[dict[str, Any]] = [{"timezone": BERLIN}, {"fmt": "%Y%m%d"}, {"hour_offset": 2}, {"minute_offset": 5}]
    for different in variants:
        assert DailyPartitionsDefinition("20240101", **different).space != DAILY.space


def test_the_next_boundary_is_the_end_of_the_day_that_runs() -> None:
    assert DAILY.next_boundary(utc("2024-05-01T12:00")) == utc("2024-05-02")
    assert DAILY.next_boundary(utc("2024-05-02")) == utc("2024-05-03")


def test_before_the_start_the_next_boundary_is_the_end_of_the_first_day() -> None:
    assert DAILY.next_boundary(utc("2020-01-01")) == utc("2024-01-02")
    assert DailyPartitionsDefinition("2024-01-01", end_offset=1).next_boundary(utc("2020-01-01")) == utc("2024-01-01")


def test_after_the_end_date_there_is_no_boundary() -> None:
    daily = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03")
    assert daily.next_boundary(utc("2024-01-02T12:00")) == utc("2024-01-03")
    assert daily.next_boundary(utc("2024-01-03")) is None


@given(
    now=st.datetimes(min_value=datetime(2015, 1, 1), max_value=datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(["UTC", NEW_YORK, BERLIN, "Australia/Lord_Howe", "America/Havana"]),
    hour=st.integers(0, 3),
    minute=st.sampled_from([0, 30]),
    end_offset=st.integers(-2, 2),
    end=st.none() | st.dates(date(2018, 1, 1), date(2020, 1, 1)),
)
def test_the_end_grows_at_the_next_boundary_and_not_before(
    now: datetime, zone: str, hour: int, minute: int, end_offset: int, end: date | None
) -> None:
    daily = DailyPartitionsDefinition(
        "2016-01-01", end, timezone=zone, hour_offset=hour, minute_offset=minute, end_offset=end_offset
    )
    boundary = daily.next_boundary(now)
    if boundary is None:
        assert daily.end_ordinal(now) == daily.end_ordinal(now + timedelta(days=3650))
        return
    assert boundary > now
    assert daily.end_ordinal(boundary - timedelta(microseconds=1)) == daily.end_ordinal(now)
    assert daily.end_ordinal(boundary) == daily.end_ordinal(now) + 1


# ---- JSON and bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "daily",
    [
        DAILY,
        DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01", timezone=BERLIN, end_offset=1),
        DailyPartitionsDefinition("01/02/2024", fmt="%d/%m/%Y", hour_offset=5, minute_offset=15),
    ],
)
def test_it_survives_json_and_pickle(daily: DailyPartitionsDefinition) -> None:
    assert partitions_from_json(json.loads(json.dumps(daily.to_json()))) == daily
    assert pickle.loads(pickle.dumps(daily)) == daily
    assert daily.to_json()["kind"] == "daily"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start_date": "yesterday"}, "not a day in the form '%Y-%m-%d', e.g. '2024-12-31'"),
        ({"start_date": 20240101}, "start_date is a date"),
        ({"start_date": "2024-01-01", "end_date": "x"}, "end_date 'x'"),
        ({"start_date": "2024-01-02", "end_date": "2024-01-02"}, "no partition between start_date"),
        ({"start_date": "2024-01-01", "timezone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"start_date": "2024-01-01", "timezone": "../etc/passwd"}, "no time zone"),
        ({"start_date": "2024-01-01", "hour_offset": 24}, "hour_offset is from 0 to 23"),
        ({"start_date": "2024-01-01", "minute_offset": -1}, "minute_offset from 0 to 59"),
        ({"start_date": "2024-01-01", "fmt": "%Y-%m"}, "does not tell one day from another"),
        ({"start_date": "2024-01-01", "fmt": "%m-%d"}, "does not tell one day from another"),
    ],
)
def test_bad_arguments_are_refused_with_a_reason(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidDefinitionError) as caught:
        DailyPartitionsDefinition(**arguments)
    assert message in str(caught.value)


def test_a_start_before_1970_is_not_supported_yet() -> None:
    with pytest.raises(NotYetSupported, match="before 1970-01-01"):
        DailyPartitionsDefinition("1969-12-31")


def test_it_describes_itself() -> None:
    daily = DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01", timezone=BERLIN)
    assert daily.describe() == "daily partitions from 2024-01-01 to 2024-01-31 (Europe/Berlin)"
