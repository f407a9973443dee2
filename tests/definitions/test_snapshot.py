"""The snapshot: pure data, canonical bytes, and nothing lost on the way through them."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.definitions.arrival import FileArrival
from headwater.definitions.asset import AssetDep, AssetSpec, asset
from headwater.definitions.checks import asset_check
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.definitions import Definitions
from headwater.definitions.errors import DefinitionErrors
from headwater.definitions.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    TimeWindowPartitionMapping,
)
from headwater.definitions.results import AssetCheckSeverity
from headwater.definitions.snapshot import CheckSnapshot, DefinitionsSnapshot, DepSnapshot

DAILY = DailyPartitionsDefinition("2013-01-01")

inbox = AssetSpec("inbox_flights", partitions_def=DAILY, arrival=FileArrival("/data/inbox", "{partition}.csv"))


@asset(
    partitions_def=DAILY,
    deps=[inbox],
    automation_condition=AutomationCondition.eager(),
    code_version="2",
    tags={"layer": "bronze"},
    kinds={"duckdb"},
    owners=["team:air"],
    metadata={"rows": 3},
)
def raw_flights() -> None:
    """Flights as they came."""


@asset(deps=[AssetDep(raw_flights, gated=False)], group_name="gold")
def report() -> None: ...


@asset_check(asset=raw_flights, blocking=True)
def no_nulls() -> bool:
    return True


@asset_check(asset=raw_flights, severity=AssetCheckSeverity.WARN)
def volume() -> bool:
    return True


def snapshot_of(*assets: Any, checks: Any = ()) -> DefinitionsSnapshot:
    return Definitions(assets, checks).snapshot()


def test_it_holds_the_assets_in_topological_order_with_all_that_is_said_of_them() -> None:
    snapshot = snapshot_of(report, raw_flights, inbox, checks=[volume, no_nulls])
    assert list(snapshot.assets) == ["inbox_flights", "raw_flights", "report"]
    raw = snapshot.assets["raw_flights"]
    assert raw.deps == (DepSnapshot("inbox_flights", TimeWindowPartitionMapping()),)
    assert raw.checks == (
        CheckSnapshot("no_nulls", blocking=True),
        CheckSnapshot("volume", severity="WARN"),
    )
    assert (raw.partitions, raw.condition) == (DAILY, AutomationCondition.eager())
    assert (raw.description, raw.code_version, raw.group) == ("Flights as they came.", "2", "default")
    assert (raw.kinds, raw.owners, dict(raw.tags)) == (("duckdb",), ("team:air",), {"layer": "bronze"})
    assert raw.source.startswith(f"{__file__}:")
    assert snapshot.assets["report"].deps == (DepSnapshot("raw_flights", AllPartitionMapping(), gated=False),)
    assert snapshot.assets["inbox_flights"].external
    assert snapshot.assets["inbox_flights"].arrival == FileArrival("/data/inbox", "{partition}.csv")


def test_it_survives_its_bytes() -> None:
    snapshot = snapshot_of(report, raw_flights, inbox, checks=[volume, no_nulls])
    again = DefinitionsSnapshot.from_bytes(snapshot.to_bytes())
    assert again == snapshot
    assert again.hash == snapshot.hash
    assert list(again.assets) == list(snapshot.assets)


def test_the_order_of_listing_does_not_matter_but_a_change_does() -> None:
    one = snapshot_of(report, raw_flights, inbox, checks=[volume, no_nulls])
    other = snapshot_of(inbox, raw_flights, report, checks=[no_nulls, volume])
    assert one.to_bytes() == other.to_bytes()
    assert len(one.hash) == 64
    assert snapshot_of(report, raw_flights, inbox).hash != one.hash


def test_wrong_definitions_have_no_snapshot() -> None:
    @asset
    def lost(nobody): ...

    with pytest.raises(DefinitionErrors):
        snapshot_of(lost)
