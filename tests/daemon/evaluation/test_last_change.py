"""Explain names the event that made a node what it is: the one about these partitions, and not the newest around."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater import AssetSpec, AutomationCondition, DailyPartitionsDefinition, asset
from headwater.daemon.evaluation.explain import ExplainedNode, explain_in
from headwater.storage import events as e
from tests.support.world import World

C = AutomationCondition
DAYS = DailyPartitionsDefinition("2026-02-26", end_date="2026-03-01")


def made(name: str, condition: AutomationCondition | None = None, **arguments: Any) -> Any:
    @asset(name=name, automation_condition=condition, **arguments)
    def body() -> None: ...

    return body


def node(world: World, name: str, at_key: str, *, of: str, partition: str | None = None) -> ExplainedNode:
    tree = explain_in(world.log, of, partition=partition).tree
    found: list[ExplainedNode] = [tree] if tree else []
    for one in found:
        found.extend(one.children)
    return next(one for one in found if (one.name, one.asset_key) == (name, at_key))


@pytest.fixture
def daily() -> World:
    world = World()
    world.define(AssetSpec("raw", partitions_def=DAYS), made("table", C.eager(), deps=["raw"], partitions_def=DAYS))
    world.settle()
    return world


def offsets(world: World, *types: str, key: str | None = None) -> list[int]:
    return [stored.offset for stored in world.log.query(asset_key=key, types=types)]


def test_of_a_partition_it_is_an_event_about_that_partition(daily: World) -> None:
    first = daily.report("raw", "2026-02-26")
    daily.run_all()
    daily.report("raw", "2026-02-27")
    daily.run_all()
    told = node(daily, "newly_updated", "raw", of="table", partition="2026-02-26")
    assert (told.changed_offset, told.changed_by) == (first, "asset_materialized")
    [made_at, _] = offsets(daily, "asset_materialized", key="table")
    assert node(daily, "missing", "table", of="table", partition="2026-02-26").changed_offset == made_at


def test_what_is_made_again_is_not_missing_since_it_was_made_the_first_time(daily: World) -> None:
    for _ in range(2):
        daily.report("raw", "2026-02-26")
        daily.run_all()
    [first, _] = offsets(daily, "asset_materialized", key="table")
    assert node(daily, "missing", "table", of="table", partition="2026-02-26").changed_offset == first


def test_what_was_wiped_is_missing_since_then(daily: World) -> None:
    daily.report("raw", "2026-02-26")
    daily.run_all()
    wiped = daily.append(e.AssetWiped(asset_key="table", partitions=(("2026-02-26", "2026-02-26"),)))
    told = node(daily, "missing", "table", of="table", partition="2026-02-26")
    assert (told.is_true, told.changed_offset, told.changed_by) == (True, wiped, "asset_wiped")


def test_what_is_under_way_is_so_since_it_was_requested_and_not_since_it_was_made_or_given_up(daily: World) -> None:
    daily.report("raw", "2026-02-26")
    [run] = daily.settle()
    [requested] = offsets(daily, "run_requested")
    told = node(daily, "in_progress", "table", of="table", partition="2026-02-26")
    assert (told.is_true, told.changed_offset) == (True, requested)
    cancelled = daily.end(run.run_id, "cancelled")
    told = node(daily, "in_progress", "table", of="table", partition="2026-02-26")
    assert (told.is_true, told.changed_offset, told.changed_by) == (False, cancelled, "run_cancelled")


def test_handled_names_the_start_of_the_attempt_that_has_read(daily: World) -> None:
    daily.report("raw", "2026-02-26")
    daily.run_all()
    told = node(daily, "handled", "table", of="table", partition="2026-02-26")
    assert (told.changed_offset, told.changed_by) == (offsets(daily, "step_started")[0], "step_started")


def test_a_latch_that_a_schedule_has_set_names_the_instant_and_no_event() -> None:
    world = World(start=datetime(2026, 3, 1, 5, 30, tzinfo=UTC))
    world.define(AssetSpec("raw"), made("report", C.on_cron("0 6 * * *"), deps=["raw"]))
    world.settle()
    world.advance(timedelta(hours=1))
    world.tick()
    world.report("raw")
    tree = explain_in(world.log, "report", at=world.clock.now()).tree
    assert tree is not None
    latch, six = tree.children[1], datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert (latch.is_true, latch.changed_by, latch.changed_at, latch.changed_offset) == (True, "schedule", six, None)


def test_a_schedule_that_has_not_just_fired_says_when_it_last_did() -> None:
    world = World(start=datetime(2026, 3, 1, 5, 30, tzinfo=UTC))
    world.define(made("report", C.on_cron("0 6 * * *")))
    world.settle()
    world.advance(timedelta(hours=1))
    world.run_all()
    world.advance(timedelta(hours=1))
    tree = explain_in(world.log, "report", at=world.clock.now()).tree
    assert tree is not None
    cron = tree.children[1].children[0]
    assert (cron.is_true, cron.changed_by, cron.changed_at) == (False, "schedule", datetime(2026, 3, 1, 6, tzinfo=UTC))
