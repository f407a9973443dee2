"""Automation sensors: while one is off the automation of its assets is paused, and nothing is lost meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetSpec,
    AutomationCondition,
    AutomationConditionSensorDefinition,
    DefaultSensorStatus,
    DefinitionErrors,
    Definitions,
    Instance,
    StaticPartitionsDefinition,
    asset,
    evaluate_automation_conditions,
)
from headwater.definitions.errors import NotYetSupported
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from support.sensing import SensingWorld
from support.world import World

inbox = AssetSpec("inbox")
STOPPED = DefaultSensorStatus.STOPPED


@asset(deps=[inbox], group_name="sales", automation_condition=AutomationCondition.eager())
def orders() -> None: ...


@asset(deps=[inbox], group_name="web", automation_condition=AutomationCondition.eager())
def visits() -> None: ...


@asset(deps=[inbox], group_name="plain")
def plain() -> None: ...


def world_of(*sensors: AutomationConditionSensorDefinition) -> SensingWorld:
    world = SensingWorld()
    world.define(inbox, orders, visits, plain, sensors=sensors)
    return world


def asked(world: SensingWorld) -> list[str]:
    runs = world.settle()
    for run in runs:
        world.run(run)
    return sorted(target.asset_key for run in runs for target in run.targets)


def switch(world: SensingWorld, name: str, *, on: bool | None) -> None:
    world.append(e.SensorSwitched(name=name, on=on))


def test_a_stopped_sensor_pauses_the_automation_of_its_assets_until_it_is_started() -> None:
    world = world_of(AutomationConditionSensorDefinition("sales", target="group:sales", default_status=STOPPED))
    world.report("inbox")
    assert asked(world) == ["visits"]
    switch(world, "sales", on=True)
    assert asked(world) == ["orders"]
    switch(world, "sales", on=False)
    world.report("inbox")
    assert asked(world) == ["visits"]
    switch(world, "sales", on=None)
    assert asked(world) == []


def test_it_runs_unless_it_says_otherwise_and_is_never_evaluated_like_other_sensors() -> None:
    world = world_of(AutomationConditionSensorDefinition("all", target="*", minimum_interval_seconds=1))
    world.report("inbox")
    assert asked(world) == ["orders", "visits"]
    switch(world, "all", on=True)
    world.until("2026-03-01T01:00:00+00:00")
    assert world.orders == []


def test_automation_that_was_paused_by_hand_stays_so_whatever_the_sensor_says() -> None:
    world = world_of(AutomationConditionSensorDefinition("all", target="*"))
    world.append(e.AutomationSwitched(mode="paused", groups=("sales",)))
    world.report("inbox")
    assert asked(world) == ["visits"]


def test_its_default_condition_is_that_of_its_assets_without_one() -> None:
    sensor = AutomationConditionSensorDefinition(
        "plain", target=["plain", "orders", "inbox"], default_condition=AutomationCondition.eager()
    )
    world = world_of(sensor)
    world.report("inbox")
    assert asked(world) == ["orders", "plain", "visits"]
    definitions = Definitions([inbox, plain], sensors=[AutomationConditionSensorDefinition("none", target="plain")])
    assert definitions.condition_of(plain.key) is None


def test_what_waits_for_a_sensor_says_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from headwater.daemon.evaluation.switched import switched_off_by

    world = world_of(AutomationConditionSensorDefinition("sales", target="group:sales", default_status=STOPPED))
    world.settle()
    assert world.state.definitions is not None
    assert switched_off_by(world.state, world.state.definitions, "orders") == "sales"
    assert switched_off_by(world.state, world.state.definitions, "visits") is None


def test_it_says_nothing_to_a_test_of_conditions() -> None:
    sensor = AutomationConditionSensorDefinition("all", target="*", default_status=STOPPED)
    with Instance.ephemeral() as instance:
        definitions = Definitions([inbox, orders], sensors=[sensor])
        first = evaluate_automation_conditions(definitions, instance)
        instance.report_runless_asset_event(_made("inbox"))
        result = evaluate_automation_conditions(definitions, instance, cursor=first.cursor)
    assert result.total_requested == 1


def test_it_survives_the_way_through_the_log() -> None:
    sensor = AutomationConditionSensorDefinition("sales", target="group:sales")
    snapshot = DefinitionsSnapshot.of(Definitions([inbox, orders, visits], sensors=[sensor]))
    read = DefinitionsSnapshot.from_bytes(snapshot.to_bytes())
    assert {key: one.name for key, one in read.automation_sensors.items()} == {"orders": "sales"}


def test_an_asset_that_two_of_them_cover_and_what_cannot_be_done_are_refused() -> None:
    both = [AutomationConditionSensorDefinition(name, target="group:sales") for name in ("a", "b")]
    with pytest.raises(DefinitionErrors, match="which 'a' covers already"):
        Definitions([inbox, orders], sensors=both).validate()
    with pytest.raises(NotYetSupported, match="emit_backfills"):
        AutomationConditionSensorDefinition("direct", target="*", emit_backfills=False)


def test_the_runs_of_automation_have_tags_by_which_they_are_found() -> None:
    sales = AutomationConditionSensorDefinition("sales", target="group:sales", run_tags={"team": "sales"})
    world = world_of(sales)
    world.settle()
    world.report("inbox")
    runs = {run.targets[0].asset_key: run.tags for run in world.settle()}
    from_automation = {"headwater/from_automation_condition": "true"}
    assert runs == {
        "orders": {**from_automation, "headwater/sensor_name": "sales", "team": "sales"},
        "visits": from_automation,
    }


def test_a_backfill_of_automation_has_the_tags_of_its_runs() -> None:
    letters = StaticPartitionsDefinition([f"letter-{n}" for n in range(101)])

    @asset(partitions_def=letters, automation_condition=AutomationCondition.on_missing())
    def many() -> None: ...

    world = World()
    world.define(many)
    world.settle()
    [backfill] = [stored.event for stored in world.log.query(types=["backfill_requested"])]
    assert isinstance(backfill, e.BackfillRequested)
    assert backfill.tags == {"headwater/from_automation_condition": "true"}


def _made(key: str) -> Any:
    from headwater import AssetMaterialization

    return AssetMaterialization(key)
