"""A step that reads windows of another length: which keys and values it is given."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetExecutionContext,
    AssetIn,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    Instance,
    LastPartitionMapping,
    TimeWindowPartitionMapping,
    asset,
    materialize,
)

HOURS = HourlyPartitionsDefinition("2024-01-01", end_date="2024-01-03")
DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03")


@asset(partitions_def=HOURS)
def hits(context: AssetExecutionContext) -> str:
    return f"hits of {context.partition_key}"


@asset(partitions_def=DAYS)
def day(context: AssetExecutionContext, hits: dict[str, str]) -> Any:
    assert list(context.asset_partition_keys_for_input("hits")) == list(hits)
    return hits


@asset(partitions_def=DAYS)
def count(context: AssetExecutionContext) -> int:
    return int(context.partition_key[-2:])


@asset(partitions_def=DAYS, ins={"count": AssetIn(partition_mapping=TimeWindowPartitionMapping(start_offset=-1))})
def change(count: Any) -> Any:
    return count


@asset(ins={"count": AssetIn(partition_mapping=LastPartitionMapping())})
def newest(count: Any) -> Any:
    return count


@pytest.fixture
def instance() -> Any:
    with Instance.ephemeral() as instance:
        for hour in ("2024-01-01-22:00", "2024-01-01-23:00", "2024-01-02-00:00", "2024-01-02-01:00"):
            materialize([hits], partition_key=hour, instance=instance)
        for key in DAYS.get_partition_keys():
            materialize([count], partition_key=key, instance=instance)
        yield instance


def test_a_day_is_given_the_hours_of_its_own_that_are_there(instance: Any) -> None:
    result = materialize([day, hits], selection=[day], partition_key="2024-01-02", instance=instance)
    assert result.output_for_node("day") == {
        "2024-01-02-00:00": "hits of 2024-01-02-00:00",
        "2024-01-02-01:00": "hits of 2024-01-02-01:00",
    }


def test_several_days_come_by_their_keys_and_one_comes_bare(instance: Any) -> None:
    values = {
        key: materialize([change, count], selection=[change], partition_key=key, instance=instance).output_for_node(
            "change"
        )
        for key in DAYS.get_partition_keys()
    }
    assert values == {"2024-01-01": 1, "2024-01-02": {"2024-01-01": 1, "2024-01-02": 2}}


def test_the_last_partition_comes_bare(instance: Any) -> None:
    result = materialize([newest, count], selection=[newest], instance=instance)
    assert result.output_for_node("newest") == 2
