"""Eager between windows of different lengths: what an update touches, and what holds a window back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from headwater.daemon.evaluation.explain import explain_in
from headwater.daemon.runs.handing import handed_inputs
from headwater.definitions.asset import asset
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.dependencies import AssetDep
from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    LastPartitionMapping,
    TimeWindowPartitionMapping,
)
from headwater.definitions.spec import AssetSpec
from headwater.storage import events as e
from support.world import World, parts_of

EAGER = AutomationCondition.eager()
HOURS = HourlyPartitionsDefinition("2026-02-26")
DAYS = DailyPartitionsDefinition("2026-02-26")
hits = AssetSpec("hits", partitions_def=HOURS)


@asset(deps=[hits], partitions_def=DAYS, automation_condition=EAGER)
def day() -> None: ...


@asset(deps=[AssetDep("hits", partition_mapping=LastPartitionMapping())], automation_condition=EAGER)
def latest() -> None: ...


def hours_of(date: str) -> list[str]:
    return [f"{date}-{hour:02}:00" for hour in range(24)]


def world_with(*assets: Any, filled: tuple[str, ...] = ()) -> World:
    world = World(start=datetime(2026, 3, 1, tzinfo=UTC))
    world.define(*assets)
    for date in filled:
        for hour in hours_of(date):
            world.report("hits", hour)
    return world


def test_a_day_waits_until_each_of_its_hours_is_there() -> None:
    world = world_with(hits, day)
    *most, last = hours_of("2026-02-28")
    for hour in most:
        world.report("hits", hour)
    assert world.settle() == []
    world.report("hits", last)
    assert parts_of(world.settle()) == [("day", "2026-02-28")]


def test_an_update_of_one_hour_builds_its_day_again_and_no_other() -> None:
    world = world_with(hits, day, filled=("2026-02-26", "2026-02-27", "2026-02-28"))
    assert len(world.run_all()) == 3
    world.advance(timedelta(minutes=1))
    world.report("hits", "2026-02-27-13:00")
    assert parts_of(world.run_all()) == [("day", "2026-02-27")]


def test_a_day_is_handed_its_own_hours() -> None:
    world = world_with(hits, day, filled=("2026-02-27", "2026-02-28"))
    runs = world.settle()
    assert world.state.definitions is not None
    target = e.Target(asset_key="day", partitions=(("2026-02-27", "2026-02-27"),))
    assert target in [target for run in runs for target in run.targets]
    handed = handed_inputs(world.state, world.state.definitions, [target], at=world.clock.now())
    assert handed == {"day": {"hits": (("2026-02-27-00:00", "2026-02-27-23:00"),)}}


def test_an_hour_that_lands_after_the_keys_were_chosen_builds_the_day_once_more() -> None:
    world = world_with(hits, day, filled=("2026-02-27", "2026-02-28"))
    runs = {run.targets[0].partitions: run for run in world.settle()}
    first, other = runs[(("2026-02-27", "2026-02-27"),)], runs[(("2026-02-28", "2026-02-28"),)]
    chosen = world.state.through
    world.report("hits", "2026-02-27-05:00")
    world.report("hits", "2026-02-28-05:00")  # the newer one, of another day
    world.start(first.run_id, "day", read_through=chosen)
    world.finish(first.run_id, "day")
    world.end(first.run_id)
    world.start(other.run_id, "day", read_through=world.log.head().offset)
    world.finish(other.run_id, "day")
    world.end(other.run_id)
    world.advance(timedelta(minutes=1))
    assert parts_of(world.run_all()) == [("day", "2026-02-27")]


def test_today_waits_for_hours_that_do_not_exist_yet() -> None:
    @asset(
        deps=[hits],
        partitions_def=DailyPartitionsDefinition("2026-02-26", end_offset=1),
        automation_condition=EAGER,
    )
    def today() -> None: ...

    world = world_with(hits, today)
    world.advance(timedelta(hours=2))
    world.report("hits", "2026-03-01-00:00")
    world.report("hits", "2026-03-01-01:00")
    assert world.settle() == []
    explanation = explain_in(world.log, "today", partition="2026-03-01", at=world.clock.now())
    [missing] = explanation.blockers
    assert missing.needed == "it has to be made or reported; 22 of these partitions do not exist yet"


def test_today_is_built_from_the_hours_there_are_where_that_is_allowed() -> None:
    mapping = TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)

    @asset(
        deps=[AssetDep("hits", partition_mapping=mapping)],
        partitions_def=DailyPartitionsDefinition("2026-02-26", end_offset=1),
        automation_condition=EAGER,
    )
    def today() -> None: ...

    world = world_with(hits, today)
    world.advance(timedelta(hours=2))
    world.report("hits", "2026-03-01-00:00")
    world.report("hits", "2026-03-01-01:00")
    assert parts_of(world.settle()) == [("today", "2026-03-01")]


def test_hours_are_built_from_their_day() -> None:
    days = AssetSpec("days", partitions_def=DAYS)

    @asset(deps=[days], partitions_def=HOURS, automation_condition=EAGER)
    def hour() -> None: ...

    world = world_with(days, hour)
    world.report("days", "2026-02-27")
    assert parts_of(world.settle()) == [("hour", key) for key in hours_of("2026-02-27")]


def test_a_day_also_follows_the_day_before_where_its_mapping_says_so() -> None:
    days = AssetSpec("days", partitions_def=DAYS)

    @asset(
        deps=[AssetDep("days", partition_mapping=TimeWindowPartitionMapping(start_offset=-1))],
        partitions_def=DAYS,
        automation_condition=EAGER,
    )
    def change() -> None: ...

    world = world_with(days, change)
    for date in ("2026-02-26", "2026-02-27", "2026-02-28"):
        world.report("days", date)
    assert len(world.run_all()) == 3  # the first has no day before it, and does not wait for one
    world.advance(timedelta(minutes=1))
    world.report("days", "2026-02-27")
    assert parts_of(world.run_all()) == [("change", "2026-02-27"), ("change", "2026-02-28")]


def test_only_the_last_hour_concerns_what_reads_the_last() -> None:
    world = world_with(hits, latest, filled=("2026-02-28",))
    assert len(world.run_all()) == 1
    world.advance(timedelta(minutes=1))
    world.report("hits", "2026-02-28-03:00")
    assert world.run_all() == []
    world.report("hits", "2026-02-28-23:00")
    assert parts_of(world.run_all()) == [("latest", None)]
