"""Checks in a run: what they see, what a failed one stops, and what happens when the check itself fails."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetDep,
    AssetExecutionContext,
    DailyPartitionsDefinition,
    asset,
    asset_check,
)
from headwater.daemon.runs.execute import RunOutcome
from headwater.storage.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    RunFailed,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    Target,
)

from .conftest import Bench

DAILY = DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")


@asset
def orders() -> list[int]:
    return []


@asset(deps=[orders])
def revenue() -> None: ...


@asset(deps=[revenue])
def report() -> None: ...


@asset
def unrelated() -> None: ...


def check(returned: Any = None, *, raised: Exception | None = None, **kwargs: Any) -> Any:
    @asset_check(asset="orders", name="filled", **kwargs)
    def filled(orders: list[int]) -> Any:
        if raised:
            raise raised
        return returned

    return filled


def made(bench: Bench) -> list[str]:
    return [event.asset_key for event in bench.of(AssetMaterialized)]


def test_a_check_is_a_step_between_its_asset_and_what_is_downstream(bench: Bench) -> None:
    assert bench.run(orders, revenue, checks=[check(True)]) is RunOutcome.SUCCEEDED
    assert [event.step_key for event in bench.of(StepStarted)] == ["orders", "orders:filled", "revenue"]
    assert [event.step_key for event in bench.of(StepSucceeded)] == ["orders", "orders:filled", "revenue"]


def test_a_check_step_plans_no_partition(bench: Bench) -> None:
    """What an asset has handled must not move because somebody looked at it."""
    bench.run(orders, checks=[check(True)])
    started = bench.of(StepStarted)[1]
    assert (started.asset_key, started.check_name, started.targets) == ("orders", "filled", ())


def test_a_check_sees_the_value_the_partition_and_resources(bench: Bench) -> None:
    @asset(partitions_def=DAILY)
    def daily(context: AssetExecutionContext) -> str:
        return f"value of {context.partition_key}"

    @asset_check(asset=daily)
    def sees_all(context: AssetCheckExecutionContext, daily: str, db: str) -> bool:
        return (context.partition_key, daily, db) == ("2013-01-05", "value of 2013-01-05", "the db")

    bench.run(daily, checks=[sees_all], resources={"db": "the db"}, partition="2013-01-05")
    result = bench.only(AssetCheckEvaluated)
    assert result.passed
    assert (result.asset_key, result.check_name, result.partition, result.run_id) == (
        "daily",
        "sees_all",
        "2013-01-05",
        "r1",
    )


def test_a_result_carries_metadata_severity_and_a_description(bench: Bench) -> None:
    found = AssetCheckResult(
        passed=False, severity=AssetCheckSeverity.WARN, metadata={"rows": 0}, description="no rows"
    )
    bench.run(orders, checks=[check(found)])
    result = bench.only(AssetCheckEvaluated)
    assert (result.passed, result.severity, result.blocking, result.description) == (False, "WARN", False, "no rows")
    assert result.metadata == {"rows": {"type": "int", "value": 0}}


def test_a_failed_blocking_check_stops_what_is_downstream_and_nothing_else(bench: Bench) -> None:
    outcome = bench.run(orders, revenue, report, unrelated, checks=[check(False, blocking=True)])
    assert outcome is RunOutcome.FAILED
    assert bench.only(StepFailed).error.message == "the blocking check 'filled' of asset 'orders' failed"
    assert set(made(bench)) == {"orders", "unrelated"}
    assert bench.only(AssetCheckEvaluated).blocking
    skipped = bench.of(StepSkipped)
    assert [event.asset_key for event in skipped] == ["revenue", "report"]
    assert {event.reason for event in skipped} == {"check_failed"}
    assert {event.blocked_by for event in skipped} == {(Target(asset_key="orders"),)}


@pytest.mark.parametrize("kwargs", [{"blocking": True, "severity": AssetCheckSeverity.WARN}, {"blocking": False}])
def test_a_warning_or_a_check_that_does_not_block_lets_downstream_run(bench: Bench, kwargs: Any) -> None:
    assert bench.run(orders, revenue, checks=[check(False, **kwargs)]) is RunOutcome.SUCCEEDED
    assert made(bench) == ["orders", "revenue"]
    assert not bench.only(AssetCheckEvaluated).passed


def test_an_ungated_dependency_runs_behind_a_failed_check(bench: Bench) -> None:
    @asset(deps=[AssetDep(orders, gated=False)])
    def ungated() -> None: ...

    bench.run(orders, ungated, checks=[check(False, blocking=True)])
    assert made(bench) == ["orders", "ungated"]


def test_a_check_of_a_failed_asset_is_skipped_and_says_nothing_of_its_asset(bench: Bench) -> None:
    @asset(name="orders")
    def broken() -> None:
        raise ValueError

    bench.run(broken, revenue, checks=[check(True, blocking=True)])
    by_check, by_asset = bench.of(StepSkipped)
    assert (by_check.step_key, by_check.targets, by_check.reason) == ("orders:filled", (), "upstream_failed")
    assert (by_asset.step_key, by_asset.reason) == ("revenue", "upstream_failed")
    assert bench.of(AssetCheckEvaluated) == []


def test_a_check_that_raises_fails_its_step_and_the_run(bench: Bench) -> None:
    assert bench.run(orders, revenue, checks=[check(raised=ValueError("oops"))]) is RunOutcome.FAILED
    failed = bench.only(StepFailed)
    assert (failed.step_key, failed.error.message) == ("orders:filled", "oops")
    assert bench.of(AssetCheckEvaluated) == []
    assert made(bench) == ["orders", "revenue"]  # it does not block
    assert bench.only(RunFailed).reason == "step_failed"


def test_a_gate_whose_guard_cannot_speak_stays_shut(bench: Bench) -> None:
    assert bench.run(orders, revenue, checks=[check(raised=ValueError("oops"), blocking=True)]) is RunOutcome.FAILED
    result = bench.only(AssetCheckEvaluated)
    assert (result.passed, result.severity, result.blocking) == (False, "ERROR", True)
    assert result.description == "the check raised ValueError: oops"
    assert bench.only(StepFailed).step_key == "orders:filled"
    assert bench.only(StepSkipped).reason == "check_failed"
    assert made(bench) == ["orders"]


@pytest.mark.parametrize("garbage", [None, 5, "yes", [True]])
def test_a_check_that_returns_garbage_is_a_check_that_raises(bench: Bench, garbage: Any) -> None:
    assert bench.run(orders, checks=[check(garbage, blocking=True)]) is RunOutcome.FAILED
    message = bench.only(StepFailed).error.message
    assert "check 'filled' of asset 'orders'" in message
    assert "Return AssetCheckResult" in message
    assert not bench.only(AssetCheckEvaluated).passed


def test_async_checks_are_awaited(bench: Bench) -> None:
    @asset_check(asset=orders)
    async def eventually() -> bool:
        return True

    bench.run(orders, checks=[eventually])
    assert bench.only(AssetCheckEvaluated).passed


def test_a_result_rides_with_the_start_of_the_next_step(bench: Bench) -> None:
    bench.run(orders, revenue, checks=[check(True, blocking=True)])
    assert [[event.type for event in events] for events in bench.appends[1:3]] == [
        ["asset_materialized", "step_succeeded", "step_started"],
        ["asset_check_evaluated", "step_succeeded", "step_started"],
    ]
