"""Automation paused, on a dry run, and resumed: of everything, by group, by asset."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headwater import AssetSpec, AutomationCondition, asset
from headwater.daemon.evaluation.explain import explain_in
from headwater.daemon.replay.verify import verify
from headwater.storage import events as e
from tests.support.world import World, keys_of

C = AutomationCondition


def made(name: str, condition: AutomationCondition, **arguments: Any) -> Any:
    @asset(name=name, automation_condition=condition, **arguments)
    def body() -> None: ...

    return body


def world_of(*conditions: AutomationCondition, groups: tuple[str, ...] = ("one", "two")) -> World:
    """Assets a0, a1, ... that read `raw`, in groups; all made once."""
    world = World()
    assets = [
        made(f"a{n}", condition, deps=["raw"], group_name=groups[n % len(groups)])
        for n, condition in enumerate(conditions)
    ]
    world.define(AssetSpec("raw"), *assets)
    world.report("raw")
    world.run_all()
    return world


def switch(world: World, mode: e.AutomationMode, *, groups: tuple[str, ...] = (), assets: tuple[str, ...] = ()) -> None:
    world.append(e.AutomationSwitched(mode=mode, groups=groups, assets=assets))


def asked(world: World) -> list[str]:
    return sorted(key for keys in keys_of(world.settle()) for key in keys)


def dry_decisions(world: World) -> list[str]:
    ticks = [stored.event for stored in world.log.query(types=["tick"], limit=10_000)]
    return [d.asset_key for tick in ticks if isinstance(tick, e.Tick) for d in tick.decisions if d.dry_run]


LATCHED_AND_NOT = [C.eager(), C.any_deps_match(C.newly_updated()), C.any_deps_updated(), C.cron_tick_passed("@hourly")]


@pytest.mark.parametrize("restarts", [False, True])
def test_while_paused_nothing_is_requested_and_on_resume_nothing_was_lost(restarts: bool) -> None:
    world = world_of(*LATCHED_AND_NOT)
    switch(world, "paused")
    assert asked(world) == []
    world.report("raw")
    world.advance(timedelta(hours=1))
    assert asked(world) == []
    if restarts:
        world.restart()
    world.advance(timedelta(minutes=5))
    assert asked(world) == []
    switch(world, "on")
    assert asked(world) == ["a0", "a1", "a2", "a3"]
    assert asked(world) == []


def test_what_was_held_is_not_asked_for_again_once_it_has_run() -> None:
    world = world_of(*LATCHED_AND_NOT)
    switch(world, "paused")
    world.report("raw")
    world.settle()
    switch(world, "on")
    assert len(world.run_all()) >= 1
    world.advance(timedelta(minutes=5))
    assert asked(world) == []


def test_what_a_hand_has_made_during_the_pause_is_not_owed() -> None:
    world = world_of(*LATCHED_AND_NOT[:3])
    switch(world, "paused")
    world.report("raw")
    world.settle()
    for key in ("a0", "a1", "a2"):
        world.report(key)
    switch(world, "on")
    assert asked(world) == []


def test_a_group_or_an_asset_is_paused_alone_and_the_last_word_counts() -> None:
    world = world_of(*[C.eager()] * 4)  # a0 and a2 in "one", a1 and a3 in "two"
    switch(world, "paused", groups=("one",))
    switch(world, "paused", assets=("a3",))
    switch(world, "on", assets=("a2",))
    world.report("raw")
    assert asked(world) == ["a1", "a2"]
    switch(world, "on")
    assert asked(world) == ["a0", "a3"]


def test_a_dry_run_records_its_decision_once_and_requests_nothing() -> None:
    world = world_of(*LATCHED_AND_NOT[:3])
    switch(world, "dry_run")
    assert asked(world) == []
    world.report("raw")
    assert asked(world) == []
    world.advance(timedelta(minutes=5))
    world.report("a0")  # looks at a0 again
    assert asked(world) == []
    assert sorted(dry_decisions(world)) == ["a0", "a1", "a2"]


def test_what_a_dry_run_decided_is_asked_for_when_automation_goes_on() -> None:
    world = world_of(*LATCHED_AND_NOT[:3])
    switch(world, "dry_run")
    world.report("raw")
    world.settle()
    switch(world, "on")
    assert asked(world) == ["a0", "a1", "a2"]


def test_a_dry_run_decides_what_is_downstream_in_the_same_tick_and_leaves_others_alone() -> None:
    world = World()
    first = made("first", C.eager(), deps=["raw"])
    second = made("second", C.eager(), deps=[first])
    real = made("real", C.eager(), deps=[first])
    world.define(AssetSpec("raw"), first, second, real)
    world.report("raw")
    world.run_all()
    switch(world, "dry_run", assets=("first", "second"))
    world.report("raw")
    assert asked(world) == []
    assert dry_decisions(world) == ["first", "second"]


def test_explain_names_the_pause() -> None:
    world = world_of(C.eager())
    switch(world, "paused", assets=("a0",))
    world.report("raw")
    world.settle()
    explanation = explain_in(world.log, "a0")
    assert not explanation.would_be_requested
    assert [wait.kind for wait in explanation.waits] == ["paused"]
    assert explanation.blockers == ()


def test_decided_again_from_the_log_pauses_and_dry_runs_come_to_the_same() -> None:
    world = world_of(*LATCHED_AND_NOT)
    switch(world, "paused", groups=("one",))
    switch(world, "dry_run", groups=("two",))
    world.report("raw")
    world.settle()
    world.advance(timedelta(hours=1))
    world.settle()
    switch(world, "on")
    world.run_all()
    result = verify(world.log)
    assert (result.differences, result.decisions > 4) == ([], True)


def test_a_dry_run_forgets_what_it_decided_along_with_something_upstream_in_the_tick_after() -> None:
    world = World()
    above = made("above", C.eager(), deps=["raw"])
    world.define(AssetSpec("raw"), above, made("below", C.eager(), deps=["above"]))
    world.report("raw")
    world.run_all()
    switch(world, "dry_run")
    world.report("raw")
    world.settle()
    world.advance(60)
    world.report("raw")
    world.settle()
    assert dry_decisions(world) == ["above", "below"] * 2
    assert verify(world.log, everything=True).differences == []


def test_on_a_dry_run_a_pulse_without_a_position_is_decided_each_time_that_it_comes() -> None:
    world = world_of(~(~C.any_deps_match(C.newly_updated())))
    switch(world, "dry_run")
    for times in (1, 2):
        world.advance(31)
        world.report("raw")
        world.settle()
        assert dry_decisions(world) == ["a0"] * times
    assert verify(world.log, everything=True).differences == []


def test_on_a_dry_run_what_held_only_because_of_what_it_reads_was_asked_for_is_decided_anew_the_next_time() -> None:
    world = World()
    first, second = made("first", C.eager(), deps=["raw"]), made("second", C.on_missing(), deps=["first"])
    world.define(AssetSpec("raw"), first, second)
    switch(world, "dry_run")
    for times in (1, 2):
        world.advance(31)
        world.report("raw")
        world.settle()
        assert dry_decisions(world) == ["first", "second"] * times
    assert verify(world.log, everything=True).differences == []
