"""What IO managers see of a value: its place, its partitions, and what it was stored with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headwater import (
    DailyPartitionsDefinition,
    InMemoryIOManager,
    InvalidInvocationError,
    PartitionKeyRange,
    StaticPartitionsDefinition,
    build_input_context,
    build_output_context,
)

DAYS = DailyPartitionsDefinition("2024-01-01")


def test_several_partitions_are_a_range_and_a_span() -> None:
    context = build_output_context(
        asset_key=["shop", "orders"], asset_partition_keys=["2024-01-02", "2024-01-03"], asset_partitions_def=DAYS
    )
    assert context.asset_partition_key_range == PartitionKeyRange("2024-01-02", "2024-01-03")
    assert context.asset_partitions_time_window == (
        datetime(2024, 1, 2, tzinfo=UTC),
        datetime(2024, 1, 4, tzinfo=UTC),
    )
    assert context.get_identifier() == ["shop", "orders"]


def test_static_partitions_have_no_span() -> None:
    regions = StaticPartitionsDefinition(["north"])
    context = build_output_context(asset_key="orders", partition_key="north", asset_partitions_def=regions)
    assert context.get_identifier() == ["orders", "north"]
    with pytest.raises(InvalidInvocationError, match="no windows of time"):
        _ = context.asset_partitions_time_window


def test_what_was_stored_with_a_context_is_loaded_with_its_sibling() -> None:
    manager = InMemoryIOManager()
    stored = build_output_context(asset_key="orders", partition_key="2024-01-01", definition_metadata={"schema": "x"})
    manager.handle_output(stored, 5)
    context = build_input_context(upstream_output=stored)
    assert manager.load_input(context) == 5
    assert context.upstream_output.definition_metadata == {"schema": "x"}
    assert context.upstream_output.asset_partition_key == "2024-01-01"


def test_resources_of_a_context_in_a_test() -> None:
    assert build_output_context(asset_key="orders", resources={"db": "x"}).resources["db"] == "x"
    with pytest.raises(InvalidInvocationError, match="say what is loaded"):
        build_input_context()
