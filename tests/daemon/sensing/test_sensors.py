"""Sensors under the virtual clock: when they are evaluated, what they are shown, and what counts."""

from __future__ import annotations

from typing import Any

from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.asset_events import AssetMaterialization
from headwater.definitions.asset_jobs import define_asset_job
from headwater.definitions.asset_sensors import asset_sensor, multi_asset_sensor
from headwater.definitions.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from headwater.definitions.partitions.config import PartitionedConfig
from headwater.definitions.partitions.dynamic import DynamicPartitionsDefinition
from headwater.definitions.requests import RunRequest, SensorResult, SkipReason
from headwater.definitions.run_records import RunStatus
from headwater.definitions.run_status_sensors import run_failure_sensor, run_status_sensor
from headwater.definitions.sensors import DefaultSensorStatus, sensor
from headwater.storage import events as e
from support.sensing import SensingWorld

inbox, other = AssetSpec("inbox"), AssetSpec("other")


@asset
def orders() -> None: ...


@asset(partitions_def=DailyPartitionsDefinition("2026-02-01"))
def visits() -> None: ...


orders_job = define_asset_job("orders_job", "orders", run_tags={"team": "sales"}, config={"ops": {}})
visits_job = define_asset_job("visits_job", "visits")


def world_of(*sensors: Any) -> SensingWorld:
    world = SensingWorld()
    world.define(inbox, other, orders, visits, jobs=[orders_job, visits_job], sensors=sensors)
    world.sense()
    return world


# ---- on time ---------------------------------------------------------------------------------------------------------


def test_a_sensor_is_evaluated_at_once_and_then_after_its_interval() -> None:
    @sensor(job=orders_job, minimum_interval_seconds=40)
    def looks(context: Any) -> Any:
        context.update_cursor(str(int(context.cursor or 0) + 1))
        return RunRequest()

    world = world_of(looks)
    world.until("2026-03-01T00:01:59+00:00")
    assert [order.at.second + 60 * order.at.minute for order in world.orders] == [0, 40, 80]
    assert [one.cursor for one in world.evaluations("looks")] == ["1", "2", "3"]
    assert world.requested("orders") == 3


def test_a_run_key_runs_once_ever_also_within_one_evaluation_and_after_a_restart() -> None:
    @sensor(job=orders_job)
    def looks() -> Any:
        return [RunRequest("a"), RunRequest("a"), RunRequest("b"), RunRequest()]

    world = world_of(looks)
    (first,) = world.evaluations("looks")
    assert (first.run_keys, first.known_run_keys, len(first.run_ids)) == (("a", "b"), ("a",), 3)
    world.restart()
    assert len(world.until("2026-03-01T00:00:30+00:00")) == 1
    assert world.orders[-1].last_run_key == "b"


def test_skips_that_say_the_same_are_written_once_in_a_while() -> None:
    @sensor(job=orders_job)
    def looks() -> Any:
        return SkipReason("nothing new")

    world = world_of(looks)
    world.until("2026-03-01T00:20:00+00:00")
    assert len(world.orders) == 41
    assert [one.repeats for one in world.evaluations("looks")] == [0, 19, 19]


def test_a_failed_evaluation_keeps_nothing_of_what_it_wanted() -> None:
    calls: list[str | None] = []

    @sensor(jobs=[orders_job, visits_job])
    def looks(context: Any) -> Any:
        calls.append(context.cursor)
        context.update_cursor("moved")
        yield RunRequest(job_name="orders_job")
        yield RunRequest(job_name="visits_job", partition_key="1999-01-01")

    world = world_of(looks)
    (failed,) = world.evaluations("looks")
    assert (failed.status, failed.error.cls) == ("failed", "UnknownPartition")
    assert world.requested("orders") == 0
    world.until("2026-03-01T00:00:30+00:00")
    assert calls == [None, None]


def test_a_request_without_a_target_is_told_what_to_add() -> None:
    @sensor()
    def aimless() -> Any:
        return RunRequest()

    @sensor(jobs=[orders_job, visits_job])
    def torn() -> Any:
        return RunRequest()

    world = world_of(aimless, torn)
    assert "give it job=..." in world.evaluations("aimless")[0].error.message
    assert "RunRequest(job_name=...)" in world.evaluations("torn")[0].error.message


def test_runs_carry_what_the_request_and_the_job_say() -> None:
    @sensor(jobs=[orders_job, visits_job])
    def looks() -> Any:
        config = {"ops": {"orders": {"config": {"limit": 1}}}}
        yield RunRequest("k", config, tags={"n": 3}, job_name="orders_job")
        yield RunRequest(job_name="visits_job", partition_key="2026-02-03")

    world = SensingWorld()
    world.define(orders, visits, jobs=[orders_job, visits_job], sensors=[looks])
    first, second = world.sense()
    assert first.run_config["ops"] == {"orders": {"config": {"limit": 1}}}
    assert first.tags == {
        "team": "sales",
        "headwater/sensor_name": "looks",
        "headwater/run_key": "k",
        "n": "3",
    }
    assert second.targets == (e.Target(asset_key="visits", partitions=(("2026-02-03", "2026-02-03"),)),)


def test_a_sensor_without_a_job_runs_its_selection_or_what_the_request_names() -> None:
    @sensor(target=[orders, visits])
    def looks(context: Any) -> Any:
        return RunRequest(asset_selection=[orders])

    world = SensingWorld()
    world.define(orders, visits, sensors=[looks])
    (run,) = world.sense()
    assert [target.asset_key for target in run.targets] == ["orders"]
    assert run.job_name is None


def test_a_stopped_sensor_waits_until_it_is_started() -> None:
    @sensor(job=orders_job, default_status=DefaultSensorStatus.STOPPED)
    def looks() -> Any:
        return RunRequest()

    world = world_of(looks)
    assert world.orders == []
    world.append(e.SensorSwitched(name="looks", on=True))
    assert len(world.sense()) == 1
    world.append(e.SensorSwitched(name="looks"))
    assert world.until("2026-03-01T01:00:00+00:00") == []


def test_what_a_sensor_reports_is_an_update_like_any_other() -> None:
    @sensor()
    def looks() -> Any:
        return SensorResult(asset_events=[AssetMaterialization("inbox", metadata={"rows": 3})], cursor="1")

    @asset_sensor("inbox", job=orders_job)
    def on_inbox(context: Any, event: Any) -> Any:
        return RunRequest(tags={"rows": event.asset_materialization.metadata["rows"].value})

    world = world_of(looks, on_inbox)
    assert world.requested("orders") == 1
    assert world.evaluations("looks")[0].status == "skipped"


# ---- on assets -------------------------------------------------------------------------------------------------------


@asset_sensor("inbox", job=orders_job)
def on_inbox(context: Any, event: Any) -> Any:
    return RunRequest(run_key=context.cursor, tags={"partition": str(event.partition)})


def test_each_materialization_is_shown_once_in_order_whatever_came_between() -> None:
    world = world_of(on_inbox)
    for partition in ("a", "b", "c"):
        world.report("inbox", partition)
    world.report("other")
    assert [run.tags["partition"] for run in world.sense()] == ["a", "b", "c"]
    world.restart()
    world.report("inbox", "d")
    assert [run.tags["partition"] for run in world.sense()] == ["d"]
    assert len({order.at for order in world.orders}) == 1, "woken by the event, at the instant of it"


def test_what_landed_before_it_was_defined_or_while_it_was_off_is_not_shown() -> None:
    world = SensingWorld()
    world.report("inbox", "before")
    world.define(inbox, orders, jobs=[orders_job], sensors=[on_inbox])
    assert world.sense() == []
    world.append(e.SensorSwitched(name="on_inbox", on=False))
    world.report("inbox", "meanwhile")
    assert world.sense() == []
    world.append(e.SensorSwitched(name="on_inbox", on=True))
    world.report("inbox", "after")
    assert [run.tags["partition"] for run in world.sense()] == ["after"]


def test_an_event_on_which_it_fails_is_tried_again_and_given_up_after_three_times() -> None:
    tried: list[str] = []

    @asset_sensor("inbox", job=orders_job)
    def picky(context: Any, event: Any) -> Any:
        tried.append(event.partition)
        if event.partition == "bad":
            raise ValueError(event.partition)
        return RunRequest()

    world = world_of(picky)
    for partition in ("good", "bad", "next"):
        world.report("inbox", partition)
    world.sense()
    assert tried == ["good", "bad"]
    world.until("2026-03-01T00:05:00+00:00")
    assert tried == ["good", "bad", "bad", "bad", "next"]
    assert [one.is_passed_over for one in world.evaluations("picky")] == [False, False, False, True, False]
    assert world.requested("orders") == 2


def test_an_evaluation_whose_host_dies_is_made_again_and_nothing_is_doubled() -> None:
    world = world_of(on_inbox)
    world.report("inbox")
    world.lose_next = True
    assert len(world.sense()) == 1
    assert len(world.orders) == 2
    assert len(world.evaluations("on_inbox")) == 1


def test_an_evaluation_that_was_killed_counts_as_failed() -> None:
    world = world_of(on_inbox)
    world.report("inbox")
    world.stop_next = "it took longer than 60 s and was killed"
    world.sense()
    (killed,) = world.evaluations("on_inbox")
    assert (killed.status, killed.error.message) == ("failed", "it took longer than 60 s and was killed")


def test_a_sensor_on_several_assets_sees_what_it_has_not_consumed() -> None:
    @multi_asset_sensor([inbox, other], job=orders_job)
    def when_both(context: Any) -> Any:
        records = context.latest_materialization_records_by_key()
        if all(records.values()):
            context.advance_all_cursors()
            return RunRequest()
        return SkipReason(f"{sum(map(bool, records.values()))} of 2")

    world = world_of(when_both)
    world.report("inbox")
    world.report("inbox")
    assert world.sense() == []
    world.report("other")
    assert len(world.sense()) == 1
    world.report("other")
    assert world.sense() == []
    world.report("inbox")
    assert len(world.sense()) == 1
    assert [one.skip_reason for one in world.evaluations("when_both")] == ["1 of 2", "", "1 of 2", ""]


# ---- on runs ---------------------------------------------------------------------------------------------------------


def test_a_sensor_on_runs_sees_the_ends_of_the_jobs_that_it_watches() -> None:
    seen: list[tuple[str, str | None, Any]] = []

    @run_status_sensor(RunStatus.SUCCESS, monitored_jobs=[visits_job])
    def on_success(context: Any) -> None:
        seen.append((context.run.status.value, context.run.job_name, context.partition_key))

    @run_failure_sensor
    def on_failure(context: Any) -> None:
        seen.append((context.run.status.value, context.run.job_name, context.failure_event.event.reason))

    world = world_of(on_success, on_failure)
    day = e.Target(asset_key="visits", partitions=(("2026-02-03", "2026-02-03"),))
    world.append(e.RunRequested(run_id="r1", job_name="visits_job", targets=(day,)), e.RunSucceeded(run_id="r1"))
    world.append(e.RunRequested(run_id="r2", job_name="orders_job"), e.RunSucceeded(run_id="r2"))
    world.append(e.RunRequested(run_id="r3"), e.RunFailed(run_id="r3", reason="step_failed"))
    world.sense()
    world.sense()
    assert sorted(seen) == [("FAILURE", None, "step_failed"), ("SUCCESS", "visits_job", "2026-02-03")]


def test_a_sensor_is_not_woken_by_the_runs_that_it_asked_for() -> None:
    @run_status_sensor(RunStatus.SUCCESS, request_job=orders_job)
    def again(context: Any) -> Any:
        return RunRequest()

    world = world_of(again)
    world.append(e.RunRequested(run_id="r1"), e.RunSucceeded(run_id="r1"))
    (run,) = world.sense()
    world.run(run)
    assert world.sense() == []


# ---- many ------------------------------------------------------------------------------------------------------------


def test_folding_in_pieces_and_at_once_gives_the_same_sensors() -> None:
    world = world_of(on_inbox)
    world.report("inbox", "a")
    world.sense()
    before = world.state.automation.sensors["on_inbox"]
    world.restart()
    assert world.state.automation.sensors["on_inbox"] == before


# ---- partitions that come and go -------------------------------------------------------------------------------------

FILES = DynamicPartitionsDefinition(name="files")


@asset(partitions_def=FILES)
def uploads() -> None: ...


def test_a_sensor_adds_partitions_and_requests_them_in_one_transaction() -> None:
    @sensor(target=uploads)
    def new_files(context: Any) -> Any:
        keys = ["a.csv", "b.csv"]
        return SensorResult(
            [RunRequest(run_key=key, partition_key=key) for key in keys],
            dynamic_partitions_requests=[FILES.build_add_request(keys)],
        )

    world = SensingWorld()
    world.define(uploads, sensors=[new_files])
    assert [run.targets[0].partitions for run in world.sense()] == [(("a.csv", "a.csv"),), (("b.csv", "b.csv"),)]
    types = [stored.event.type for stored in world.log.read(1, 4)]
    assert types == ["sensor_evaluated", "dynamic_partitions_added", "run_requested", "run_requested"]
    world.until("2026-03-01T00:01:00+00:00")
    assert len(world.log.query(types=["dynamic_partitions_added"])) == 1, "what is there is not added again"


def test_a_partition_that_was_deleted_in_the_same_breath_cannot_be_requested() -> None:
    @sensor(target=uploads)
    def confused(context: Any) -> Any:
        changes = [FILES.build_add_request(["a"]), FILES.build_delete_request(["a"])]
        return SensorResult([RunRequest(partition_key="a")], dynamic_partitions_requests=changes)

    world = SensingWorld()
    world.define(uploads, sensors=[confused])
    assert world.sense() == []
    (failed,) = world.evaluations("confused")
    assert failed.error.cls == "UnknownPartition"
    assert world.log.query(types=["dynamic_partitions_added"]) == []


def test_a_run_of_a_job_is_told_what_its_partition_needs() -> None:
    @asset(partitions_def=StaticPartitionsDefinition(["eu", "us"]))
    def regions() -> None: ...

    by_region = PartitionedConfig(
        StaticPartitionsDefinition(["eu", "us"]),
        run_config_for_partition_key_fn=lambda key: {"ops": {"regions": {"config": {"region": key}}}},
        tags_for_partition_key_fn=lambda key: {"region": key},
    )
    job = define_asset_job("regions_job", "regions", config=by_region)

    @sensor(job=job)
    def looks() -> Any:
        return RunRequest(partition_key="us")

    world = SensingWorld()
    world.define(regions, sensors=[looks])
    (run,) = world.sense()
    assert run.run_config == {"ops": {"regions": {"config": {"region": "us"}}}}
    assert run.tags["region"] == "us"
