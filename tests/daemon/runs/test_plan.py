"""Plans: which steps a run has, in which order, and what each waits for."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetDep,
    AssetSpec,
    DailyPartitionsDefinition,
    Definitions,
    InvalidInvocationError,
    asset,
    asset_check,
)
from headwater.daemon.runs.plan import RunPlan
from headwater.daemon.runs.planning import build_plan
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage.events import PlannedCheck, Target

DAILY = DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")
DAY = (("2013-01-05", "2013-01-05"),)


def shop(*, gated: bool = True) -> DefinitionsSnapshot:
    """source (external) -> orders -> revenue -> report; orders has a blocking and a plain check."""

    @asset(deps=["source"])
    def orders() -> None: ...

    @asset(deps=[AssetDep(orders, gated=gated)])
    def revenue() -> None: ...

    @asset(deps=[revenue])
    def report() -> None: ...

    @asset_check(asset=orders, blocking=True)
    def not_empty() -> bool:
        return True

    @asset_check(asset=orders)
    def plausible() -> bool:
        return True

    return Definitions(
        assets=[report, revenue, orders, AssetSpec("source")], asset_checks=[not_empty, plausible]
    ).snapshot()


CHECKS = (
    PlannedCheck(asset_key="orders", name="not_empty", blocking=True),
    PlannedCheck(asset_key="orders", name="plausible"),
)


def plan_of(snapshot: DefinitionsSnapshot, *keys: str, checks: Any = (), **kwargs: Any) -> RunPlan:
    return build_plan(snapshot, "r1", 7, [Target(asset_key=key) for key in keys], checks, **kwargs)


def test_steps_come_upstream_first_and_checks_right_after_their_asset() -> None:
    plan = plan_of(shop(), "report", "orders", "revenue", checks=CHECKS)
    assert [step.step_key for step in plan.steps] == [
        "orders",
        "orders:not_empty",
        "orders:plausible",
        "revenue",
        "report",
    ]
    assert (plan.run_id, plan.requested_offset, plan.definitions) == ("r1", 7, shop().hash)


def test_a_downstream_step_waits_for_its_upstreams_and_their_blocking_checks() -> None:
    steps = {step.step_key: step for step in plan_of(shop(), "orders", "revenue", checks=CHECKS).steps}
    assert steps["revenue"].upstream == ("orders",)
    assert steps["revenue"].gates == ("orders:not_empty",)
    assert steps["orders:not_empty"].upstream == ("orders",)
    assert steps["orders"].upstream == steps["orders"].gates == ()


def test_a_dependency_without_gating_has_no_gates() -> None:
    steps = {step.step_key: step for step in plan_of(shop(gated=False), "orders", "revenue", checks=CHECKS).steps}
    assert steps["revenue"].gates == ()
    assert steps["revenue"].upstream == ("orders",)


def test_upstreams_outside_of_the_run_are_not_waited_for() -> None:
    steps = plan_of(shop(), "orders", "report").steps
    assert {step.step_key: step.upstream for step in steps} == {"orders": (), "report": ()}


def test_a_check_without_its_asset_gates_what_is_downstream() -> None:
    steps = {step.step_key: step for step in plan_of(shop(), "revenue", checks=CHECKS[:1]).steps}
    assert list(steps) == ["orders:not_empty", "revenue"]
    assert steps["orders:not_empty"].upstream == ()
    assert steps["revenue"].gates == ("orders:not_empty",)


def test_partitions_go_into_the_targets_and_the_checks_look_at_the_same_one() -> None:
    @asset(partitions_def=DAILY)
    def orders() -> None: ...

    @asset_check(asset=orders)
    def fine() -> bool:
        return True

    snapshot = Definitions(assets=[orders], asset_checks=[fine]).snapshot()
    check = PlannedCheck(asset_key="orders", name="fine")
    plan = build_plan(snapshot, "r", 1, [Target(asset_key="orders", partitions=DAY)], [check])
    assert [step.targets for step in plan.steps] == [(Target(asset_key="orders", partitions=DAY),)] * 2


def test_handed_keys_come_with_the_offset_that_they_were_chosen_at() -> None:
    inputs = {"revenue": {"orders": (("2013-01-01", "2013-01-03"),)}}
    steps = {step.step_key: step for step in plan_of(shop(), "orders", "revenue", inputs=inputs, read_through=5).steps}
    assert (steps["revenue"].inputs, steps["revenue"].read_through) == (inputs["revenue"], 5)
    assert (steps["orders"].inputs, steps["orders"].read_through) == ({}, None)


def test_a_plan_survives_its_way_to_the_worker() -> None:
    inputs = {"revenue": {"orders": (("2013-01-01", "2013-01-03"), ("2013-01-07", "2013-01-07"))}}
    plan = plan_of(shop(), "orders", "revenue", "report", checks=CHECKS, inputs=inputs, read_through=5)
    assert RunPlan.from_bytes(plan.to_bytes()) == plan


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([Target(asset_key="source")], "external"),
        ([Target(asset_key="orders"), Target(asset_key="orders")], "named twice"),
        ([Target(asset_key="orders", partitions=(("a", "a"),))], "partitioned otherwise"),
    ],
)
def test_what_no_run_can_make_is_refused(targets: list[Target], message: str) -> None:
    with pytest.raises(InvalidInvocationError, match=message):
        build_plan(shop(), "r", 1, targets)


@pytest.mark.parametrize("checks", [(), (PlannedCheck(asset_key="orders", name="gone"),)])
def test_what_is_not_defined_any_more_is_a_key_error(checks: Any) -> None:
    with pytest.raises(KeyError, match="gone"):
        plan_of(shop(), "orders" if checks else "gone", checks=checks)
