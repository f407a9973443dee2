"""Automation of assets that can only be made together: when one of them is requested, all are."""

from __future__ import annotations

from typing import Any

from headwater import AssetKey, AssetOut, Definitions, evaluate_automation_conditions
from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.multi_asset import multi_asset
from headwater.definitions.partitions import StaticPartitionsDefinition
from headwater.storage import events as e
from headwater.storage.instance import Instance
from support.world import World, keys_of, parts_of

EAGER = AutomationCondition.eager()
LETTERS = StaticPartitionsDefinition(["a", "b"])


def pair(*, can_subset: bool = False, partitions: Any = None, condition: Any = None) -> Any:
    """`p` is eager and reads `source`; `q` has no condition, or this one."""

    @multi_asset(
        specs=[
            AssetSpec("p", deps=["source"], automation_condition=EAGER, partitions_def=partitions),
            AssetSpec("q", deps=["source2"], automation_condition=condition, partitions_def=partitions),
        ],
        can_subset=can_subset,
    )
    def both() -> None: ...

    return both


def eager(name: str, *deps: str, partitions: Any = None) -> Any:
    return asset(name=name, deps=list(deps), partitions_def=partitions, automation_condition=EAGER)(lambda: None)


def world_of(*assets: Any, partitions: Any = None) -> World:
    world = World()
    world.define(AssetSpec("source", partitions_def=partitions), *assets)
    return world


def decisions(world: World) -> list[tuple[str, str]]:
    [tick] = [s.event for s in world.log.query(types=["tick"], newest_first=True, limit=1)]
    assert isinstance(tick, e.Tick)
    return [(decision.asset_key, decision.along_with) for decision in tick.decisions]


def test_the_others_of_its_function_come_along() -> None:
    world = world_of(pair())
    world.report("source")
    [run] = world.settle()
    assert keys_of([run]) == [["p", "q"]]
    world.run(run)
    assert world.settle() == []


def test_the_tick_says_with_what_they_came() -> None:
    world = world_of(pair())
    world.report("source")
    world.tick()
    assert decisions(world) == [("p", ""), ("q", "p")]


def test_where_some_can_be_made_alone_nothing_comes_along() -> None:
    world = world_of(pair(can_subset=True))
    world.report("source")
    assert keys_of(world.settle()) == [["p"]]


def test_what_reads_one_that_comes_along_is_in_the_same_run() -> None:
    world = world_of(pair(), eager("after", "q"))
    world.report("source")
    assert keys_of(world.settle()) == [["p", "q", "after"]]


def test_what_reads_one_that_came_along_too_late_is_built_by_its_update() -> None:
    @multi_asset(
        specs=[AssetSpec("a"), AssetSpec("z", deps=["source", "mid"], automation_condition=EAGER)], name="ends"
    )
    def ends() -> None: ...

    world = world_of(ends, AssetSpec("mid"), eager("b", "a"))
    world.report("mid")
    world.report("source")
    runs = world.run_all()
    assert sorted(key for run in keys_of(runs) for key in run) == ["a", "b", "z"]


def test_only_the_partitions_that_are_requested_come_along() -> None:
    world = world_of(pair(partitions=LETTERS), partitions=LETTERS)
    world.report("source", "b")
    assert parts_of(world.settle()) == [("p", "b"), ("q", "b")]


def test_one_that_is_requested_by_itself_does_not_come_along_as_well() -> None:
    @multi_asset(
        specs=[
            AssetSpec("p", deps=["source"], automation_condition=EAGER),
            AssetSpec("q", deps=["source", "p"], automation_condition=EAGER),
        ]
    )
    def both() -> None: ...

    world = world_of(both)
    world.report("source")
    [run] = world.tick()
    assert keys_of([run]) == [["p", "q"]]
    assert decisions(world) == [("p", ""), ("q", "")]


def test_what_one_function_makes_of_unrelated_assets_is_one_run() -> None:
    @multi_asset(
        specs=[AssetSpec(key, deps=["source"], automation_condition=EAGER) for key in ("p", "q")], can_subset=True
    )
    def both() -> None: ...

    world = world_of(both, eager("lone", "source"))
    world.report("source")
    assert sorted(keys_of(world.settle())) == [["lone"], ["p", "q"]]


def test_what_came_along_was_not_newly_requested() -> None:
    condition = AutomationCondition.newly_requested()

    @asset(automation_condition=AutomationCondition.any_deps_match(condition), deps=["p"])
    def of_p() -> None: ...

    @asset(automation_condition=AutomationCondition.any_deps_match(condition), deps=["q"])
    def of_q() -> None: ...

    world = world_of(pair(), of_p, of_q)
    world.report("source")
    assert [key for run in keys_of(world.settle()) for key in run if key.startswith("of")] == ["of_p"]


def test_in_a_trial_they_are_requested_too() -> None:
    both = pair(condition=AutomationCondition.on_cron("0 0 * * *"))
    definitions = Definitions(assets=[AssetSpec("source"), both])
    with Instance.ephemeral() as instance:
        result = evaluate_automation_conditions(definitions, instance)
        assert result.total_requested == 0
        instance.report_runless_asset_event(_made("source"))
        result = evaluate_automation_conditions(definitions, instance, cursor=result.cursor)
        assert (result.total_requested, result.get_num_requested(AssetKey("q"))) == (2, 1)
        assert evaluate_automation_conditions(definitions, instance, cursor=result.cursor).total_requested == 0


def _made(key: str) -> Any:
    from headwater import AssetMaterialization

    return AssetMaterialization(asset_key=key)


def test_after_a_failure_half_way_what_was_not_tried_heals_when_what_it_waits_for_is_made() -> None:
    @multi_asset(
        specs=[
            AssetSpec("p", deps=["source"], automation_condition=EAGER),
            AssetSpec("q", deps=["p"], automation_condition=EAGER),
            AssetSpec("r", deps=["q"], automation_condition=EAGER),
        ],
        can_subset=True,
    )
    def three() -> None: ...

    world = world_of(three)
    world.report("source")
    [run] = world.settle()
    targets = {target.asset_key: target for target in run.targets}
    error = e.ErrorInfo(cls="ValueError", message="no")
    world.append(
        e.RunStarted(run_id=run.run_id),
        e.StepStarted(run_id=run.run_id, step_key="three", targets=run.targets),
        e.AssetMaterialized(asset_key="p", run_id=run.run_id, step_key="three"),
        e.StepSkipped(run_id=run.run_id, step_key="three", targets=(targets["r"],), blocked_by=(targets["q"],)),
        e.StepFailed(run_id=run.run_id, step_key="three", asset_key="q", error=error),
        e.RunFailed(run_id=run.run_id, reason="step_failed"),
    )
    assert world.settle() == []
    world.report("q")
    assert keys_of(world.settle()) == [["r"]]


def test_outs_have_conditions_of_their_own() -> None:
    @multi_asset(outs={"p": AssetOut(automation_condition=EAGER), "q": AssetOut()}, deps=["source"])
    def both() -> None: ...

    world = world_of(both)
    world.report("source")
    assert keys_of(world.settle()) == [["p", "q"]]
