"""Schedules as they are written: crons and time zones, partitioned jobs, and calling them as a test does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.definitions.asset import asset
from headwater.definitions.asset_jobs import define_asset_job
from headwater.definitions.definitions import Definitions
from headwater.definitions.errors import DefinitionErrors, InvalidDefinitionError, InvalidInvocationError
from headwater.definitions.evaluation_context import build_schedule_context
from headwater.definitions.partitioned_schedules import build_schedule_from_partitioned_job
from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from headwater.definitions.requests import RunRequest, SkipReason
from headwater.definitions.schedules import DefaultScheduleStatus, ScheduleDefinition, schedule
from headwater.definitions.snapshot import DefinitionsSnapshot

AT = datetime(2026, 3, 1, 6, tzinfo=UTC)


@asset
def orders() -> None: ...


job = define_asset_job("orders_job", "orders")


def nightly(**arguments: Any) -> ScheduleDefinition:
    return ScheduleDefinition(**{"job": job, "cron_schedule": "0 6 * * *", **arguments})


def test_a_schedule_is_named_after_its_job() -> None:
    assert (nightly().name, nightly(name="own").name) == ("orders_job_schedule", "own")
    assert (nightly().cron_schedule, nightly().execution_timezone) == ("0 6 * * *", "UTC")
    with pytest.raises(InvalidDefinitionError, match="needs a name"):
        ScheduleDefinition(target="orders", cron_schedule="0 6 * * *")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("@daily", "0 0 * * *"),
        (" 0  6 * * 1-5 ", "0 6 * * 1-5"),
        (["0 6 * * *", "@hourly"], ["0 6 * * *", "0 * * * *"]),
    ],
)
def test_crons_have_five_fields_or_a_name(written: Any, read: Any) -> None:
    assert nightly(cron_schedule=written).cron_schedule == read


@pytest.mark.parametrize("cron", ["0 6 * *", "61 6 * * *", "@fortnightly", "", [], None, 3])
def test_a_cron_that_cannot_be_read_is_refused_with_its_place(cron: Any) -> None:
    with pytest.raises(
        InvalidDefinitionError, match=r"test_schedules.py:\d+: schedule 'orders_job_schedule': cron_sch"
    ):
        nightly(cron_schedule=cron)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="there is no time zone 'Mars/Olympus'"):
        nightly(execution_timezone="Mars/Olympus")


def test_contradicting_arguments_are_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="run_config or run_config_fn"):
        nightly(run_config={"ops": {}}, run_config_fn=lambda context: {})
    with pytest.raises(InvalidDefinitionError, match="execution_fn decides all"):
        nightly(execution_fn=lambda context: None, tags_fn=lambda context: {})
    with pytest.raises(InvalidDefinitionError, match="max_catchup_runs must be 1 or more"):
        nightly(max_catchup_runs=0)


def test_without_a_function_it_asks_for_one_run() -> None:
    context = build_schedule_context(scheduled_execution_time=AT)
    config = {"ops": {"orders": {"config": {"n": 1}}}}
    assert nightly(run_config=config).evaluate_tick(context).run_requests == [RunRequest(run_config=config)]
    dated = nightly(run_config_fn=lambda context: config, tags_fn=lambda c: {"day": f"{c.scheduled_execution_time:%d}"})
    assert dated.evaluate_tick(context).run_requests == [RunRequest(run_config=config, tags={"day": "01"})]
    assert nightly(should_execute=lambda context: False).evaluate_tick(context).skip_message == "should_execute said no"


def test_a_function_gives_runs_a_config_or_a_reason() -> None:
    def requests(returned: Any) -> Any:
        made = schedule("0 6 * * *", job=job, name="one")(lambda context: returned)
        return made.evaluate_tick(build_schedule_context(scheduled_execution_time=AT))

    config = {"ops": {"orders": {"config": {"n": 1}}}}
    assert requests(config).run_requests == [RunRequest(run_config=config)]
    assert requests([RunRequest("a")]).run_requests == [RunRequest("a")]
    assert requests(SkipReason("no")).skip_message == "no"
    with pytest.raises(InvalidInvocationError, match="schedule 'one' gave 3"):
        requests(3)


def test_a_decorated_schedule_is_asked_only_when_it_should_and_tagged() -> None:
    def on_the_first(context: Any) -> bool:
        return context.scheduled_execution_time.day == 1

    @schedule("0 6 * * *", job=job, should_execute=on_the_first, tags_fn=lambda context: {"a": "b"})
    def monthly(context: Any) -> Any:
        return RunRequest("k", tags={"c": "d"})

    assert monthly(build_schedule_context(scheduled_execution_time=AT)) == [RunRequest("k", tags={"a": "b", "c": "d"})]
    later = build_schedule_context(scheduled_execution_time=AT.replace(day=2))
    assert monthly(later) == SkipReason("should_execute said no")


def test_a_schedule_is_called_like_its_function_with_resources() -> None:
    @schedule("0 6 * * *", job=job)
    def asks(context: Any, db: Any) -> Any:
        return SkipReason(f"{db} {context.scheduled_execution_time:%H}")

    assert asks(build_schedule_context(scheduled_execution_time=AT, resources={"db": "x"})) == SkipReason("x 06")
    with pytest.raises(InvalidInvocationError, match="scheduled_execution_time"):
        asks(build_schedule_context(resources={"db": "x"}))


PARTITIONS = {
    "hourly": HourlyPartitionsDefinition("2026-01-01-00:00", minute_offset=5),
    "daily": DailyPartitionsDefinition("2026-01-01", timezone="Europe/Berlin"),
    "weekly": WeeklyPartitionsDefinition("2026-01-04", day_offset=2, hour_offset=3),
    "monthly": MonthlyPartitionsDefinition("2026-01-01", day_offset=5),
    "cron": TimeWindowPartitionsDefinition("2026-01-01", fmt="%Y-%m-%d-%H:%M", cron_schedule="0 */6 * * *"),
}


@pytest.mark.parametrize(
    ("kind", "moment", "cron"),
    [
        ("hourly", {}, "5 * * * *"),
        ("hourly", {"minute_of_hour": 20}, "20 * * * *"),
        ("daily", {}, "0 0 * * *"),
        ("daily", {"hour_of_day": 6, "minute_of_hour": 30}, "30 6 * * *"),
        ("weekly", {}, "0 3 * * 2"),
        ("weekly", {"day_of_week": 4}, "0 3 * * 4"),
        ("monthly", {}, "0 0 5 * *"),
        ("monthly", {"day_of_month": 7, "hour_of_day": 1}, "0 1 7 * *"),
        ("cron", {}, "0 */6 * * *"),
    ],
)
def test_a_schedule_of_a_partitioned_job_fires_when_a_window_is_over(
    kind: str, moment: dict[str, Any], cron: str
) -> None:
    @asset(partitions_def=PARTITIONS[kind])
    def parts() -> None: ...

    by_assets = build_schedule_from_partitioned_job(define_asset_job("parts_job", "parts"), **moment)
    by_job = build_schedule_from_partitioned_job(
        define_asset_job("parts_job", "parts", partitions_def=PARTITIONS[kind]), **moment
    )
    for made in (by_assets, by_job):
        found = Definitions([parts], schedules=[made]).snapshot().schedules["parts_job_schedule"]
        assert (found.crons, found.timezone) == ((cron,), PARTITIONS[kind].timezone)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("partitions", "moment", "words"),
    [
        (None, {}, "its job has no partitions"),
        (StaticPartitionsDefinition(["a"]), {}, "Give cron_schedule="),
        (PARTITIONS["hourly"], {"hour_of_day": 3}, "hour_of_day means nothing for its hourly partitions"),
        (PARTITIONS["daily"], {"day_of_week": 3}, "day_of_week means nothing for its daily partitions"),
        (PARTITIONS["cron"], {"minute_of_hour": 3}, "minute_of_hour means nothing for its cron partitions"),
    ],
)
def test_partitions_that_do_not_say_when_are_reported_at_load(partitions: Any, moment: Any, words: str) -> None:
    @asset(partitions_def=partitions)
    def parts() -> None: ...

    made = build_schedule_from_partitioned_job(define_asset_job("parts_job", "parts"), **moment)
    with pytest.raises(DefinitionErrors, match=words):
        Definitions([parts], schedules=[made]).validate()


def test_the_snapshot_holds_schedules_as_data() -> None:
    made = nightly(default_status=DefaultScheduleStatus.STOPPED, execution_timezone="Europe/Berlin", max_catchup_runs=2)
    snapshot = Definitions([orders], schedules=[made]).snapshot()
    found = snapshot.schedules["orders_job_schedule"]
    assert (found.jobs, found.crons, found.timezone) == (("orders_job",), ("0 6 * * *",), "Europe/Berlin")
    assert (found.running, found.max_catchup_runs) == (False, 2)
    assert DefinitionsSnapshot.from_bytes(snapshot.to_bytes()) == snapshot
    assert b'"schedules"' not in Definitions([orders]).snapshot().to_bytes()
