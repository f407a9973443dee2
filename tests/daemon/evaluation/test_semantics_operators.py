"""SEMANTICS part 3 (operators): positions, latches, pulses, the interval, and our own expansion of eager."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headwater import AssetSpec, AutomationCondition, DailyPartitionsDefinition, StaticPartitionsDefinition, asset
from headwater.storage import events as e
from support.world import World, keys_of, parts_of

C = AutomationCondition
EAGER = C.eager()
DAYS = DailyPartitionsDefinition("2026-02-26")  # when a world begins, the 26th to the 28th exist
LETTERS = StaticPartitionsDefinition(["a", "b"])


def made(name: str, condition: AutomationCondition | None, *deps: str, partitions: Any = None) -> Any:
    @asset(name=name, automation_condition=condition, deps=deps, partitions_def=partitions)
    def body() -> None: ...

    return body


def updated(key: str) -> AutomationCondition:
    """A latch: `key` was updated since an attempt of the asset has read it."""
    return C.asset_matches(key, C.newly_updated()).since_last_handled()


def world_of(condition: AutomationCondition) -> World:
    """`report` is made from `left` and `right`, all of which has been made once by hand."""
    world = World()
    world.define(AssetSpec("left"), AssetSpec("right"), made("report", condition, "left", "right"))
    for key in ("left", "right", "report"):
        world.report(key)
    world.run_all()
    return world


def reason(world: World) -> float:
    """The position that `report` was last asked for because of."""
    ticks = [s.event for s in world.log.query(types=["tick"], newest_first=True) if isinstance(s.event, e.Tick)]
    tick, decision = next((tick, one) for tick in ticks for one in tick.decisions if one.asset_key == "report")
    [cause] = tick.causes_of(decision)
    return cause.position


# ---- positions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [C.any_deps_updated(), updated("left") | updated("right"), C.all_deps_match(C.newly_updated())],
)
def test_of_several_true_children_the_largest_position_counts(condition: AutomationCondition) -> None:
    world = world_of(condition)
    world.report("left")
    second = world.report("right")
    assert keys_of(world.settle()) == [["report"]]
    assert reason(world) == second


def test_the_position_of_an_and_is_the_largest_of_all() -> None:
    world = world_of(updated("left") & updated("right"))
    first = world.report("right")
    assert world.settle() == []
    second = world.report("left")
    assert keys_of(world.settle()) == [["report"]]
    assert reason(world) == second > first


def test_a_level_that_turns_true_takes_the_position_of_the_tick() -> None:
    world = world_of(C.execution_failed().newly_true())
    world.append(e.RunRequested(run_id="by-hand", targets=(e.Target(asset_key="report"),)))
    world.run(world._requested("by-hand"), fail=["report"])
    through = world.log.head().offset
    assert keys_of(world.tick()) == [["report"]]
    assert reason(world) == through


# ---- since -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger_first", [True, False])
def test_within_one_tick_a_latch_is_cleared_by_a_reset_that_came_after_its_trigger_and_by_no_other(
    trigger_first: bool,
) -> None:
    latch = C.asset_matches("left", C.newly_updated()).since(C.asset_matches("right", C.newly_updated()))
    world = world_of(latch)
    for key in ("left", "right") if trigger_first else ("right", "left"):
        world.report(key)
    assert len(world.settle()) == (0 if trigger_first else 1)


def test_a_latch_keeps_the_position_of_its_trigger_and_a_newer_trigger_takes_its_place() -> None:
    world = world_of(updated("left") & C.execution_failed())
    world.report("left")
    world.settle()
    newer = world.report("left")
    world.settle()
    [(_, latched)] = [
        (node, causes) for node, causes in world.state.memory.nodes["report"].items() if not node.startswith("seen:")
    ]
    assert [position for position, _ in latched.groups] == [newer]


def test_handled_speaks_through_the_start_of_the_attempt_that_has_read() -> None:
    world = world_of(EAGER)
    world.report("left")
    [run] = world.settle()
    world.start(run.run_id, "report")
    world.report("left")  # behind the start: not read
    world.settle()
    world.finish(run.run_id, "report")
    world.end(run.run_id)
    assert keys_of(world.settle()) == [["report"]]


# ---- pulses ----------------------------------------------------------------------------------------------------------


def test_a_pulse_is_true_in_exactly_one_tick() -> None:
    world = world_of(C.any_deps_match(C.newly_updated()) & C.execution_failed())
    world.report("left")
    assert world.tick() == []
    world.append(e.RunRequested(run_id="by-hand", targets=(e.Target(asset_key="report"),)))
    world.run(world._requested("by-hand"), fail=["report"])
    assert world.settle() == []


def test_a_tick_with_pulses_schedules_one_follow_up_for_the_readers_of_those_pulses_only() -> None:
    world = World()
    world.define(
        AssetSpec("source"),
        made("reader", ~C.any_deps_match(C.newly_updated()) & C.execution_failed(), "source"),
        made("beside", C.any_deps_missing(), "source"),
    )
    world.settle()
    world.report("source")
    world.tick()
    assert world.outcomes[-1].follow_up
    world.tick()
    assert world.outcomes[-1].visited == ["reader"]
    assert not world.outcomes[-1].follow_up


def test_will_be_requested_never_latches() -> None:
    world = World()
    below = made(
        "below", C.any_deps_match(C.will_be_requested()).since(C.newly_requested()) & C.execution_failed(), "top"
    )
    world.define(AssetSpec("source"), made("top", EAGER, "source"), below)
    world.report("source")
    world.run_all()
    target = e.Target(asset_key="below")
    world.append(e.RunRequested(run_id="by-hand", targets=(target,)))
    world.run(world._requested("by-hand"), fail=["below"])
    assert world.settle() == []


# ---- the interval ----------------------------------------------------------------------------------------------------


def test_a_level_is_asked_for_again_because_of_the_same_event_after_the_interval_and_of_a_newer_one_at_once() -> None:
    world = world_of(C.any_deps_updated().since(C.in_progress().newly_true() & C.missing()))
    world.report("left")
    [run] = world.settle()
    world.run(run)
    assert world.settle() == []
    world.advance(29)
    assert world.settle() == []
    world.advance(1)
    [run] = world.settle()
    world.run(run)
    assert world.settle() == []
    world.report("right")
    assert keys_of(world.settle()) == [["report"]]


# ---- our own expansion of eager --------------------------------------------------------------------------------------


def days_world(condition: AutomationCondition) -> World:
    world = World()
    world.define(AssetSpec("source", partitions_def=DAYS), made("table", condition, "source", partitions=DAYS))
    return world


def test_missing_alone_is_a_trigger_only_in_the_latest_window() -> None:
    world = days_world(EAGER.without(C.any_deps_missing()))
    assert parts_of(world.run_all()) == [("table", "2026-02-28")]


def test_without_the_clause_about_the_latest_window_all_that_is_missing_is_a_trigger() -> None:
    everything = EAGER.without(C.any_deps_missing()).without("in_latest_time_window")
    world = days_world(everything)
    assert parts_of(world.run_all()) == [("table", f"2026-02-{day}") for day in (26, 27, 28)]


def test_an_update_is_a_trigger_for_every_partition_that_it_maps_to_missing_or_not() -> None:
    world = days_world(EAGER)
    world.report("source", "2026-02-26")
    assert parts_of(world.run_all()) == [("table", "2026-02-26")]
    world.report("source", "2026-02-26")
    assert parts_of(world.run_all()) == [("table", "2026-02-26")]
    world = World()
    world.define(AssetSpec("whole"), made("table", EAGER, "whole", partitions=DAYS))
    world.report("whole")
    assert parts_of(world.run_all()) == [("table", f"2026-02-{day}") for day in (26, 27, 28)]


@pytest.mark.parametrize(("partitions", "count"), [(None, 1), (LETTERS, 2)])
def test_without_windows_all_that_is_missing_is_a_trigger(partitions: Any, count: int) -> None:
    world = World()
    world.define(made("table", EAGER, partitions=partitions))
    assert len(world.run_all()) == count


def test_a_window_that_opens_later_is_newly_missing_then() -> None:
    world = days_world(EAGER.without(C.any_deps_missing()))
    world.run_all()
    world.advance(timedelta(days=1))
    assert parts_of(world.run_all()) == [("table", "2026-03-01")]
