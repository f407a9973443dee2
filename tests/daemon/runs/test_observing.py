"""Observable sources: a run of one looks and writes observations, and a new data version is an update."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetSelection,
    DataVersion,
    DataVersionsByPartition,
    Definitions,
    ExecutionError,
    Instance,
    InvalidDefinitionError,
    InvalidInvocationError,
    ObserveResult,
    SourceAsset,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    materialize,
    observable_source_asset,
    observe,
)
from headwater.daemon.runs.execute import RunOutcome, execute_run
from headwater.daemon.runs.plan import RunPlan
from headwater.daemon.runs.planning import build_plan
from headwater.storage.events import AssetCheckEvaluated, AssetObserved, RunRequested, StepStarted, Target
from headwater.storage.log import EventLog

from .conftest import Bench

COLOURS = StaticPartitionsDefinition(["red", "blue"])


def source(returned: Any, **arguments: Any) -> Any:
    @observable_source_asset(name="rates", **arguments)
    def looks():
        return returned

    return looks


def test_a_data_version_is_written_as_an_observation(bench: Bench) -> None:
    assert bench.run(source(DataVersion("v1"))) is RunOutcome.SUCCEEDED
    seen = bench.only(AssetObserved)
    assert (seen.asset_key, seen.partition, seen.data_version, seen.run_id) == ("rates", None, "v1", "r1")
    assert bench.only(StepStarted).targets == (Target(asset_key="rates"),)


def test_an_observe_result_carries_metadata_tags_and_check_results(bench: Bench) -> None:
    result = ObserveResult(
        data_version=DataVersion("v1"),
        metadata={"rows": 3},
        tags={"who": "me"},
        check_results=[AssetCheckResult(passed=True)],
    )
    bench.run(source(result, check_specs=[AssetCheckSpec("filled", asset="rates")]))
    seen = bench.only(AssetObserved)
    assert (seen.metadata, seen.tags) == ({"rows": {"type": "int", "value": 3}}, {"who": "me"})
    assert bench.only(AssetCheckEvaluated).check_name == "filled"


def test_results_can_be_yielded_and_the_context_and_resources_are_taken(bench: Bench) -> None:
    @observable_source_asset(required_resource_keys={"db"})
    def rates(context: AssetExecutionContext) -> Iterator[ObserveResult]:
        yield ObserveResult(data_version=context.resources.db)

    bench.run(rates, resources={"db": "from the db"})
    assert bench.only(AssetObserved).data_version == "from the db"


def test_partitions_are_observed_one_by_one(bench: Bench) -> None:
    result = observe([source(DataVersionsByPartition({"red": "a", "blue": DataVersion("b")}), partitions_def=COLOURS)])
    seen = result.asset_observations_for_node("rates")
    assert {one.partition: one.data_version for one in seen} == {"red": "a", "blue": "b"}


def test_one_partition_can_be_observed() -> None:
    @observable_source_asset(partitions_def=COLOURS)
    def rates(context: AssetExecutionContext):
        return DataVersion(f"{context.partition_key}-1")

    [seen] = observe([rates], partition_key="red").get_asset_observation_events()
    assert (seen.partition, seen.data_version) == ("red", "red-1")


@pytest.mark.parametrize("wrong", [None, 5, "v1", True, [DataVersion("v1")]])
def test_anything_else_is_an_error_that_says_what_to_return(wrong: Any) -> None:
    with pytest.raises(ExecutionError, match=r"asset 'rates' gave .* returns DataVersion\('...'\), ObserveResult"):
        observe([source(wrong)])


def test_the_result_of_another_asset_and_versions_of_partitions_that_it_has_not_are_errors() -> None:
    with pytest.raises(ExecutionError, match="an ObserveResult for 'other'"):
        observe([source(ObserveResult(asset_key="other"))])
    with pytest.raises(ExecutionError, match="but it is not partitioned"):
        observe([source(DataVersionsByPartition({"red": "a"}))])


def test_a_source_asset_with_a_function_is_observable() -> None:
    old = SourceAsset("rates", observe_fn=lambda: DataVersion("v2"))
    [seen] = observe([old]).get_asset_observation_events()
    assert (str(seen.asset_key), seen.data_version) == ("rates", "v2")


def test_a_source_is_observed_where_it_is_named_or_alone_and_not_because_something_reads_it() -> None:
    rates = source(DataVersion("v1"))

    @asset(deps=[rates])
    def prices() -> None: ...

    def done(selection: Any = None) -> tuple[int, int]:
        result = materialize([rates, prices], selection=selection)
        return len(result.get_asset_materialization_events()), len(result.get_asset_observation_events())

    assert done() == (1, 0)
    assert done("+prices") == (1, 0)
    assert done(["rates", "prices"]) == (1, 1)
    assert done(AssetSelection.assets(rates)) == (0, 1)
    assert len(materialize([rates]).get_asset_observation_events()) == 1


def test_there_must_be_something_to_observe() -> None:
    @asset
    def made() -> None: ...

    with pytest.raises(InvalidInvocationError, match="nothing to observe"):
        observe([made])


def test_a_check_of_an_external_asset_runs_alone() -> None:
    outside = SourceAsset("outside")

    @asset_check(asset=outside)
    def is_there() -> bool:
        return True

    with Instance.ephemeral() as instance:
        result = materialize([outside, is_there], instance=instance)
    assert [found.check_name for found in result.get_asset_check_evaluations()] == ["is_there"]
    with pytest.raises(InvalidInvocationError, match=r"Its checks alone are selected by `checks\(outside\)`"):
        materialize([outside, is_there], selection="outside")
    assert materialize([outside, is_there], selection="checks(outside)").success


def test_an_interval_becomes_a_cron() -> None:
    def condition(minutes: float) -> str:
        return str(source(None, auto_observe_interval_minutes=minutes).automation_condition.to_json())

    assert "*/5 * * * *" in condition(5)
    assert "*/1 * * * *" in condition(0.5)
    assert "0 */2 * * *" in condition(120)
    assert "0 0 * * *" in condition(24 * 60)
    with pytest.raises(InvalidDefinitionError, match="auto_observe_interval_minutes=0"):
        condition(0)


def test_the_snapshot_says_that_it_is_external_and_observable() -> None:
    kept = Definitions([source(None)]).snapshot().assets["rates"]
    assert (kept.external, kept.observable, kept.has_function) == (True, True, True)


def test_several_partitions_are_one_step_and_only_what_it_tells_of_is_written() -> None:
    looked_at: list[list[str]] = []

    @observable_source_asset(partitions_def=COLOURS)
    def rates(context: AssetExecutionContext):
        looked_at.append(list(context.partition_keys))
        return DataVersionsByPartition({"red": "a"})

    definitions = Definitions([rates])
    target = Target(asset_key="rates", partitions=(("red", "red"), ("blue", "blue")))
    plan = build_plan(definitions.snapshot(), "r1", 1, [target])
    assert RunPlan.from_bytes(plan.to_bytes()) == plan
    with EventLog.memory() as log:
        log.append([RunRequested(run_id="r1", targets=(target,))])
        execute_run(definitions, plan, lambda events, expect: log.append(events, expect=expect), home=Path())
        written = [stored.event for stored in log.read(0, 100)]
    assert looked_at == [["red", "blue"]]
    assert [event.partition for event in written if isinstance(event, AssetObserved)] == ["red"]
    [started] = [event for event in written if isinstance(event, StepStarted)]
    assert started.targets == (target,)
