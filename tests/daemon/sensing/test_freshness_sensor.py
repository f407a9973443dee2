"""The sensor of freshness checks: which of them are due, asked for in one run, and not over and over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetSpec,
    DefaultSensorStatus,
    DefinitionErrors,
    Definitions,
    Instance,
    SensorResult,
    SkipReason,
    asset,
    asset_check,
    build_last_update_freshness_checks,
    build_sensor_context,
    build_sensor_for_freshness_checks,
    build_time_partition_freshness_checks,
    materialize,
)
from headwater.definitions.errors import DefinitionError
from headwater.definitions.freshness_checks import FRESH_UNTIL
from headwater.definitions.freshness_sensor import ASKED_AGAIN_S
from headwater.definitions.metadata import MetadataValue, metadata_to_json
from headwater.definitions.partitions import DailyPartitionsDefinition
from headwater.storage import events as e
from support.sensing import SensingWorld

inbox, other = AssetSpec("inbox"), AssetSpec("other")
CHECKS = build_last_update_freshness_checks(assets=[inbox, other], lower_bound_delta=timedelta(hours=8))


def spoke(asset_key: str, *, passed: bool, fresh_for: timedelta = timedelta(0)) -> e.AssetCheckEvaluated:
    metadata = metadata_to_json({FRESH_UNTIL: MetadataValue.timestamp(datetime.now(UTC) + fresh_for)}) if passed else {}
    return e.AssetCheckEvaluated(
        asset_key=asset_key, check_name="freshness_check", passed=passed, severity="WARN", metadata=dict(metadata)
    )


def world_of(*before: e.Event) -> SensingWorld:
    world = SensingWorld()
    world.append(*before) if before else None
    world.define(inbox, other, checks=CHECKS, sensors=[build_sensor_for_freshness_checks(freshness_checks=CHECKS)])
    return world


def checked(runs: list[e.RunRequested]) -> list[list[str]]:
    return [[check.asset_key for check in run.checks] for run in runs]


def test_checks_that_were_never_evaluated_are_run_in_one_run_that_makes_nothing() -> None:
    world = world_of()
    (run,) = world.sense()
    assert (run.targets, run.origin) == ((), "sensor")
    assert checked([run]) == [["inbox", "other"]]


def test_what_passed_is_run_again_once_it_may_be_overdue_and_what_failed_is_left_alone() -> None:
    late, fresh = timedelta(seconds=-1), timedelta(hours=1)
    assert checked(world_of(spoke("inbox", passed=True, fresh_for=late), spoke("other", passed=False)).sense()) == [
        ["inbox"]
    ]
    assert world_of(spoke("inbox", passed=True, fresh_for=fresh), spoke("other", passed=False)).sense() == []


def test_what_failed_is_run_again_when_its_asset_was_updated_since() -> None:
    world = world_of(spoke("inbox", passed=False), spoke("other", passed=False))
    assert world.sense() == []
    world.report("inbox")
    assert checked(world.until("2026-03-01T00:01:00+00:00")) == [["inbox"]]


def test_a_check_that_a_run_is_about_to_evaluate_or_that_has_not_spoken_yet_is_not_asked_for_again() -> None:
    world = world_of()
    (run,) = world.sense()
    assert world.until("2026-03-01T00:03:00+00:00") == []
    world.append(e.RunFailed(run_id=run.run_id, reason="step_failed"))
    assert world.until("2026-03-01T00:06:00+00:00") == []


def test_the_newest_word_of_a_check_counts_among_those_of_other_checks_of_the_asset() -> None:
    def other_check(number: int) -> e.AssetCheckEvaluated:
        return e.AssetCheckEvaluated(asset_key="inbox", check_name=f"c{number}", passed=True)

    word = spoke("inbox", passed=True, fresh_for=timedelta(hours=1))
    world = world_of(word, *map(other_check, range(250)), spoke("other", passed=False))
    assert world.sense() == []


def test_it_goes_by_the_name_and_the_status_that_it_is_given() -> None:
    assert build_sensor_for_freshness_checks(freshness_checks=CHECKS).name == "freshness_checks_sensor"
    stopped = build_sensor_for_freshness_checks(
        freshness_checks=CHECKS,
        name="watch",
        minimum_interval_seconds=5,
        default_status=DefaultSensorStatus.STOPPED,
        tags={"team": "ops"},
    )
    assert (stopped.name, stopped.minimum_interval_seconds, stopped.running) == ("watch", 5, False)
    context = build_sensor_context(instance=Instance.ephemeral())
    result = stopped(context)
    assert isinstance(result, SensorResult)
    assert result.run_requests[0].tags == {"team": "ops"}


def test_a_check_of_anything_else_is_refused() -> None:
    @asset_check(asset="inbox")
    def filled() -> bool:
        return True

    with pytest.raises(DefinitionError, match="no check of freshness"):
        build_sensor_for_freshness_checks(freshness_checks=[filled])


def test_what_was_asked_for_and_never_spoke_is_asked_for_again_after_a_while() -> None:
    looks = build_sensor_for_freshness_checks(freshness_checks=CHECKS[:1])
    with Instance.ephemeral() as instance:
        asked = looks(build_sensor_context(instance=instance)).cursor
        assert isinstance(looks(build_sensor_context(instance=instance, cursor=asked)), SkipReason)
        long_ago = json.dumps({name: at - ASKED_AGAIN_S for name, at in json.loads(asked).items()})
        assert isinstance(looks(build_sensor_context(instance=instance, cursor=long_ago)), SensorResult)


def test_checks_that_are_not_among_the_definitions_are_reported_when_they_are_loaded() -> None:
    sensors = [build_sensor_for_freshness_checks(freshness_checks=CHECKS)]
    with pytest.raises(DefinitionErrors, match="its target means nothing here"):
        Definitions([inbox, other], sensors=sensors).validate()


def test_a_check_of_partitions_is_quiet_until_the_next_deadline(tmp_path: Path) -> None:
    days = DailyPartitionsDefinition((datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%d"))

    @asset(partitions_def=days)
    def visits(context: Any) -> None: ...

    checks = build_time_partition_freshness_checks(assets=[visits], deadline_cron="0 9 * * *")
    looks = build_sensor_for_freshness_checks(freshness_checks=checks)
    with Instance.local(tmp_path) as instance:
        assert isinstance(looks(build_sensor_context(instance=instance)), SensorResult)
        materialize([visits, *checks], instance=instance, selection="checks(visits)")
        assert isinstance(looks(build_sensor_context(instance=instance)), SkipReason)
