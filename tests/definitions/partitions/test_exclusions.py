"""Windows of time that do not exist: weekends, holidays, and what reads them."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from pyroaring import BitMap

from headwater.definitions.errors import InvalidDefinitionError, UnknownPartition
from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    PartitionKeyRange,
    ScheduleType,
    TimeWindow,
    TimeWindowPartitionMapping,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
    partitions_from_json,
)
from headwater.storage.state import mappings
from headwater.storage.state.mappings import Side
from headwater.storage.state.ordinals import Spaces

NOW = datetime(2024, 1, 15, tzinfo=UTC)  # a Monday
HOLIDAY = datetime(2024, 1, 3)  # noqa: DTZ001 - local to the partitions
WORKDAYS = DailyPartitionsDefinition("2024-01-01", exclusions=["0 0 * * 6,0", HOLIDAY])


def test_windows_that_start_at_an_exclusion_do_not_exist() -> None:
    days = [1, 2, 4, 5, 8, 9, 10, 11, 12]
    assert WORKDAYS.get_partition_keys(NOW) == [f"2024-01-{day:02}" for day in days]
    assert WORKDAYS.has_partition_key("2024-01-05", NOW)
    assert not WORKDAYS.has_partition_key("2024-01-06", NOW)
    assert WORKDAYS.get_last_partition_key(NOW) == "2024-01-12"
    assert WORKDAYS.get_next_partition_key("2024-01-05", NOW) == "2024-01-08"
    assert WORKDAYS.get_prev_partition_key("2024-01-08") == "2024-01-05"
    span = PartitionKeyRange("2024-01-05", "2024-01-09")
    assert WORKDAYS.get_partition_keys_in_range(span, current_time=NOW) == ["2024-01-05", "2024-01-08", "2024-01-09"]
    with pytest.raises(UnknownPartition):
        WORKDAYS.get_partition_keys_in_range(PartitionKeyRange("2024-01-06", "2024-01-09"), current_time=NOW)


def test_the_numbering_and_the_other_windows_stay_as_they_are() -> None:
    all_days = DailyPartitionsDefinition("2024-01-01")
    assert WORKDAYS.space == all_days.space
    assert all_days != WORKDAYS
    assert WORKDAYS.window("2024-01-05") == all_days.window("2024-01-05")
    assert len(Spaces().existing(WORKDAYS, NOW)) == 9


@pytest.mark.parametrize(
    "definition",
    [
        WORKDAYS,
        HourlyPartitionsDefinition("2024-01-01", exclusions=["0 3 * * *"], end_offset=1),
        WeeklyPartitionsDefinition("2024-01-01", exclusions=[date(2024, 1, 7)]),
        MonthlyPartitionsDefinition("2023-01-01", exclusions=["0 0 1 8 *"]),
        TimeWindowPartitionsDefinition(
            "2024-01-01", "%Y-%m-%d", schedule_type=ScheduleType.DAILY, exclusions=[HOLIDAY]
        ),
        TimeWindowPartitionsDefinition(
            "2024-01-01",
            "%Y-%m-%d-%H:%M",
            cron_schedule="0 9,17 * * *",
            exclusions=["0 17 * * 5"],
            timezone="Asia/Tokyo",
        ),
    ],
)
def test_every_form_takes_them_and_survives_json(definition: TimeWindowPartitionsDefinition) -> None:
    without = type(definition).from_json({k: v for k, v in definition.to_json().items() if k != "exclusions"})
    keys, all_keys = definition.get_partition_keys(NOW), without.get_partition_keys(NOW)
    assert set(keys) < set(all_keys)
    for other in (partitions_from_json(definition.to_json()), pickle.loads(pickle.dumps(definition))):
        assert other == definition
        assert other.get_partition_keys(NOW) == keys


@settings(deadline=None)
@given(
    exclusion=st.sampled_from(["0 0 * * 6,0", "0 0 1 * *", "*/30 * * * *", "0 5 * * *", "0 0 29 2 *"]),
    first=st.integers(0, 30_000),
    count=st.integers(0, 200),
)
def test_many_at_once_are_the_same_as_one_by_one(exclusion: str, first: int, count: int) -> None:
    for kind in (DailyPartitionsDefinition, HourlyPartitionsDefinition):
        definition = kind("2024-01-01", exclusions=[exclusion], timezone="Europe/Berlin")
        found = definition.excluded(first, first + count)
        assert found == [n for n in range(first, first + count) if definition.is_excluded(n)]


def test_a_week_does_not_wait_for_its_weekend_and_a_saturday_waits_for_ever() -> None:
    spaces = Spaces()
    up = Side.of(spaces, WORKDAYS, NOW)
    weeks = Side.of(spaces, WeeklyPartitionsDefinition("2024-01-01"), NOW)
    mapping = TimeWindowPartitionMapping()
    read = mappings.required(mapping, weeks.existing, up=up, down=weeks)
    assert [up.space.key(n) for n in read] == [f"2024-01-{day:02}" for day in (8, 9, 10, 11, 12)]
    days = Side.of(spaces, DailyPartitionsDefinition("2024-01-01"), NOW)
    saturday = days.space.find("2024-01-06")
    assert saturday is not None
    assert mappings.required(mapping, BitMap([saturday]), up=up, down=days) == BitMap([saturday])
    assert not mappings.upstream(mapping, BitMap([saturday]), up=up, down=days)


def test_keys_by_instant_and_by_window() -> None:
    noon = datetime(2024, 1, 5, 12, tzinfo=UTC).timestamp()
    assert WORKDAYS.get_partition_key_for_timestamp(noon) == "2024-01-05"
    midnight = datetime(2024, 1, 5, tzinfo=UTC).timestamp()
    assert WORKDAYS.get_partition_key_for_timestamp(midnight, end_closed=True) == "2024-01-04"
    window = TimeWindow(datetime(2024, 1, 4, tzinfo=UTC), datetime(2024, 1, 9, tzinfo=UTC))
    assert WORKDAYS.get_partition_keys_in_time_window(window) == ["2024-01-04", "2024-01-05", "2024-01-08"]
    assert WORKDAYS.time_window_for_partition_key("2024-01-04").end == datetime(2024, 1, 5, tzinfo=UTC)


def test_a_cron_that_is_not_in_a_list_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="did you mean"):
        DailyPartitionsDefinition("2024-01-01", exclusions="0 0 * * 6")
    with pytest.raises(InvalidDefinitionError, match="cannot be read"):
        DailyPartitionsDefinition("2024-01-01", exclusions=["0 0 * * 9"])
