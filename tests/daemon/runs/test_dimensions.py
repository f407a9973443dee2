"""Runs in this process over dynamic keys and several dimensions: which keys, values and files a step is given."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetExecutionContext,
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    Instance,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    build_asset_context,
    materialize,
)
from headwater.definitions.errors import InvalidInvocationError, UnknownPartition

DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")
REGIONS = StaticPartitionsDefinition(["north", "south"])
BOTH = MultiPartitionsDefinition({"region": REGIONS, "day": DAYS})
CUSTOMERS = DynamicPartitionsDefinition(name="customers")


@asset(partitions_def=BOTH)
def sales(context: AssetExecutionContext) -> Any:
    key = context.partition_key
    assert isinstance(key, MultiPartitionKey)
    return key.keys_by_dimension["region"], context.partition_time_window.start.day


@asset(partitions_def=DAYS)
def day(sales: Any) -> Any:
    return sales


@asset(partitions_def=BOTH)
def share(context: AssetExecutionContext, day: Any) -> Any:
    return context.asset_partition_key_for_input("day"), day


@asset(partitions_def=CUSTOMERS)
def profile(context: AssetExecutionContext) -> Any:
    return context.partition_key.upper()


@asset
def everybody(profile: Any) -> Any:
    return profile


def test_a_step_knows_the_keys_of_its_dimensions_and_its_window() -> None:
    with Instance.ephemeral() as instance:
        result = materialize([sales], partition_key="2024-01-02|south", instance=instance)
        assert result.output_for_node("sales") == ("south", 2)
        again = materialize([sales], partition_key=MultiPartitionKey({"day": "2024-01-03", "region": "north"}))
        assert again.output_for_node("sales") == ("north", 3)


def test_one_dimension_reads_all_combinations_with_its_key_and_they_read_it() -> None:
    with Instance.ephemeral() as instance:
        for region in ("north", "south"):
            materialize([sales], partition_key=f"2024-01-02|{region}", instance=instance)
        materialize([sales], partition_key="2024-01-03|south", instance=instance)
        made = materialize([sales, day], selection="day", partition_key="2024-01-02", instance=instance)
        both = {"2024-01-02|north": ("north", 2), "2024-01-02|south": ("south", 2)}
        assert made.output_for_node("day") == both
        read = materialize([sales, day, share], selection="share", partition_key="2024-01-02|north", instance=instance)
        assert read.output_for_node("share") == ("2024-01-02", both)


def test_values_of_combinations_are_in_a_folder_for_each_dimension(tmp_path: Path) -> None:
    with Instance.local(tmp_path) as instance:
        materialize([sales], partition_key="2024-01-02|south", instance=instance)
    stored = tmp_path / "storage" / "sales" / "2024-01-02" / "south"
    assert pickle.loads(stored.read_bytes()) == ("south", 2)


@pytest.mark.parametrize("key", ["2024-01-02", "2024-01-02|west", "2024-02-01|north", "north|2024-01-02"])
def test_a_combination_that_does_not_exist_is_refused(key: str) -> None:
    with pytest.raises(UnknownPartition, match="partitions of 2 dimensions"):
        materialize([sales], partition_key=key)


def test_a_dynamic_key_has_to_be_in_the_log() -> None:
    with Instance.ephemeral() as instance:
        instance.add_dynamic_partitions("customers", ["ann", "bob"])
        with pytest.raises(UnknownPartition, match=r"2 keys were added as 'customers'.*'ann', 'bob'"):
            materialize([profile], partition_key="eve", instance=instance)
        with pytest.raises(InvalidInvocationError, match="partition_key='bob'"):
            materialize([profile], instance=instance)
        for key in ("bob", "ann"):
            materialize([profile], partition_key=key, instance=instance)
        read = materialize([profile, everybody], selection="everybody", instance=instance)
        assert read.output_for_node("everybody") == {"ann": "ANN", "bob": "BOB"}
        instance.delete_dynamic_partition("customers", "bob")
        read = materialize([profile, everybody], selection="everybody", instance=instance)
        assert read.output_for_node("everybody") == "ANN"


def test_keys_are_added_and_deleted_once() -> None:
    with Instance.ephemeral() as instance:
        instance.add_dynamic_partitions("customers", ["b", "a", "b"])
        instance.add_dynamic_partitions("customers", ["a", "c"])
        assert instance.get_dynamic_partitions("customers") == ["b", "a", "c"]
        assert instance.has_dynamic_partition("customers", "a")
        instance.delete_dynamic_partition("customers", "a")
        instance.delete_dynamic_partition("customers", "a")
        assert not instance.has_dynamic_partition("customers", "a")
        assert CUSTOMERS.get_partition_keys(dynamic_partitions_store=instance) == ["b", "c"]
        assert instance.log.head().offset == 3


def test_a_direct_call_takes_a_combination() -> None:
    assert sales(build_asset_context(partition_key="2024-01-03|north")) == ("north", 3)
