"""Schedules under the virtual clock: exact instants, time zones and daylight saving, downtime, and partitions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from headwater.definitions.asset import asset
from headwater.definitions.asset_jobs import define_asset_job
from headwater.definitions.ops.context import PARTITION_TAG
from headwater.definitions.ops.job import job
from headwater.definitions.ops.op import op
from headwater.definitions.partitioned_schedules import build_schedule_from_partitioned_job
from headwater.definitions.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from headwater.definitions.partitions.multi import MultiPartitionsDefinition
from headwater.definitions.requests import RunRequest, SkipReason
from headwater.definitions.schedules import DefaultScheduleStatus, ScheduleDefinition, schedule
from headwater.storage import events as e
from support.sensing import SensingWorld

DAILY = DailyPartitionsDefinition("2026-02-01", timezone="Europe/Berlin")


@asset
def orders() -> None: ...


@asset(partitions_def=DAILY)
def visits() -> None: ...


orders_job, visits_job = define_asset_job("orders_job", "orders"), define_asset_job("visits_job", "visits")


def world_of(*schedules: Any, start: str = "2026-03-01T00:00:00+00:00") -> SensingWorld:
    world = SensingWorld(start=datetime.fromisoformat(start).astimezone(UTC))
    world.define(orders, visits, jobs=[orders_job, visits_job], schedules=schedules)
    world.sense()
    return world


def instants(world: SensingWorld, name: str) -> list[str]:
    return [one.scheduled_at.astimezone(UTC).strftime("%d %H:%M") for one in world.evaluations(name)]


def test_a_schedule_runs_at_its_instants_and_wakes_for_nothing_else() -> None:
    world = world_of(ScheduleDefinition(job=orders_job, cron_schedule=["0 6 * * *", "30 18 * * *"]))
    runs = world.until("2026-03-03T00:00:00+00:00")
    assert instants(world, "orders_job_schedule") == ["01 06:00", "01 18:30", "02 06:00", "02 18:30"]
    assert [order.at for order in world.orders] == [order.scheduled_at for order in world.orders]
    assert [(run.origin, run.job_name) for run in runs] == [("schedule", "orders_job")] * 4
    assert runs[0].tags["headwater/scheduled_execution_time"] == "2026-03-01T06:00:00+00:00"


def test_after_a_downtime_the_latest_missed_instant_is_made_up_for_and_no_other() -> None:
    world = world_of(ScheduleDefinition(job=orders_job, cron_schedule="0 6 * * *"))
    world.clock.advance(5 * 86400)
    world.restart()
    assert len(world.sense()) == 1
    (made,) = world.evaluations("orders_job_schedule")
    assert (made.scheduled_at.day, made.missed) == (5, 0), "of the days before only the last one was looked at"


def test_as_many_missed_instants_are_made_up_for_as_it_says_oldest_first() -> None:
    world = world_of(ScheduleDefinition(job=orders_job, cron_schedule="0 6 * * *", max_catchup_runs=3))
    world.clock.advance(5 * 86400)
    assert len(world.sense()) == 3
    assert instants(world, "orders_job_schedule") == ["03 06:00", "04 06:00", "05 06:00"]
    assert world.evaluations("orders_job_schedule")[0].missed == 2


def test_a_time_that_daylight_saving_skips_runs_after_the_jump_and_one_that_it_repeats_once() -> None:
    half_past_two = ScheduleDefinition(
        job=orders_job, cron_schedule="30 2 * * *", execution_timezone="Europe/Berlin", name="nightly"
    )
    spring = world_of(half_past_two, start="2026-03-28T00:00:00+00:00")
    spring.until("2026-03-31T00:00:00+00:00")
    assert instants(spring, "nightly") == ["28 01:30", "29 01:00", "30 00:30"]
    autumn = world_of(half_past_two, start="2026-10-24T00:00:00+00:00")
    autumn.until("2026-10-27T00:00:00+00:00")
    assert instants(autumn, "nightly") == ["24 00:30", "25 00:30", "26 01:30"]


def test_an_hourly_schedule_follows_the_clock_through_daylight_saving() -> None:
    hourly = ScheduleDefinition(
        job=orders_job, cron_schedule="0 * * * *", execution_timezone="Europe/Berlin", name="hourly"
    )
    autumn = world_of(hourly, start="2026-10-24T23:30:00+00:00")
    autumn.until("2026-10-25T03:30:00+00:00")
    assert instants(autumn, "hourly") == ["25 00:00", "25 01:00", "25 02:00", "25 03:00"]


def test_an_edited_cron_does_not_run_an_instant_from_before_the_edit() -> None:
    world = world_of(ScheduleDefinition(job=orders_job, cron_schedule="0 6 * * *", name="nightly"))
    world.until("2026-03-01T12:00:00+00:00")
    edited = ScheduleDefinition(job=orders_job, cron_schedule="0 8 * * *", name="nightly")
    world.define(orders, visits, jobs=[orders_job, visits_job], schedules=[edited])
    assert world.sense() == []
    world.until("2026-03-02T12:00:00+00:00")
    assert instants(world, "nightly") == ["01 06:00", "02 08:00"]


def test_what_was_due_while_it_was_off_is_not_made_up_for() -> None:
    off = ScheduleDefinition(
        job=orders_job, cron_schedule="0 6 * * *", name="nightly", default_status=DefaultScheduleStatus.STOPPED
    )
    world = world_of(off)
    assert world.until("2026-03-01T12:00:00+00:00") == []
    world.append(e.ScheduleSwitched(name="nightly", on=True))
    assert world.sense() == []
    assert len(world.until("2026-03-02T12:00:00+00:00")) == 1


def test_a_partitioned_schedule_requests_the_partition_that_has_just_ended() -> None:
    world = world_of(build_schedule_from_partitioned_job(visits_job, hour_of_day=2, minute_of_hour=15))
    runs = world.until("2026-03-03T12:00:00+00:00")
    assert instants(world, "visits_job_schedule") == ["01 01:15", "02 01:15", "03 01:15"]
    days = [run.targets[0].partitions[0][0] for run in runs if run.targets[0].partitions]
    assert days == ["2026-02-28", "2026-03-01", "2026-03-02"]


def test_a_schedule_requests_a_job_of_ops_with_its_tags_and_the_partition_that_has_just_ended() -> None:
    @op
    def tidy() -> None: ...

    @job(run_tags={"team": "ops"})
    def tidies() -> None:
        tidy()

    @job(partitions_def=DAILY)
    def tidies_a_day() -> None:
        tidy()

    world = SensingWorld()
    world.define(
        jobs=[tidies, tidies_a_day],
        schedules=[
            ScheduleDefinition(job=tidies, cron_schedule="0 6 * * *"),
            build_schedule_from_partitioned_job(tidies_a_day, hour_of_day=9),
        ],
    )
    runs = world.until("2026-03-01T12:00:00+00:00")
    assert [(run.job_name, run.targets, run.origin) for run in runs] == [
        ("tidies", (), "schedule"),
        ("tidies_a_day", (), "schedule"),
    ]
    assert runs[0].tags["team"] == "ops"
    assert runs[1].tags[PARTITION_TAG] == "2026-02-28"


def test_static_partitions_are_requested_all_each_time() -> None:
    @asset(partitions_def=StaticPartitionsDefinition(["a", "b"]))
    def letters() -> None: ...

    letters_job = define_asset_job("letters_job", "letters")
    world = SensingWorld()
    world.define(letters, schedules=[build_schedule_from_partitioned_job(letters_job, cron_schedule="0 6 * * *")])
    runs = world.until("2026-03-02T07:00:00+00:00")
    keys = [run.targets[0].partitions[0][0] for run in runs if run.targets[0].partitions]
    assert keys == ["a", "b", "a", "b"]


def test_of_partitions_of_a_day_and_something_else_the_latest_day_is_requested_for_all() -> None:
    @asset(partitions_def=MultiPartitionsDefinition({"day": DAILY, "region": StaticPartitionsDefinition(["eu", "us"])}))
    def sales() -> None: ...

    world = SensingWorld()
    world.define(sales, schedules=[build_schedule_from_partitioned_job(define_asset_job("sales_job", "sales"))])
    runs = world.until("2026-03-02T00:00:00+00:00")
    keys = [run.targets[0].partitions[0][0] for run in runs if run.targets[0].partitions]
    assert keys == ["2026-03-01|eu", "2026-03-01|us"]


def test_a_schedules_function_says_what_runs_and_a_run_key_runs_once() -> None:
    @schedule("0 * * * *", job=orders_job, execution_timezone="Europe/Berlin", tags={"team": "sales"})
    def hourly(context: Any) -> Any:
        at = context.scheduled_execution_time
        return RunRequest(at.strftime("%Y-%m-%d")) if at.hour > 2 else SkipReason(f"too early: {at.hour}")

    world = world_of(hourly)
    runs = world.until("2026-03-01T05:00:00+00:00")
    evaluations = world.evaluations("hourly")
    assert [one.skip_reason for one in evaluations[:2]] == ["too early: 2", ""]
    assert [run.tags["headwater/run_key"] for run in runs] == ["2026-03-01"]
    assert runs[0].tags["team"] == "sales"
    assert evaluations[2].skip_reason == "all its run keys were requested before"


def test_a_failed_instant_is_recorded_and_the_next_one_comes() -> None:
    @schedule("0 6 * * *", job=orders_job)
    def nightly(context: Any) -> Any:
        raise RuntimeError("no")

    world = world_of(nightly)
    world.until("2026-03-03T00:00:00+00:00")
    assert [(one.status, one.error.message) for one in world.evaluations("nightly")] == [("failed", "no")] * 2
