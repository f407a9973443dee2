"""The project of the crash test of backfills: hours, the days that they make, and one report of all days."""

from __future__ import annotations

import os
import time
from pathlib import Path

from headwater import (
    AssetExecutionContext,
    BackfillPolicy,
    DailyPartitionsDefinition,
    Definitions,
    HourlyPartitionsDefinition,
    asset,
)

DATA = Path(os.environ["DATA"])
HOURS = HourlyPartitionsDefinition("2024-01-01-00:00", end_date="2024-01-06-00:00")
DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-06")


def note(name: str) -> None:
    """One line in one write, which is whole whatever happens to the process."""
    with (DATA / "made").open("a") as file:
        file.write(f"{name}\n")


@asset(partitions_def=HOURS)
def readings(context: AssetExecutionContext) -> None:
    if context.partition_key == "2024-01-04-07:00":
        raise ValueError("no reading at this hour")
    time.sleep(0.1)
    note(f"readings {context.partition_key}")


@asset(partitions_def=DAYS, deps=[readings])
def daily(context: AssetExecutionContext) -> None:
    note(f"daily {context.partition_key}")


@asset(partitions_def=DAYS, deps=[daily], backfill_policy=BackfillPolicy.multi_run(1))
def checked(context: AssetExecutionContext) -> None:
    note(f"checked {context.partition_key}")


defs = Definitions(assets=[readings, daily, checked])
