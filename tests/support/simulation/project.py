"""What the simulated daemon drives: a small project with one of everything that has rules of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from headwater import (
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    DynamicPartitionsDefinition,
    FreshnessPolicy,
    RunRequest,
    ScheduleDefinition,
    SensorEvaluationContext,
    asset,
    asset_check,
    define_asset_job,
    multi_asset,
    sensor,
)

C = AutomationCondition
EAGER = C.eager()
FIRST_DAY = "2026-02-27"
DAILY = DailyPartitionsDefinition(start_date=FIRST_DAY)
CUSTOMERS = DynamicPartitionsDefinition(name="customers")
NAMES = ("ann", "bob", "cleo")


@asset(automation_condition=EAGER)
def one(source): ...


@asset(automation_condition=EAGER)
def two(one, source): ...


@asset(automation_condition=EAGER, partitions_def=DAILY)
def raw(inbox): ...


@asset(automation_condition=EAGER, partitions_def=DAILY)
def clean(raw): ...


@asset(
    automation_condition=EAGER.without(C.any_deps_missing()),
    freshness_policy=FreshnessPolicy.cron(deadline_cron="0 9 * * *", lower_bound_delta=timedelta(hours=8)),
)
def total(clean): ...


@asset(automation_condition=C.on_cron("0 */6 * * *"))
def sometimes(one): ...


@asset(automation_condition=C.on_cron("0 */4 * * *") & ~C.in_progress())
def sometimes_otherwise(one): ...


@asset(automation_condition=C.cron_tick_passed("30 2 * * *", "Europe/Berlin").since_last_handled())
def nightly(two): ...


@asset(automation_condition=EAGER, partitions_def=CUSTOMERS)
def profile(account): ...


@asset(automation_condition=C.on_missing(), partitions_def=CUSTOMERS)
def welcome(profile): ...


@multi_asset(
    specs=[
        AssetSpec("left", deps=["source"], automation_condition=EAGER),
        AssetSpec("right", deps=["one"], automation_condition=EAGER),
    ]
)
def sides(): ...


@asset(
    automation_condition=C.freshness_failed(),
    freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=20), warn_window=timedelta(hours=10)),
)
def promised(source): ...


@asset(automation_condition=C.missing())
def stubborn(source): ...


@asset_check(asset="clean", blocking=True)
def sound(): ...


@asset_check(asset="one", automation_condition=EAGER)
def looked_at(): ...


BY_HAND = define_asset_job("by_hand", selection=["one"])


@sensor(job=BY_HAND, minimum_interval_seconds=3 * 3600)
def counts(context: SensorEvaluationContext) -> Any:
    number = int(context.cursor or 0) + 1
    context.update_cursor(str(number))
    return RunRequest(run_key=str(number // 2))


EXTERNAL = (
    AssetSpec("source"),
    AssetSpec("inbox", partitions_def=DAILY),
    AssetSpec("account", partitions_def=CUSTOMERS),
)
ASSETS = (one, two, raw, clean, total, sometimes, nightly, profile, welcome, sides, promised, stubborn)
READS = {
    "one": {"source"},
    "two": {"one", "source"},
    "raw": {"inbox"},
    "clean": {"raw"},
    "total": {"clean"},
    "profile": {"account"},
    "left": {"source", "one"},
    "right": {"source", "one"},
}
"""What may be the reason of an attempt; of assets that are made together, what any of them reads."""
EAGERS = tuple(READS)


def definitions(*without: Any) -> Definitions:
    return Definitions(
        assets=[*EXTERNAL, *(one for one in ASSETS if one not in without)],
        asset_checks=[sound, looked_at],
        jobs=[BY_HAND],
        schedules=[ScheduleDefinition(name="twice_a_day", job=BY_HAND, cron_schedule="15 5,17 * * *")],
        sensors=[counts],
    )


def variants() -> list[Definitions]:
    """The project as it is, and as it is for a while: without an asset, with another condition."""
    return [definitions(), definitions(two, nightly), definitions(sometimes)]
