"""on_cron and on_missing: cron instants as positions in the log, time zones, downtime, and missing partitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from headwater.daemon.evaluation.firing import last_firing
from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.partitions import DailyPartitionsDefinition
from support.world import START, World, keys_of, parts_of

HOURLY = AutomationCondition.on_cron("0 * * * *")
DAILY = DailyPartitionsDefinition(start_date="2026-02-26")

SOURCE = AssetSpec("source")


@asset(automation_condition=HOURLY)
def root(): ...


@asset(automation_condition=HOURLY)
def summary(source): ...


def world_of(*assets: object) -> World:
    world = World(start=START + timedelta(minutes=30))
    world.define(SOURCE, *assets)
    world.settle()
    return world


def test_nothing_is_requested_before_the_first_firing() -> None:
    world = world_of(root)
    assert world.requested("root") == 0
    assert world.next_due == START + timedelta(hours=1)


def test_a_root_asset_is_requested_once_in_every_period() -> None:
    world = world_of(root)
    for hour in range(1, 25):
        world.clock.set(START + timedelta(hours=hour))
        assert keys_of(world.run_all()) == [["root"]], f"hour {hour}"
        world.advance(60)
        assert world.run_all() == []


def test_a_firing_while_the_asset_is_being_built_counts_for_the_next_attempt() -> None:
    world = world_of(root)
    world.clock.set(START + timedelta(hours=1))
    [run] = world.settle()
    world.start(run.run_id, "root")
    world.clock.set(START + timedelta(hours=2))
    world.settle()
    world.finish(run.run_id, "root")
    world.end(run.run_id)
    assert world.requested("root") + len(world.settle()) == 2


def test_a_cron_that_passed_five_times_during_a_downtime_requests_once() -> None:
    world = world_of(root)
    world.restart()
    world.advance(timedelta(hours=5))
    assert keys_of(world.run_all()) == [["root"]]


def test_a_downstream_waits_until_its_dependency_was_updated_after_the_firing() -> None:
    world = world_of(summary)
    world.report("source")
    world.settle()
    world.clock.set(START + timedelta(hours=1))
    assert world.settle() == []
    world.advance(600)
    world.report("source")
    assert keys_of(world.settle()) == [["summary"]]


def test_an_update_that_landed_just_after_the_firing_counts_in_the_same_tick() -> None:
    world = world_of(summary)
    world.clock.set(START + timedelta(hours=1, seconds=1))
    world.report("source")  # the tick sees the firing and the update together: the firing stands before
    assert keys_of(world.settle()) == [["summary"]]


def test_an_update_that_landed_just_before_the_firing_does_not_count() -> None:
    world = world_of(summary)
    world.clock.set(START + timedelta(minutes=59))
    world.report("source")
    world.clock.set(START + timedelta(hours=1, seconds=1))
    assert world.settle() == []


def test_a_chain_on_one_cron_is_requested_in_one_run() -> None:
    @asset(automation_condition=HOURLY)
    def below(root): ...

    world = world_of(root, below)
    world.clock.set(START + timedelta(hours=1))
    assert keys_of(world.settle()) == [["root", "below"]]


def test_cron_is_read_in_its_time_zone() -> None:
    @asset(automation_condition=AutomationCondition.on_cron("0 6 * * *", "America/New_York"))
    def report(): ...

    world = world_of(report)
    assert world.next_due == datetime(2026, 3, 1, 11, tzinfo=UTC)  # 06:00 at UTC-5
    world.clock.set(datetime(2026, 3, 9, 9, 59, tzinfo=UTC))
    world.run_all()
    world.clock.set(datetime(2026, 3, 9, 10, tzinfo=UTC))  # summer time since the 8th: UTC-4
    assert keys_of(world.run_all()) == [["report"]]


def test_last_firing_takes_the_end_of_the_interval_in_and_leaves_its_beginning_out() -> None:
    six = datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert last_firing("0 6 * * *", "UTC", after=six - timedelta(seconds=1), until=six) == six
    assert last_firing("0 6 * * *", "UTC", after=six, until=six + timedelta(hours=23)) is None
    assert last_firing("0 6 * * *", "UTC", after=six, until=six + timedelta(days=3)) == six + timedelta(days=3)


def test_on_missing_fills_the_latest_window_once_its_dependency_is_there() -> None:
    @asset(automation_condition=AutomationCondition.on_missing(), partitions_def=DAILY)
    def filled(source): ...

    world = World()
    world.define(SOURCE, filled)
    assert world.run_all() == []
    world.report("source")
    assert parts_of(world.run_all()) == [("filled", "2026-02-28")]
    world.report("source")
    assert world.run_all() == []  # an update is no trigger for on_missing
    world.advance(timedelta(days=1))
    assert parts_of(world.run_all()) == [("filled", "2026-03-01")]


def test_a_level_that_stays_true_is_not_a_run_storm() -> None:
    @asset(automation_condition=AutomationCondition.missing())
    def stubborn(): ...

    world = World()
    world.define(SOURCE, stubborn)
    runs = world.settle()
    assert len(runs) == 1
    world.run(runs[0], fail=["stubborn"])
    assert world.settle() == []
    assert world.next_due == START + timedelta(seconds=30)
    world.advance(30)
    assert len(world.settle()) == 1


def test_no_firing_is_lost_in_the_hour_that_occurs_twice() -> None:
    berlin = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00 summer time; 03:00 becomes 02:00 at 01:00 UTC
    fired = [
        last_firing(
            "0 * * * *", "Europe/Berlin", after=berlin + timedelta(hours=n), until=berlin + timedelta(hours=n + 1)
        )
        for n in range(4)
    ]
    assert fired == [berlin + timedelta(hours=n + 1) for n in range(4)]


def test_a_rare_cron_is_found_across_years() -> None:
    leap_day = datetime(2024, 2, 29, tzinfo=UTC)
    assert last_firing("0 0 29 2 *", "UTC", after=datetime(2021, 1, 1, tzinfo=UTC), until=START) == leap_day
