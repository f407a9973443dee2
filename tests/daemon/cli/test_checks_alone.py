"""`headwater asset materialize` of what makes nothing: checks alone, and observable sources."""

from __future__ import annotations

from headwater.storage import events as e
from headwater.storage.log import EventLog
from support.commands import Commands

FLOW = """
from headwater import (
    AssetCheckSpec, AssetSpec, DailyPartitionsDefinition, DataVersion, Definitions, MaterializeResult,
    AssetCheckResult, asset, asset_check, observable_source_asset,
)

days = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
outside = AssetSpec("outside")


@observable_source_asset
def rates():
    return DataVersion("v1")


@asset(partitions_def=days)
def orders(context):
    return context.partition_key


@asset(check_specs=[AssetCheckSpec("inline", asset="total")])
def total():
    return MaterializeResult(check_results=[AssetCheckResult(passed=True)])


@asset_check(asset=outside)
def is_there():
    return True


@asset_check(asset=orders)
def right_day(context, orders):
    if context.has_partition_key:
        return orders == context.partition_key
    return sorted(orders) == ["2024-01-01", "2024-01-02"]


defs = Definitions(assets=[outside, rates, orders, total], asset_checks=[is_there, right_day])
"""


def materialize(commands: Commands, select: str, *more: str) -> tuple[int, str]:
    result = commands("asset", "materialize", "-f", "flow.py", "--select", select, *more)
    return result.exit_code, result.stdout + result.stderr


def test_a_check_of_an_external_asset_runs_alone(commands: Commands) -> None:
    commands.write(FLOW)
    assert materialize(commands, "checks(outside)")[0] == 0
    [run] = commands.json("run", "list")
    shown = commands.json("run", "show", run["run_id"])
    assert [(check["check_name"], check["passed"]) for check in shown["checks"]] == [("is_there", True)]
    code, told = materialize(commands, "outside")
    assert code != 0
    assert "checks(outside)" in told


def test_a_check_of_a_partitioned_asset_looks_at_one_partition_or_at_all_there_are(commands: Commands) -> None:
    commands.write(FLOW)
    for day in ("2024-01-01", "2024-01-02"):
        assert materialize(commands, "orders", "--partition", day)[0] == 0
    assert materialize(commands, "checks(orders)", "--partition", "2024-01-02")[0] == 0
    code, told = materialize(commands, "checks(orders)")
    assert code == 0, told
    shown = commands.json("run", "show", commands.json("run", "list")[0]["run_id"])
    assert [(check["partition"], check["passed"]) for check in shown["checks"]] == [(None, True)]


def test_an_observable_source_is_observed_where_it_is_named(commands: Commands) -> None:
    commands.write(FLOW)
    assert materialize(commands, "rates")[0] == 0
    with EventLog.open(commands.home) as log:
        [seen] = log.query(types=["asset_observed"])
    assert isinstance(seen.event, e.AssetObserved)
    assert (seen.event.asset_key, seen.event.data_version) == ("rates", "v1")


def test_an_inline_check_is_refused_without_its_asset(commands: Commands) -> None:
    commands.write(FLOW)
    code, told = materialize(commands, "checks(total)")
    assert code != 0
    assert "is evaluated by the function that makes asset 'total'" in told
    assert materialize(commands, "total")[0] == 0
