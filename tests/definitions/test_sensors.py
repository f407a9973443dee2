"""Sensors as they are written: their forms, what is refused and when, and calling them as a test does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headwater.definitions.asset import AssetSpec, ResourceParam, asset
from headwater.definitions.asset_jobs import define_asset_job
from headwater.definitions.asset_sensors import (
    asset_sensor,
    build_multi_asset_sensor_context,
    multi_asset_sensor,
)
from headwater.definitions.definitions import Definitions
from headwater.definitions.errors import DefinitionErrors, InvalidDefinitionError, InvalidInvocationError
from headwater.definitions.evaluation_context import SensorEvaluationContext, build_sensor_context
from headwater.definitions.loading import load_definitions
from headwater.definitions.requests import RunRequest, SensorResult, SkipReason
from headwater.definitions.run_config import RunConfig
from headwater.definitions.run_records import Run, RunStatus
from headwater.definitions.run_status_sensors import (
    build_run_status_sensor_context,
    run_failure_sensor,
    run_status_sensor,
)
from headwater.definitions.sensors import DefaultSensorStatus, SensorDefinition, sensor
from headwater.definitions.snapshot import DefinitionsSnapshot

inbox = AssetSpec("inbox")


@asset
def orders() -> None: ...


job = define_asset_job("orders_job", "orders")
other_job = define_asset_job("other_job", "orders")


@sensor(job=job)
def plain(context: SensorEvaluationContext) -> Any:
    """Looks."""
    return RunRequest(run_key=context.cursor)


def errors_of(*sensors: Any, **more: Any) -> list[str]:
    with pytest.raises(DefinitionErrors) as raised:
        Definitions([inbox, orders], sensors=sensors, **more).validate()
    return [str(error) for error in raised.value.errors]


# ---- written ---------------------------------------------------------------------------------------------------------


def test_a_sensor_takes_its_name_and_description_from_the_function() -> None:
    assert (plain.name, plain.description, plain.minimum_interval_seconds) == ("plain", "Looks.", 30)
    assert (plain.job, plain.job_name, plain.default_status) == (job, "orders_job", DefaultSensorStatus.RUNNING)
    named = sensor(name="other", minimum_interval_seconds=5, job_name="orders_job")(lambda: None)
    assert (named.name, named.minimum_interval_seconds, named.targets.names) == ("other", 5, ("orders_job",))


@pytest.mark.parametrize(
    ("given", "jobs", "assets"),
    [
        ({"job": job}, ("orders_job",), ()),
        ({"jobs": [job, other_job]}, ("orders_job", "other_job"), ()),
        ({"target": job}, ("orders_job",), ()),
        ({"target": [job, other_job]}, ("orders_job", "other_job"), ()),
        ({"target": orders}, (), ("orders",)),
        ({"target": [orders]}, (), ("orders",)),
        ({"target": "orders"}, (), ("orders",)),
        ({"asset_selection": "*"}, (), ("orders",)),
    ],
)
def test_a_target_is_jobs_or_assets(given: dict[str, Any], jobs: tuple[str, ...], assets: tuple[str, ...]) -> None:
    made = sensor(name="one", **given)(lambda: None)
    snapshot = Definitions([inbox, orders], sensors=[made]).snapshot().sensors["one"]
    assert (snapshot.jobs, snapshot.assets) == (jobs, assets)


def test_jobs_of_sensors_need_not_be_listed() -> None:
    assert list(Definitions([orders], sensors=[plain]).jobs) == ["orders_job"]


def test_two_targets_contradict_each_other() -> None:
    with pytest.raises(InvalidDefinitionError, match=r"test_sensors.py:\d+: sensor 'two' has both job and target"):
        sensor(name="two", job=job, target=orders)(lambda: None)


@pytest.mark.parametrize("interval", [0, -1, "5"])
def test_an_interval_is_above_zero(interval: Any) -> None:
    with pytest.raises(InvalidDefinitionError, match="minimum_interval_seconds must be above 0"):
        sensor(name="one", job=job, minimum_interval_seconds=interval)(lambda: None)


def test_a_state_that_no_run_is_seen_in_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="no run is ever seen as STARTING"):
        run_status_sensor(RunStatus.STARTING, "one")(lambda context: None)


def test_a_sensor_without_parentheses_is_told_to_have_some() -> None:
    with pytest.raises(InvalidInvocationError, match="@sensor needs parentheses"):
        sensor(lambda context: None)


def test_an_async_function_is_refused() -> None:
    async def looks(context: Any) -> None: ...

    with pytest.raises(InvalidDefinitionError, match="async function"):
        sensor(job=job)(looks)


# ---- loaded ----------------------------------------------------------------------------------------------------------


def test_what_a_sensor_names_and_nobody_defines_is_reported_at_load() -> None:
    by_name = sensor(name="by_name", job_name="orders_jbo")(lambda: None)
    on_nobody = asset_sensor("inbx", name="on_nobody", job=job)(lambda context, event: None)
    takes_db = sensor(name="takes_db", job=job)(lambda context, db: None)
    aims_wrong = sensor(name="aims_wrong", target="nothing_there")(lambda: None)
    watches_wrong = run_status_sensor(RunStatus.SUCCESS, "watches_wrong", monitored_jobs=["nope"])(lambda context: None)
    messages = "\n".join(errors_of(by_name, on_nobody, takes_db, aims_wrong, watches_wrong))
    assert (
        "sensor 'by_name': it names the job 'orders_jbo', which is not defined. Did you mean 'orders_job'?" in messages
    )
    assert "sensor 'on_nobody': it watches asset 'inbx', which is not defined. Did you mean 'inbox'?" in messages
    assert "sensor 'takes_db': it takes the resource 'db', which is not defined" in messages
    assert "sensor 'aims_wrong': its target means nothing here" in messages
    assert "sensor 'watches_wrong': it names the job 'nope'" in messages


def test_two_sensors_of_one_name_are_reported_with_both_places() -> None:
    (message,) = errors_of(plain, sensor(name="plain", job=job)(lambda: None))
    assert "sensor 'plain' is defined a second time" in message
    assert message.count("test_sensors.py:") == 2


def test_something_else_among_the_sensors_is_reported() -> None:
    with pytest.raises(InvalidDefinitionError, match="among the sensors of the Definitions is no sensor"):
        Definitions(sensors=[orders])


def test_the_snapshot_holds_sensors_as_data_and_leaves_them_out_where_there_are_none() -> None:
    on_inbox = asset_sensor("inbox", name="on_inbox", job=job)(lambda context, event: None)
    both = multi_asset_sensor([inbox, orders], name="both", request_assets=orders)(lambda context: None)
    runs = run_failure_sensor("runs", monitored_jobs=[job], default_status=DefaultSensorStatus.STOPPED)(lambda c: None)
    snapshot = Definitions([inbox, orders], sensors=[plain, on_inbox, both, runs]).snapshot()
    found = {name: (one.watches, one.monitored, one.statuses) for name, one in snapshot.sensors.items()}
    assert found == {
        "both": ("assets", ("inbox", "orders"), ()),
        "on_inbox": ("asset", ("inbox",), ()),
        "plain": ("", (), ()),
        "runs": ("runs", (), ("FAILURE",)),
    }
    assert (snapshot.sensors["runs"].running, snapshot.sensors["runs"].monitored_jobs) == (False, ("orders_job",))
    assert DefinitionsSnapshot.from_bytes(snapshot.to_bytes()) == snapshot
    assert b'"sensors"' not in Definitions([orders]).snapshot().to_bytes()


def test_merging_keeps_sensors() -> None:
    merged = Definitions.merge(Definitions([orders], sensors=[plain]), Definitions([inbox], sensors=[plain]))
    merged.validate()
    assert list(merged.sensors) == ["plain"]


def test_a_module_without_definitions_offers_its_sensors_and_schedules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "flow_with_sensors.py"
    file.write_text(
        "from headwater import ScheduleDefinition, asset, define_asset_job, sensor\n"
        "@asset\ndef one(): return 1\n"
        "job = define_asset_job('job', 'one')\n"
        "@sensor(job=job)\ndef looks(): ...\n"
        "daily = ScheduleDefinition(job=job, cron_schedule='@daily')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    loaded = load_definitions(file)
    assert (list(loaded.sensors), list(loaded.schedules), list(loaded.jobs)) == (["looks"], ["job_schedule"], ["job"])


# ---- called ----------------------------------------------------------------------------------------------------------


def test_a_sensor_is_called_like_its_function() -> None:
    assert plain(build_sensor_context(cursor="3")) == RunRequest("3")
    assert plain.evaluate_tick(build_sensor_context(cursor="3")).run_requests == [RunRequest("3")]
    assert sensor(name="none", job=job)(lambda: SkipReason("no"))() == SkipReason("no")
    with pytest.raises(InvalidInvocationError, match="build_sensor_context"):
        plain()


def test_resources_come_from_the_context_or_by_name() -> None:
    @sensor(job=job)
    def asks(context: Any, db: ResourceParam[str]) -> Any:
        return SkipReason(db + context.resources.db)

    assert asks(build_sensor_context(resources={"db": "x"})) == SkipReason("xx")
    assert asks(build_sensor_context(resources={"db": "x"}), db="y") == SkipReason("yx")
    assert asks(build_sensor_context(definitions=Definitions([orders], resources={"db": "z"}))) == SkipReason("zz")


def test_what_the_function_gives_is_brought_into_one_form() -> None:
    def verdict(returned: Any) -> Any:
        return sensor(name="one", job=job)(lambda: returned).evaluate_tick(build_sensor_context())

    assert verdict(None).skip_message == "the function returned nothing"
    assert verdict(SkipReason("no")).skip_message == "no"
    assert verdict([RunRequest("a"), RunRequest("b")]).run_requests == [RunRequest("a"), RunRequest("b")]
    result = verdict(SensorResult([RunRequest("a")], cursor="7"))
    assert (result.run_requests, result.cursor, result.skip_message) == ([RunRequest("a")], "7", None)
    for wrong in (3, "text", [3], {"ops": {}}):
        with pytest.raises(InvalidInvocationError, match="Return RunRequest, SkipReason, SensorResult"):
            verdict(wrong)
    with pytest.raises(InvalidInvocationError, match="both a SkipReason and a RunRequest"):
        verdict([SkipReason("no"), RunRequest()])


def test_results_and_requests_that_contradict_themselves_are_refused_when_they_are_made() -> None:
    with pytest.raises(InvalidInvocationError, match="not both"):
        SensorResult(run_requests=[RunRequest()], skip_reason="no")
    with pytest.raises(InvalidInvocationError, match="run_key must be a str, not 3"):
        RunRequest(run_key=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidInvocationError, match="a cursor is a str"):
        build_sensor_context().update_cursor(3)  # type: ignore[arg-type]


def test_a_cursor_is_given_once() -> None:
    @sensor(job=job)
    def twice(context: Any) -> Any:
        context.update_cursor("1")
        return SensorResult(cursor="2")

    with pytest.raises(InvalidInvocationError, match="keep one of the two"):
        twice.evaluate_tick(build_sensor_context())


def test_a_request_is_plain_data() -> None:
    request = RunRequest(
        "k", RunConfig(ops={"orders": {"config": {"n": 1}}}), {"n": 3, "s": "t"}, asset_selection=[orders, "a"]
    )
    assert request.to_json() == {
        "run_key": "k",
        "run_config": {"ops": {"orders": {"config": {"n": 1}}}},
        "tags": {"n": "3", "s": "t"},
        "assets": ["orders", "a"],
    }


def test_a_sensor_on_runs_is_called_with_a_context_of_a_run() -> None:
    @run_failure_sensor(name="on_failure")
    def on_failure(context: Any) -> Any:
        return f"{context.run.run_id} {context.run.job_name} {context.get_step_failure_events()}"

    run = Run(run_id="r1", status=RunStatus.FAILURE, job_name="nightly")
    context = build_run_status_sensor_context("on_failure", run=run, partition_key="2026-03-01")
    assert on_failure(context.for_run_failure()) == "r1 nightly []"
    assert context.partition_key == "2026-03-01"
    with pytest.raises(AttributeError, match=r"Use context\.run"):
        _ = context.vendor_run


def test_a_sensor_on_several_assets_is_called_with_what_an_instance_holds() -> None:
    from headwater.storage.instance import Instance

    with Instance.ephemeral() as instance:
        instance.report_materialization("inbox", metadata={"rows": 3})
        context = build_multi_asset_sensor_context(["inbox", "orders"], instance=instance)
        records = context.latest_materialization_records_by_key()
        assert {str(key): bool(record) for key, record in records.items()} == {"inbox": True, "orders": False}
        context.advance_all_cursors()
        assert not any(context.latest_materialization_records_by_key().values())


def test_the_instance_is_opened_when_it_is_asked_for() -> None:
    with pytest.raises(InvalidInvocationError, match="no instance"):
        _ = build_sensor_context().instance
    assert build_sensor_context(instance=lambda: "opened").instance == "opened"


def test_a_definition_can_be_made_without_the_decorator() -> None:
    made = SensorDefinition("made", evaluation_fn=lambda context: SkipReason(), job=job)
    assert made(build_sensor_context()) == SkipReason()
    with pytest.raises(InvalidInvocationError, match="needs evaluation_fn"):
        SensorDefinition("made", job=job)
