"""Attempts that infrastructure lost: what comes after the one that takes their place."""

from __future__ import annotations

from headwater import AutomationCondition, asset
from headwater.daemon.replay.verify import verify
from headwater.storage import events as e
from headwater.storage import snapshots
from support.world import World, keys_of


@asset(automation_condition=AutomationCondition.missing())
def level() -> None: ...


def test_what_was_lost_and_is_made_again_is_not_asked_for_once_more_while_it_is_being_made() -> None:
    world = World()
    world.define(level)
    (lost,) = world.settle()
    world.end(lost.run_id, "orphaned")
    world.settle()
    world.advance(2)
    (again,) = world.settle()
    world.start(again.run_id, "level")
    assert world.settle() == []
    world.advance(20)
    assert world.settle() == []
    world.advance(11)  # `missing` alone is true as long as nothing is made: once an interval
    assert keys_of(world.settle()) == [["level"]]


def test_a_snapshot_taken_after_an_attempt_was_lost_says_what_the_log_says() -> None:
    world = World()
    world.define(level)
    (lost,) = world.settle()
    world.start(lost.run_id, "level")
    world.end(lost.run_id, "orphaned")
    world.wants_snapshot = True
    world.advance(2)
    assert keys_of(world.settle()) == [["level"]]
    assert [row.offset for row in world.log.snapshots()]
    assert snapshots.check(world.log) == {}


def test_what_waits_for_an_asset_further_up_is_asked_for_together_with_it() -> None:
    C = AutomationCondition

    @asset(automation_condition=C.newly_updated() | C.missing() & C.cron_tick_passed("*/5 * * * *"))
    def top() -> None: ...

    @asset(deps=[top], automation_condition=C.missing() & C.cron_tick_passed("0 0 1 1 *"))
    def middle() -> None: ...

    @asset(deps=[middle], automation_condition=C.missing())
    def bottom() -> None: ...

    world = World()
    world.define(top, middle, bottom)
    targets = tuple(e.Target(asset_key=key) for key in ("top", "middle", "bottom"))
    together = e.RunRequested(run_id=world.ids.new_id(), targets=targets)
    world.append(together)
    assert world.settle() == []
    world.run(together, fail=["top"])
    world.advance(60)
    assert world.settle() == []
    world.advance(600)
    assert keys_of(world.settle()) == [["top"], ["bottom"]]
    assert verify(world.log, everything=True).differences == []
