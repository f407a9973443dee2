"""The watch over freshness under a virtual clock: each change is written once, at its instant, whatever was down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headwater import AssetSpec, AutomationCondition, FreshnessPolicy, asset
from headwater.daemon.freshness import FreshnessWatch
from headwater.storage import events as e
from support.world import START, World

HOUR = timedelta(hours=1)
POLICY = FreshnessPolicy.time_window(fail_window=24 * HOUR, warn_window=20 * HOUR)


class Watched(World):
    """A world whose daemon also watches over freshness."""

    def __init__(self) -> None:
        super().__init__()
        self.watch = FreshnessWatch(self.state)

    def watch_turn(self) -> list[tuple[str, str]]:
        """One look of the watch, as in a turn of the loop; returns what it wrote."""
        self.tick()
        self.watch.observe(self.log.read(0, 100_000))
        changes = self.watch.changed(self.clock.now())
        if changes:
            self.append(*changes)
            self.tick()
        return [(change.asset_key, change.state) for change in changes]

    def restart(self) -> None:
        super().restart()
        self.watch = FreshnessWatch(self.state)


@pytest.fixture
def world() -> Watched:
    world = Watched()
    world.define(AssetSpec("orders", freshness_policy=POLICY), AssetSpec("other"))
    return world


def test_each_change_is_written_once_at_the_instant_at_which_it_happens(world: Watched) -> None:
    assert world.watch_turn() == []
    world.report("orders")
    made_at = world.clock.now()
    assert world.watch_turn() == [("orders", "PASS")]
    assert world.watch_turn() == []
    assert world.watch.next_due == made_at + 20 * HOUR
    world.advance(20 * HOUR)
    assert world.watch_turn() == [("orders", "WARN")]
    world.advance(4 * HOUR)
    assert world.watch_turn() == [("orders", "FAIL")]
    assert world.watch.next_due is None
    world.report("orders")
    assert world.watch_turn() == [("orders", "PASS")]
    changes = [stored.event for stored in world.log.query(types=["freshness_changed"])]
    assert [(c.previous, c.state, c.at) for c in changes if isinstance(c, e.FreshnessChanged)] == [
        ("UNKNOWN", "PASS", made_at),
        ("PASS", "WARN", made_at + 20 * HOUR),
        ("WARN", "FAIL", made_at + 24 * HOUR),
        ("FAIL", "PASS", made_at + 24 * HOUR),
    ]


def test_after_a_downtime_the_state_of_today_is_written_with_the_instant_since_which_it_holds(world: Watched) -> None:
    world.report("orders")
    world.watch_turn()
    world.advance(100 * HOUR)
    world.restart()
    assert world.watch_turn() == [("orders", "FAIL")]
    change = world.log.query(types=["freshness_changed"], newest_first=True, limit=1)[0].event
    assert isinstance(change, e.FreshnessChanged)
    assert change.at == START + 24 * HOUR
    world.restart()
    assert world.watch_turn() == []


def test_what_is_made_again_and_again_keeps_one_place_in_the_heap(world: Watched) -> None:
    for _ in range(100):
        world.report("orders")
        world.watch_turn()
        world.advance(timedelta(minutes=10))
    assert len(world.watch._due) == 1
    world.advance(10 * HOUR)
    assert world.watch_turn() == []  # looked at in vain
    assert world.watch.next_due is not None


def test_a_policy_that_is_taken_away_takes_its_state_along(world: Watched) -> None:
    world.report("orders")
    world.watch_turn()
    world.define(AssetSpec("orders"), AssetSpec("other"))
    world.watch_turn()
    assert world.state.assets["orders"].freshness is None
    world.define(AssetSpec("orders", freshness_policy=FreshnessPolicy.time_window(fail_window=HOUR)))
    world.advance(HOUR)
    assert world.watch_turn() == [("orders", "FAIL")]


def test_a_condition_can_ask_for_the_freshness_of_an_asset_and_of_its_dependencies() -> None:
    world = Watched()

    @asset(
        deps=[AssetSpec("orders", freshness_policy=POLICY)],
        automation_condition=AutomationCondition.any_deps_match(AutomationCondition.freshness_failed()).newly_true(),
    )
    def alarm() -> None: ...

    world.define(alarm)
    world.report("orders")
    world.watch_turn()
    world.settle()
    assert world.requested("alarm") == 0
    world.advance(24 * HOUR)
    world.watch_turn()
    world.settle()
    assert world.requested("alarm") == 1
