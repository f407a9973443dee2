"""The log at any of its moments, and what changed between two."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.checks import asset_check
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.errors import InvalidInvocationError
from headwater.definitions.partitions import DailyPartitionsDefinition
from headwater.storage import History
from headwater.storage import events as e
from support.world import START, World

DAILY = DailyPartitionsDefinition(start_date="2026-02-27")
EAGER = AutomationCondition.eager()


@asset(automation_condition=EAGER, partitions_def=DAILY)
def clean(raw): ...


@asset(automation_condition=EAGER)
def total(orders): ...


@asset_check(asset="total")
def sound(): ...


RAW = AssetSpec("raw", partitions_def=DAILY)
ORDERS = AssetSpec("orders")


def history_of(world: World) -> History:
    return History(world.log)


def test_a_moment_is_what_had_been_folded_by_then() -> None:
    world = World()
    world.define(RAW, ORDERS, clean, total, checks=[sound])
    world.report("orders")
    before = world.report("raw", "2026-02-27")
    world.run_all()
    history = history_of(world)
    then, now = history.at(before), history.at(world.log.head().offset)
    assert set(then.assets) == {"raw", "orders", "clean", "total"}
    assert (then.assets["clean"].materialized, then.assets["clean"].missing, then.assets["clean"].total) == (0, 2, 2)
    assert (now.assets["clean"].materialized, now.assets["clean"].missing) == (1, 1)
    assert then.assets["total"].last_materialized is None
    assert now.assets["total"].last_materialized == START
    assert now.assets["total"].checks["sound"].passed == 1
    assert now.runs == ()


def test_runs_under_way_are_told_with_their_steps() -> None:
    world = World()
    world.define(ORDERS, total)
    world.report("orders")
    (run,) = world.settle()
    requested = world.log.head().offset
    world.start(run.run_id, "total")
    history = history_of(world)
    assert [(one.run_id, one.started, one.under_way) for one in history.at(requested).runs] == [(run.run_id, False, ())]
    (now,) = history.at(world.log.head().offset).runs
    assert (now.started, now.under_way, now.assets) == (True, ("total",), ("total",))
    assert history.at(world.log.head().offset).assets["total"].in_progress == 1


def test_an_instant_is_the_last_event_by_then() -> None:
    world = World()
    offsets = []
    for _ in range(9):
        world.report("orders")
        offsets.append(world.report("orders"))
        world.advance(60)
    history = history_of(world)
    for minute, offset in enumerate(offsets):
        assert history.offset_of(START + timedelta(minutes=minute)) == offset
        assert history.offset_of(START + timedelta(minutes=minute, seconds=59)) == offset
    assert history.offset_of(START - timedelta(seconds=1)) == 0
    assert history.offset_of(START + timedelta(days=900)) == offsets[-1]


def test_an_instant_sees_the_partitions_that_had_come_to_exist() -> None:
    world = World()
    world.define(RAW, clean)
    history = history_of(world)
    assert history.at(START).assets["clean"].total == 2
    assert history.at(START + timedelta(days=5)).assets["clean"].total == 7


def test_before_the_first_event_there_is_nothing() -> None:
    world = World()
    world.report("orders")
    assert history_of(world).at(0).assets == {}
    assert history_of(world).at(1).assets["orders"].missing is None


def test_an_offset_beyond_the_log_and_an_instant_without_a_zone_are_refused() -> None:
    history = history_of(World())
    with pytest.raises(InvalidInvocationError, match="from 1 to 0"):
        history.at(5)
    with pytest.raises(InvalidInvocationError, match="no time zone"):
        history.at(START.replace(tzinfo=None))


def test_a_difference_tells_what_was_made_and_what_failed() -> None:
    world = World()
    world.define(RAW, ORDERS, clean, total, checks=[sound])
    first = world.report("orders")
    world.report("raw", "2026-02-27")
    world.run_all(fail=["clean"])
    diff = history_of(world).diff(first, world.log.head().offset)
    assert diff.assets["raw"].materialized == {"2026-02-27": 1}
    assert diff.assets["total"].materialized == {None: 1}
    assert diff.assets["clean"].failed == {"2026-02-27": 1}
    assert sorted(run.outcome or "" for run in diff.runs.values()) == ["failed", "succeeded"]
    assert all(run.requested_at and run.started_at and run.ended_at for run in diff.runs.values())
    assert diff.definitions is None
    made = next(one for one in diff.to_json()["assets"] if one["key"] == "raw")
    assert made["materialized"] == [{"partition": "2026-02-27", "count": 1}]


def test_a_difference_tells_which_checks_flipped_and_what_freshness_became() -> None:
    world = World()
    world.define(ORDERS, total, checks=[sound])
    first = world.check("total", "sound", passed=True)
    world.append(
        e.FreshnessChanged(asset_key="orders", state="FAIL", previous="UNKNOWN", at=START),
    )
    world.check("total", "sound", passed=False)
    last = world.log.head().offset
    diff = history_of(world).diff(first, last)
    assert [(one.asset_key, one.name, one.before, one.after) for one in diff.checks] == [
        ("total", "sound", "passed", "failed")
    ]
    assert [(one.asset_key, one.before, one.after) for one in diff.freshness] == [("orders", None, "FAIL")]
    assert history_of(world).diff(last, last).checks == []


def test_a_difference_tells_which_definitions_changed() -> None:
    world = World()
    world.define(RAW, ORDERS, clean, total)
    first = world.log.head().offset
    world.define(RAW, AssetSpec("orders", description="all of them"), AssetSpec("more"), clean)
    diff = history_of(world).diff(first, world.log.head().offset).definitions
    assert diff is not None
    assert (diff.added, diff.removed, diff.changed) == (("more",), ("total",), ("orders",))


def test_moments_in_the_wrong_order_are_refused() -> None:
    world = World()
    world.report("orders")
    with pytest.raises(InvalidInvocationError, match="earlier moment first"):
        history_of(world).diff(1, 0)


def test_a_difference_says_json_in_utc() -> None:
    world = World()
    world.report("orders")
    zone = datetime(2026, 3, 1, 5, tzinfo=UTC).astimezone()
    assert history_of(world).at(zone).to_json()["at"] == "2026-03-01T05:00:00.000000+00:00"


def test_naming_the_room_imports_nothing() -> None:
    code = "import sys, headwater.storage; print('headwater.storage.log' in sys.modules); headwater.storage.History"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
