"""Observable sources: looked at by their own conditions, an update only where the data version changed."""

from __future__ import annotations

from datetime import timedelta

from headwater import (
    AssetSpec,
    AutomationCondition,
    DataVersion,
    StaticPartitionsDefinition,
    asset,
    observable_source_asset,
)
from headwater.storage import events as e
from tests.support.world import World, keys_of

eager = AutomationCondition.eager
COLOURS = StaticPartitionsDefinition(["red", "blue"])


@observable_source_asset(automation_condition=AutomationCondition.on_cron("0 * * * *"))
def rates():
    return DataVersion("v")


@asset(deps=[rates], automation_condition=eager())
def prices() -> None: ...


def seen(world: World, version: str | None, *, key: str = "rates", partition: str | None = None) -> None:
    world.append(e.AssetObserved(asset_key=key, partition=partition, data_version=version))


def test_it_is_looked_at_when_its_cron_fires() -> None:
    world = World()
    world.define(rates)
    assert world.settle() == []
    world.advance(timedelta(hours=1))
    [run] = world.settle()
    assert keys_of([run]) == [["rates"]]
    world.start(run.run_id, "rates")
    seen(world, "v1")
    world.append(e.StepSucceeded(run_id=run.run_id, step_key="rates"))
    world.end(run.run_id)
    assert world.settle() == []
    world.advance(timedelta(hours=1))
    assert len(world.settle()) == 1


def test_only_another_data_version_is_an_update() -> None:
    world = World()
    world.define(rates, prices)
    world.settle()
    seen(world, "v1")
    assert [keys_of([run]) for run in world.run_all()] == [[["prices"]]]
    seen(world, "v1")
    seen(world, None)
    assert world.settle() == []
    seen(world, "v2")
    assert keys_of(world.settle()) == [["prices"]]


def test_what_was_observed_is_missing_no_more_but_a_bare_external_asset_still_is() -> None:
    @asset(deps=["outside"], automation_condition=eager())
    def waits() -> None: ...

    world = World()
    world.define(rates, prices, AssetSpec("outside"), waits)
    seen(world, "v1")
    seen(world, "v1", key="outside")
    assert keys_of(world.settle()) == [["prices"]]


def test_an_observation_without_a_data_version_makes_it_present_and_triggers_nothing() -> None:
    @asset(deps=[rates, "raw"], automation_condition=eager())
    def mixed() -> None: ...

    world = World()
    world.define(rates, AssetSpec("raw"), mixed)
    world.report("raw")
    assert world.settle() == []
    seen(world, None)
    assert keys_of(world.settle()) == [["mixed"]]


def test_each_partition_has_its_own_data_version() -> None:
    @observable_source_asset(partitions_def=COLOURS)
    def source(): ...

    @asset(deps=[source], partitions_def=COLOURS, automation_condition=eager())
    def copy() -> None: ...

    world = World()
    world.define(source, copy)
    for colour in ("red", "blue"):
        seen(world, "v1", key="source", partition=colour)
    world.run_all()
    seen(world, "v1", key="source", partition="red")
    seen(world, "v2", key="source", partition="blue")
    [run] = world.settle()
    assert run.targets[0].partitions == (("blue", "blue"),)


def test_a_look_and_what_is_downstream_are_never_one_run() -> None:
    @asset(deps=[rates], automation_condition=AutomationCondition.on_cron("0 * * * *"))
    def hourly() -> None: ...

    world = World()
    world.define(rates, hourly)
    world.settle()
    world.advance(timedelta(hours=1))
    assert keys_of(world.settle()) == [["rates"]]
    seen(world, "v1")
    assert keys_of(world.settle()) == [["hourly"]]


def test_partitions_of_a_source_that_are_due_together_are_one_look() -> None:
    @observable_source_asset(partitions_def=COLOURS, automation_condition=AutomationCondition.on_cron("0 * * * *"))
    def source(): ...

    world = World()
    world.define(source)
    world.settle()
    world.advance(timedelta(hours=1))
    [run] = world.settle()
    assert run.targets[0].partitions == (("red", "red"), ("blue", "blue"))
