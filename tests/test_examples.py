"""The examples in the docstrings (`>>>`): each runs, in a folder of its own, and prints what it says.

Every name of the front door is there, as after `from headwater import *`, and a few that examples about other things
need: the assets, ops and jobs of a small shop. Each example starts anew.
"""

from __future__ import annotations

import doctest
import importlib
import json
import os
import pkgutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import headwater as hw

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(hw.__path__, "headwater."):
        if not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            yield from (one for one in finder.find(module, found.name) if one.examples)


class Database(hw.ConfigurableResource):
    path: str = "orders.db"

    def query(self, text: str) -> str:
        return text


def shop(instance: hw.Instance) -> dict[str, Any]:
    """What an example can count on."""

    @hw.asset
    def orders() -> list[int]:
        return [3, 4]

    @hw.asset(automation_condition=hw.AutomationCondition.eager())
    def revenue(orders: list[int]) -> int:
        return sum(orders)

    @hw.asset(partitions_def=hw.DailyPartitionsDefinition("2026-03-01"))
    def daily_orders() -> list[int]:
        return [1, 2]

    @hw.asset_check(asset=orders)
    def orders_not_empty(orders: list[int]) -> bool:
        return bool(orders)

    @hw.op
    def load() -> list[int]:
        return [3, 4]

    @hw.op
    def cleaned(orders: list[int]) -> list[int]:
        return orders

    @hw.op
    def total(orders: list[int]) -> int:
        return sum(orders)

    @hw.op
    def smallest(orders: list[int]) -> int:
        return min(orders)

    @hw.op
    def largest(orders: list[int]) -> int:
        return max(orders)

    @hw.op
    def store(value: object) -> None: ...

    @hw.job
    def load_orders() -> None:
        store(load())

    @hw.job
    def send_report() -> None:
        store(load())

    names = {name: getattr(hw, name) for name in dir(hw) if not name.startswith("_")}
    return {**names, **locals(), "transform": cleaned, "Database": Database, "Path": Path, "os": os, "json": json} | {
        "timedelta": timedelta,
        "datetime": datetime,
        "__name__": "example",
        "defs": hw.Definitions([orders, revenue]),
    }


@pytest.mark.parametrize("example", [pytest.param(one, id=one.name.removeprefix("headwater.")) for one in examples()])
def test_an_example_runs(example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    with hw.Instance.local(tmp_path / "home") as instance:
        instance.report_runless_asset_event(hw.AssetMaterialization("orders"))
        example.globs = shop(instance)
        doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert "".join(said) == ""
