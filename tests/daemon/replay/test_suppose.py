"""History under other definitions: the same definitions ask for the same, others for what they would have."""

from __future__ import annotations

from headwater.daemon.replay.comparison import Comparison
from headwater.daemon.replay.suppose import suppose
from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.checks import asset_check
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.definitions import Definitions
from headwater.definitions.partitions import DailyPartitionsDefinition
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from support.world import World

EAGER = AutomationCondition.eager()
DAILY = DailyPartitionsDefinition(start_date="2026-02-26")
RAW = AssetSpec("raw", partitions_def=DAILY)
ORDERS = AssetSpec("orders")


@asset(automation_condition=EAGER, partitions_def=DAILY)
def clean(raw): ...


@asset(automation_condition=EAGER)
def total(orders): ...


@asset(automation_condition=EAGER)
def report(total): ...


@asset_check(asset="total", blocking=True)
def sound(): ...


ALL = (RAW, ORDERS, clean, total, report)


def slow_run(world: World, run: e.RunRequested, seconds: float) -> None:
    """Every step takes so long."""
    for target in run.targets:
        world.start(run.run_id, target.asset_key)
        world.advance(seconds)
        world.finish(run.run_id, target.asset_key)
    world.end(run.run_id)


def some_hours() -> World:
    """Orders are reported every hour for six hours, raw days in between; each step takes a minute."""
    world = World()
    world.define(*ALL, checks=[sound])
    for hour in range(6):
        world.report("orders")
        if hour < 3:
            world.report("raw", f"2026-02-2{6 + hour}")
        while runs := world.settle():
            for run in runs:
                slow_run(world, run, 60)
        world.advance(3600)
    world.report("nobody")
    return world


def supposed(world: World, *assets: object, since: int = 0) -> Comparison:
    definitions = DefinitionsSnapshot.of(Definitions(assets=list(assets), asset_checks=[sound]))  # type: ignore[arg-type]
    return suppose(world.log, definitions, since=since)


def test_the_same_definitions_ask_for_the_same_runs() -> None:
    result = supposed(some_hours(), *ALL)
    assert result.not_requested == []
    assert result.newly_requested == []
    assert {one.key: (one.recorded, one.supposed) for one in result.assets} == {
        "total": (6, 6),
        "report": (6, 6),
        "clean": (3, 3),
    }
    assert result.recorded_s == result.supposed_s == 15 * 60
    assert result.unmeasured == ("total:sound",)  # the hand that plays workers here evaluates it in the asset's step


def test_an_asset_on_a_timer_instead_is_asked_for_less_and_costs_less() -> None:
    @asset(automation_condition=AutomationCondition.on_cron("0 3 * * *"))
    def report(total): ...

    result = supposed(some_hours(), RAW, ORDERS, clean, total, report)
    asked = {one.key: (one.recorded, one.supposed) for one in result.assets}
    assert asked["total"] == (6, 6)
    assert asked["report"] == (6, 1)
    assert result.supposed_s < result.recorded_s
    assert result.to_json()["supposed"]["took_s"] == result.supposed_s


def test_a_new_asset_is_asked_for_and_has_no_known_duration() -> None:
    @asset(automation_condition=EAGER)
    def summary(report): ...

    result = supposed(some_hours(), *ALL, summary)
    assert {one.key: one.supposed for one in result.assets}["summary"] == 6
    assert result.unmeasured == ("summary", "total:sound")


def test_only_what_came_behind_the_moment_is_run_again() -> None:
    world = some_hours()
    reports = [stored.offset for stored in world.log.query(asset_key="orders")]
    result = supposed(world, *ALL, since=reports[3] - 1)
    assert {one.key: (one.recorded, one.supposed) for one in result.assets} == {"total": (3, 3), "report": (3, 3)}


def test_runs_by_hand_are_taken_as_they_were() -> None:
    world = World()
    world.define(*ALL, checks=[sound])
    world.append(e.RunRequested(run_id="by-hand", targets=(e.Target(asset_key="total"),)))
    world.run_all()
    world.start("by-hand", "total")
    world.finish("by-hand", "total")
    world.end("by-hand")
    world.run_all()
    result = supposed(world, *ALL)
    assert {one.key: (one.recorded, one.supposed) for one in result.assets} == {"report": (1, 1)}
    result = supposed(world, RAW, ORDERS, clean, total)
    assert [run.targets[0].asset_key for run in result.not_requested] == ["report"]
    assert result.supposed == []


def test_a_backfill_by_hand_is_made_of_new_runs() -> None:
    world = World()
    world.define(*ALL, checks=[sound])
    targets = (e.Target(asset_key="clean", partitions=(("2026-02-26", "2026-02-27"),)),)
    world.append(e.BackfillRequested(backfill_id="b1", targets=targets))
    world.run_all()
    world.advance(10)
    world.report("nobody")
    result = supposed(world, *ALL)
    assert {one.key: (one.recorded, one.supposed) for one in result.assets} == {"clean": (2, 2)}
    assert result.not_requested == []
