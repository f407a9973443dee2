"""`initial_evaluation` is true in one tick, and its end is noticed although nothing else happens."""

from __future__ import annotations

from headwater import AutomationCondition, asset
from headwater.daemon.replay.verify import verify
from support.world import World, keys_of

C = AutomationCondition


def test_what_waits_for_the_end_of_the_first_evaluation_is_asked_for_in_the_next_tick() -> None:
    @asset(automation_condition=~C.initial_evaluation() & C.missing())
    def patient() -> None: ...

    world = World()
    world.define(patient)
    assert world.tick() == []
    assert keys_of(world.settle()) == [["patient"]]


def test_a_latch_on_the_first_evaluation_forgets_the_level_in_the_next_tick() -> None:
    @asset(automation_condition=C.initial_evaluation().since(C.in_progress()) & C.in_progress())
    def latched() -> None: ...

    world = World()
    world.define(latched)
    world.settle()
    world.report("latched")
    world.settle()
    assert verify(world.log, everything=True).differences == []
