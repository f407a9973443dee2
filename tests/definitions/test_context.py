"""Contexts: partitions, inputs, resources and metadata as the user's function sees them."""

from __future__ import annotations

import pytest

from headwater.definitions.context import AssetCheckExecutionContext, AssetExecutionContext, build_asset_context
from headwater.definitions.errors import InvalidInvocationError
from headwater.definitions.keys import AssetKey
from headwater.definitions.partitions import DailyPartitionsDefinition, PartitionKeyRange, StaticPartitionsDefinition

ORDERS = AssetKey("orders")


def test_a_step_of_one_partition_has_a_key_and_a_window() -> None:
    daily = DailyPartitionsDefinition("2026-01-01", timezone="Europe/Paris")
    context = AssetExecutionContext(asset_key=ORDERS, partition_keys=["2026-03-29"], partitions_def=daily)
    assert context.has_partition_key
    assert context.partition_key == "2026-03-29"
    window = context.partition_time_window
    assert window.start.isoformat() == "2026-03-29T00:00:00+01:00"
    assert window.end.isoformat() == "2026-03-30T00:00:00+02:00"


def test_a_step_without_partition_says_what_to_do() -> None:
    context = AssetExecutionContext(asset_key=ORDERS)
    assert not context.has_partition_key
    with pytest.raises(
        InvalidInvocationError, match="asset 'orders' has no partition: give the asset a partitions_def"
    ):
        _ = context.partition_key


def test_a_step_of_several_partitions_has_keys_and_a_range_but_no_single_key() -> None:
    context = AssetExecutionContext(
        asset_key=ORDERS, partition_keys=["a", "b", "c"], partitions_def=StaticPartitionsDefinition(["a", "b", "c"])
    )
    assert context.partition_keys == ("a", "b", "c")
    assert context.partition_key_range == PartitionKeyRange("a", "c")
    with pytest.raises(InvalidInvocationError, match=r"3 partitions: use context\.partition_keys"):
        _ = context.partition_key
    with pytest.raises(InvalidInvocationError, match="is no window of time"):
        _ = context.partition_time_window


def test_the_keys_of_an_input_are_those_handed_to_the_step() -> None:
    context = build_asset_context(input_partition_keys={"raw": ["2026-01-01"], "lake/all": ["a", "b"]})
    assert context.asset_partition_key_for_input("raw") == "2026-01-01"
    assert context.asset_partition_keys_for_input("lake/all") == ("a", "b")
    with pytest.raises(InvalidInvocationError, match="input 'lake/all' has 2 partitions"):
        context.asset_partition_key_for_input("lake/all")
    with pytest.raises(InvalidInvocationError, match=r"'other' is no partitioned input.*'raw', 'lake/all'"):
        context.asset_partition_keys_for_input("other")


def test_resources_are_attributes_and_a_missing_one_is_named() -> None:
    context = build_asset_context(resources={"database": 5})
    assert context.resources.database == context.resources["database"] == 5
    with pytest.raises(AttributeError, match=r"there is no resource 'databse'. Did you mean 'database'"):
        _ = context.resources.databse


def test_metadata_is_merged_and_only_for_the_steps_own_asset() -> None:
    context = build_asset_context(asset_key="orders")
    context.add_output_metadata({"rows": 1, "note": "x"})
    context.add_asset_metadata({"rows": 2}, asset_key="orders")
    assert {name: value.value for name, value in context.added_metadata.items()} == {"rows": 2, "note": "x"}
    with pytest.raises(InvalidInvocationError, match="metadata for 'other' cannot be added in the step of 'orders'"):
        context.add_asset_metadata({"rows": 2}, asset_key="other")


def test_the_context_of_a_check_knows_its_check_and_partition() -> None:
    context = AssetCheckExecutionContext(asset_key=ORDERS, check_name="fresh", partition_keys=["a"])
    assert (context.check_name, context.partition_key, context.log.name) == ("fresh", "a", "headwater.step")


def test_a_built_context_takes_one_way_of_naming_partitions() -> None:
    with pytest.raises(InvalidInvocationError, match="not both"):
        build_asset_context(partition_key="a", partition_keys=["a"])
    with pytest.raises(InvalidInvocationError, match="pass asset_key"):
        _ = build_asset_context().asset_key


def test_the_instance_of_a_context_is_opened_once_and_when_it_is_asked_for() -> None:
    opened: list[object] = []

    def instance() -> object:
        opened.append(object())
        return opened[-1]

    context = AssetExecutionContext(asset_key=ORDERS, instance=instance)
    assert opened == []
    assert context.instance is context.instance
    assert len(opened) == 1


def test_a_context_of_a_test_without_an_instance_says_how_to_give_one() -> None:
    with pytest.raises(InvalidInvocationError, match="build_asset_context\\(instance="):
        _ = build_asset_context().instance
    given = object()
    assert build_asset_context(instance=given).instance is given


def test_metadata_is_added_for_what_the_step_makes_only() -> None:
    context = build_asset_context(asset_key="orders", partition_key="a")
    context.add_asset_metadata({"rows": 1}, asset_key="orders", partition_key="a")
    assert context.added_metadata["rows"].value == 1
    with pytest.raises(InvalidInvocationError, match="metadata for partition 'b' cannot be added in a step of a"):
        context.add_asset_metadata({"rows": 1}, partition_key="b")
