"""A project folder that is the working directory, with definitions to try commands on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import Commands

FLOW = """
from headwater import (
    AssetSpec, AutomationCondition, DailyPartitionsDefinition, Definitions, asset, asset_check,
)

days = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
inbox = AssetSpec("inbox", partitions_def=days)


@asset(deps=[inbox], partitions_def=days, automation_condition=AutomationCondition.eager())
def orders(context):
    print("making", context.partition_key)
    if context.partition_key == "2024-01-03":
        raise ValueError("no orders on this day")
    return 1


@asset
def total(orders):
    return len(orders) if isinstance(orders, dict) else orders


@asset
def report(total):
    return f"{total} orders"


@asset_check(asset=total, blocking=True)
def total_is_small(total):
    return total < 3


defs = Definitions(assets=[inbox, orders, total, report], asset_checks=[total_is_small])
"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Commands]:
    """The command line in a folder with `flow.py`. What imports of user code leave behind is taken back afterwards."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    commands = Commands(tmp_path)
    commands.write(FLOW)
    yield commands
    for name in [name for name in set(sys.modules) - before if name.startswith("flow")]:
        del sys.modules[name]
