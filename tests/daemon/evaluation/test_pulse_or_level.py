"""A latch whose trigger is a pulse or a level: what the level alone says when the pulse is over."""

from __future__ import annotations

from headwater import AssetSpec, AutomationCondition, asset
from headwater.daemon.replay.verify import verify
from support.world import World

C = AutomationCondition


def test_a_level_behind_a_pulse_is_latched_in_the_tick_after_the_pulse_and_not_by_chance_later() -> None:
    @asset(automation_condition=(C.cron_tick_passed("*/7 * * * *") | C.in_latest_time_window()).since(C.missing()))
    def both() -> None: ...

    world = World()
    world.define(both, AssetSpec("beside"))
    world.settle()
    world.report("both")
    world.settle()
    world.advance(600)
    world.settle()
    world.report("beside")
    world.settle()
    world.report("both")
    world.settle()
    assert verify(world.log, everything=True).differences == []
