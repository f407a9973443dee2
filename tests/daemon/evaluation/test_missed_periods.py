"""A period whose dependencies never came is listed as missed (DESIGN: `on_cron` fires once in every period)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from headwater import AssetSpec, AutomationCondition, asset
from headwater.daemon.evaluation.explain import explain_in
from tests.support.world import World

C = AutomationCondition
HOUR = timedelta(hours=1)


def at(hour: int) -> datetime:
    return datetime(2026, 3, 1, hour, tzinfo=UTC)


def hourly_world() -> World:
    """`report` is due every hour, made from `early` and `late`; it is half past five."""
    world = World(start=at(5) + HOUR / 2)

    @asset(deps=["early", "late"], automation_condition=C.on_cron("@hourly"))
    def report() -> None: ...

    world.define(AssetSpec("early"), AssetSpec("late"), report)
    world.run_all()
    return world


def an_hour(world: World, *updated: str) -> None:
    world.advance(HOUR)
    world.run_all()
    for key in updated:
        world.report(key)
    world.run_all()


def missed(world: World) -> list[tuple[datetime, tuple[str, ...]]]:
    return [(one.begins, one.lacking) for one in explain_in(world.log, "report", at=world.clock.now()).missed]


def test_a_period_whose_dependency_never_came_is_listed_with_that_dependency() -> None:
    world = hourly_world()
    an_hour(world, "early", "late")
    an_hour(world, "early")
    an_hour(world, "early", "late")
    assert world.requested("report") == 2
    assert missed(world) == [(at(7), ("late",))]


def test_a_period_that_is_not_over_is_not_missed_yet() -> None:
    world = hourly_world()
    an_hour(world, "early")
    assert missed(world) == []
    an_hour(world)
    assert missed(world) == [(at(6), ("late",))]


def test_periods_in_which_no_daemon_ran_are_missed_but_for_the_last() -> None:
    world = World(start=at(5) + HOUR / 2)

    @asset(automation_condition=C.on_cron("@hourly"))
    def report() -> None: ...

    world.define(report)
    world.run_all()
    world.advance(5 * HOUR)
    world.run_all()
    assert world.requested("report") == 1
    assert missed(world) == [(at(9), ()), (at(8), ()), (at(7), ()), (at(6), ())]


def test_what_a_hand_has_made_in_a_period_was_not_missed() -> None:
    world = hourly_world()
    an_hour(world)
    world.report("report")
    an_hour(world)
    assert missed(world) == []


def test_of_the_time_before_the_asset_had_its_schedule_nothing_is_missed() -> None:
    world = hourly_world()
    assert missed(world) == []
