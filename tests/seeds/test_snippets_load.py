"""The snippets that users of the field write, with only the import line changed: they load and mean what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from headwater.definitions.asset import AssetsDefinition, AssetSpec
from headwater.definitions.definitions import Definitions
from headwater.definitions.loading import load_definitions

IMPORTS = """
from headwater.definitions.asset import AssetDep, SourceAsset, asset
from headwater.definitions.checks import asset_check
from headwater.definitions.context import AssetExecutionContext
from headwater.definitions.metadata import MetadataValue
from headwater.definitions.partitions import DailyPartitionsDefinition
from headwater.definitions.results import AssetCheckResult, AssetCheckSeverity, MaterializeResult
"""

BLOG = """
@asset(
    group_name="bronze",
    description="Raw order events from the payments API, partitioned by ingestion date",
    tags={"layer": "bronze", "source": "payments_api"},
)
def raw_orders() -> MaterializeResult:
    return MaterializeResult(
        metadata={
            "row_count": MetadataValue.int(3),
            "preview": MetadataValue.md("| a |"),
            "source": MetadataValue.text("payments_api_v2"),
        }
    )

@asset(
    group_name="silver",
    deps=["raw_orders"],
    description="Cleansed and deduplicated orders, one row per order_id",
)
def silver_orders(raw_orders) -> MaterializeResult:
    return MaterializeResult(metadata={"row_count": MetadataValue.int(2)})

@asset_check(asset="silver_orders", blocking=True)
def silver_orders_no_nulls() -> AssetCheckResult:
    null_count = 0
    return AssetCheckResult(
        passed=null_count == 0,
        severity=AssetCheckSeverity.ERROR,
        metadata={"null_count": null_count},
    )

@asset_check(asset="silver_orders", blocking=False)
def silver_orders_volume_check() -> AssetCheckResult:
    return AssetCheckResult(passed=False, severity=AssetCheckSeverity.WARN, metadata={"30d_avg": 2.5})

daily_partitions = DailyPartitionsDefinition(start_date="2025-01-01")

@asset(
    partitions_def=daily_partitions,
    group_name="bronze",
)
def raw_orders_partitioned(context: AssetExecutionContext) -> MaterializeResult:
    return MaterializeResult(metadata={"partition_date": context.partition_key})
"""

DOCS = """
@asset
def upstream_asset():
    return [1, 2, 3]

@asset
def downstream_asset(upstream_asset):
    return upstream_asset + [4]

@asset
def upstream_table(): ...

@asset(deps=["upstream_table"])
def downstream_query(): ...

@asset(
    name="custom_name",
    key_prefix=["analytics"],
    group_name="data_ingestion",
)
def my_asset():
    return 1

@asset
def orders_data():
    return [1]

@asset_check(asset=orders_data)
def orders_not_empty(orders_data):
    num_rows = len(orders_data)
    return AssetCheckResult(
        passed=num_rows > 0,
        metadata={"num_rows": num_rows},
    )

raw_users = SourceAsset(key="raw_users")

@asset(deps=[raw_users])
def clean_users(): ...
"""


@pytest.fixture
def seed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Definitions]:
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "seed_flow.py"
    path.write_text(IMPORTS + dedent(request.param))
    yield load_definitions(path)
    del sys.modules["seed_flow"]


def made(definitions: Definitions, key: str) -> AssetsDefinition:
    node = definitions.get(key)
    assert isinstance(node, AssetsDefinition)
    return node


@pytest.mark.parametrize("seed", [BLOG], indirect=True)
def test_the_medallion_pipeline_loads_with_its_checks_and_partitions(seed: Definitions) -> None:
    silver = made(seed, "silver_orders")
    [dep] = silver.deps
    assert (str(dep.key), dep.arg, dep.value_optional) == ("raw_orders", "raw_orders", True)
    assert silver.returns_nothing
    no_nulls, volume = seed.checks_of("silver_orders")
    assert (no_nulls.blocking, volume.blocking) == (True, False)
    assert no_nulls.definition is not None
    assert no_nulls.definition().passed
    daily = made(seed, "raw_orders_partitioned")
    assert daily.takes_context
    assert daily.partitions_def is not None
    assert list(seed.snapshot().assets) == ["raw_orders", "raw_orders_partitioned", "silver_orders"]


@pytest.mark.parametrize("seed", [DOCS], indirect=True)
def test_the_documented_assets_load_and_can_be_called(seed: Definitions) -> None:
    downstream = made(seed, "downstream_asset")
    assert downstream(made(seed, "upstream_asset")()) == [1, 2, 3, 4]
    assert seed.graph.parents(made(seed, "downstream_query").key) == [seed.get("upstream_table").key]
    assert made(seed, "analytics/custom_name").group_name == "data_ingestion"
    [check] = seed.checks_of("orders_data")
    assert check.definition is not None
    assert check.definition.loads_asset == "orders_data"
    assert check.definition([1]).passed
    assert isinstance(seed.get("raw_users"), AssetSpec)
    assert seed.graph.children(seed.get("raw_users").key) == [seed.get("clean_users").key]
