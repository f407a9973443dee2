"""The ready-made checks, run as a user runs them: on an instance with a past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater import (
    AssetCheckSeverity,
    AssetSelection,
    AssetSpec,
    DailyPartitionsDefinition,
    Instance,
    InvalidDefinitionError,
    MaterializeResult,
    StaticPartitionsDefinition,
    asset,
    build_column_schema_change_checks,
    build_last_update_freshness_checks,
    build_metadata_bounds_checks,
    build_time_partition_freshness_checks,
    materialize,
)
from headwater.daemon.runs.result import CheckEvaluation
from headwater.definitions.freshness_checks import FRESH_UNTIL, LAST_UPDATED, judged, partition_due

ORDERS = AssetSpec("orders")
HOUR = timedelta(hours=1)


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral() as made:
        yield made


def found(instance: Instance, checks: Any, *assets: Any, partition_key: str | None = None) -> CheckEvaluation:
    result = materialize(
        [*(assets or [ORDERS]), *checks],
        instance=instance,
        selection=AssetSelection.all_asset_checks(),
        partition_key=partition_key,
    )
    [evaluation] = result.get_asset_check_evaluations()
    return evaluation


# ---- freshness -------------------------------------------------------------------------------------------------------


def test_an_asset_that_was_updated_lately_is_fresh_and_one_that_never_was_is_not(instance: Instance) -> None:
    checks = build_last_update_freshness_checks(assets=[ORDERS], lower_bound_delta=HOUR)
    never = found(instance, checks)
    assert (never.check_name, never.passed, never.severity) == ("freshness_check", False, AssetCheckSeverity.WARN)
    assert never.description == "The asset was never updated."
    instance.report_materialization("orders")
    fresh = found(instance, checks)
    assert fresh.passed
    assert fresh.metadata[FRESH_UNTIL].value - fresh.metadata[LAST_UPDATED].value == pytest.approx(3600)


def test_an_observation_may_say_itself_when_the_data_changed(instance: Instance) -> None:
    from headwater import AssetObservation, MetadataValue

    old = datetime.now(UTC) - 2 * HOUR
    instance.report_runless_asset_event(
        AssetObservation("orders", metadata={LAST_UPDATED: MetadataValue.timestamp(old)})
    )
    checks = build_last_update_freshness_checks(
        assets=["orders"], lower_bound_delta=HOUR, severity=AssetCheckSeverity.ERROR
    )
    late = found(instance, checks)
    assert (late.passed, late.severity) == (False, AssetCheckSeverity.ERROR)


def at(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("updated", "now", "fresh"),
    [
        (at(7), at(9, 30), True),  # within 4 hours of today's deadline
        (at(4), at(9, 30), False),
        (at(4), at(8, 59), True),  # only yesterday's deadline has passed
        (at(4, day=9), at(8, 59), False),
        (at(9, 10), at(9, 30), True),
    ],
)
def test_with_a_deadline_the_span_is_counted_back_from_it(updated: datetime, now: datetime, fresh: bool) -> None:
    result = judged(updated, now=now, delta=4 * HOUR, cron=("0 9 * * *", "UTC"))
    assert result.passed is fresh


def test_it_is_fresh_until_the_first_deadline_that_it_is_too_old_for() -> None:
    result = judged(at(7), now=at(9, 30), delta=4 * HOUR, cron=("0 9 * * *", "UTC"))
    assert result.metadata[FRESH_UNTIL].value == at(9, day=11).timestamp()
    result = judged(at(7), now=at(9, 30), delta=30 * HOUR, cron=("0 9 * * *", "UTC"))
    assert result.metadata[FRESH_UNTIL].value == at(9, day=12).timestamp()


def test_a_deadline_is_read_in_its_time_zone_and_found_where_it_is_rare() -> None:
    for hour, fresh in ((13, True), (15, False)):  # 9 in New York is 13 UTC in summer
        result = judged(at(hour - 2), now=at(hour), delta=HOUR * 2, cron=("0 9 * * *", "America/New_York"))
        assert result.passed is fresh or hour == 15
    yearly = judged(at(0, day=1), now=at(0), delta=timedelta(days=400), cron=("0 0 29 2 *", "UTC"))
    assert yearly.passed


def test_the_newest_partition_that_was_due_must_be_there(instance: Instance) -> None:
    daily = DailyPartitionsDefinition("2026-01-01")
    orders = AssetSpec("orders", partitions_def=daily)
    checks = build_time_partition_freshness_checks(assets=[orders], deadline_cron="0 0 * * *")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d")
    instance.report_materialization("orders", "2026-01-01")
    late = found(instance, checks, orders)
    assert (late.passed, late.partition) == (False, None)
    assert yesterday in str(late.description)
    instance.report_materialization("orders", yesterday)
    assert found(instance, checks, orders).passed


def test_a_partition_is_due_when_its_window_had_ended_at_the_deadline() -> None:
    daily = DailyPartitionsDefinition("2026-03-09")
    assert partition_due(daily, at(9)) == "2026-03-09"
    assert partition_due(daily, at(9, day=9)) is None
    ahead = DailyPartitionsDefinition("2026-03-01", end_offset=1)
    assert partition_due(ahead, at(9)) == "2026-03-09"


def test_in_a_run_of_one_partition_freshness_is_about_the_whole_asset(instance: Instance) -> None:
    @asset(partitions_def=StaticPartitionsDefinition(["red", "blue"]))
    def orders() -> None: ...

    checks = build_last_update_freshness_checks(assets=[orders], lower_bound_delta=HOUR)
    result = materialize([orders, *checks], instance=instance, partition_key="red")
    [evaluation] = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.partition) == (True, None)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: build_last_update_freshness_checks(assets="orders", lower_bound_delta=HOUR), "is no list of assets"),
        (lambda: build_last_update_freshness_checks(assets=["a", "a"], lower_bound_delta=HOUR), "'a' is listed twice"),
        (lambda: build_last_update_freshness_checks(assets=["a"], lower_bound_delta=5), "no span of time"),  # type: ignore[arg-type]
        (
            lambda: build_last_update_freshness_checks(assets=["a"], lower_bound_delta=HOUR, deadline_cron="no"),
            "deadline_cron: cron schedule 'no'",
        ),
        (
            lambda: build_time_partition_freshness_checks(assets=[ORDERS], deadline_cron="0 0 * * *"),
            "'orders' is not partitioned by windows of time",
        ),
        (lambda: build_metadata_bounds_checks(assets=["a"], metadata_key="rows"), "'rows' has no bounds"),
        (
            lambda: build_metadata_bounds_checks(assets=["a"], metadata_key="rows", min_value=2, max_value=1),
            "min_value=2 is greater than max_value=1",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(build: Any, message: str) -> None:
    with pytest.raises(InvalidDefinitionError, match=message) as raised:
        build()
    assert "test_check_factories.py:" in str(raised.value)


# ---- metadata --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "bounds", "passed"),
    [
        (5, {"min_value": 5}, True),
        (5, {"min_value": 5, "exclusive_min": True}, False),
        (5.5, {"max_value": 5}, False),
        (5, {"min_value": 1, "max_value": 5}, True),
        (5, {"max_value": 5, "exclusive_max": True}, False),
        ("many", {"min_value": 1}, False),
    ],
)
def test_a_number_of_the_newest_materialization_lies_within_bounds(
    instance: Instance, rows: Any, bounds: dict[str, Any], passed: bool
) -> None:
    instance.report_materialization("orders", metadata={"rows": 100})
    instance.report_materialization("orders", metadata={"rows": rows})
    checks = build_metadata_bounds_checks(assets=[ORDERS], metadata_key="rows", **bounds)
    evaluation = found(instance, checks)
    assert (evaluation.check_name, evaluation.passed) == ("rows_bounds", passed)


def test_a_number_that_is_missing_fails(instance: Instance) -> None:
    checks = build_metadata_bounds_checks(assets=[ORDERS], metadata_key="a/rows", min_value=1)
    assert found(instance, checks).description == "The asset was never made."
    instance.report_materialization("orders")
    missing = found(instance, checks)
    assert (missing.check_name, missing.description) == ("a_rows_bounds", "The asset has no metadata 'a/rows'.")


def test_in_the_run_that_makes_a_partition_its_own_number_is_looked_at(instance: Instance) -> None:
    colours = StaticPartitionsDefinition(["red", "blue"])

    @asset(partitions_def=colours)
    def orders(context: Any) -> MaterializeResult:
        return MaterializeResult(metadata={"rows": 1 if context.partition_key == "red" else 9})

    checks = build_metadata_bounds_checks(assets=[orders], metadata_key="rows", max_value=5)
    results = [
        materialize([orders, *checks], instance=instance, partition_key=colour).get_asset_check_evaluations()[0]
        for colour in ("blue", "red")
    ]
    assert [(one.partition, one.passed) for one in results] == [("blue", False), ("red", True)]
    assert not found(instance, checks, orders, partition_key="blue").passed


def test_changes_of_columns_are_named(instance: Instance) -> None:
    checks = build_column_schema_change_checks(assets=[ORDERS])

    def make(**columns: str) -> CheckEvaluation:
        schema = {"columns": [{"name": name, "type": kind} for name, kind in columns.items()]}
        instance.report_materialization("orders", metadata={"headwater/column_schema": schema})
        return found(instance, checks)

    assert not found(instance, checks).passed
    assert make(a="int", b="int").passed
    assert make(a="int", b="int").description == "The columns are the same."
    changed = make(b="text", c="int")
    assert not changed.passed
    assert changed.description == "Added columns: c (int); Removed columns: a (int); Changed columns: b (int -> text)"
