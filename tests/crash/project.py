"""The project of the crash test: the demo's shape with steps of a few milliseconds."""

from __future__ import annotations

import os
from pathlib import Path

from headwater import (
    AssetCheckResult,
    AssetExecutionContext,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    FileArrival,
    asset,
    asset_check,
)

DATA = Path(os.environ["DATA"])
DAYS = DailyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01")
EAGER = AutomationCondition.eager()

inbox = AssetSpec("inbox", partitions_def=DAYS, arrival=FileArrival(DATA / "inbox", "{partition}.csv"))


def write(name: str, text: str) -> None:
    target = DATA / name
    target.parent.mkdir(exist_ok=True)
    building = target.with_name(f".{target.name}.{os.getpid()}")
    building.write_text(text)
    building.replace(target)


@asset(deps=[inbox], partitions_def=DAYS, automation_condition=EAGER)
def raw(context: AssetExecutionContext) -> None:
    day = context.partition_key
    write(f"raw/{day}", (DATA / "inbox" / f"{day}.csv").read_text())


@asset(deps=[raw], partitions_def=DAYS, automation_condition=EAGER)
def silver(context: AssetExecutionContext) -> None:
    day = context.partition_key
    write(f"silver/{day}", (DATA / "raw" / day).read_text().upper())


@asset_check(asset=silver, blocking=True)
def no_nulls(context: AssetExecutionContext) -> AssetCheckResult:
    return AssetCheckResult(passed="NULL" not in (DATA / "silver" / context.partition_key).read_text())


@asset(deps=[silver], automation_condition=EAGER.without(AutomationCondition.any_deps_missing()))
def totals(context: AssetExecutionContext) -> None:
    days = context.asset_partition_keys_for_input("silver")
    write("totals", "\n".join(f"{day} {(DATA / 'silver' / day).read_text()}" for day in days))


defs = Definitions(assets=[inbox, raw, silver, totals], asset_checks=[no_nulls])
