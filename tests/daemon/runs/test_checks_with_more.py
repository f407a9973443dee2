"""What a check may have beside its function: a schema of config, resources of its own, retries, hooks of its job."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSpec,
    Definitions,
    HookContext,
    InvalidConfigError,
    InvalidDefinitionError,
    RetryPolicy,
    asset,
    asset_check,
    define_asset_job,
    materialize,
    multi_asset_check,
    success_hook,
)
from headwater.daemon.runs.execute import RunOutcome, execute_run
from headwater.daemon.runs.planning import build_plan
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage.events import PlannedCheck, RunRequested, Target

from .conftest import Bench


@asset
def orders() -> list[int]:
    return [3, 4]


@asset_check(asset=orders, config_schema={"at_least": int}, resource_defs={"limit": 1}, op_tags={"cpu": 2})
def enough(context: AssetCheckExecutionContext, orders: list[int], limit: int) -> bool:
    return len(orders) >= context.op_config["at_least"] * limit


def test_a_check_has_the_config_of_its_schema_and_brings_resources_along() -> None:
    for at_least in (2, 3):
        run_config = {"ops": {"orders_enough": {"config": {"at_least": at_least}}}}
        (event,) = materialize([orders, enough], run_config=run_config).get_asset_check_evaluations()
        assert event.passed is (at_least == 2)
    with pytest.raises(InvalidConfigError, match=r"ops\.orders_enough\.config\.at_least"):
        materialize([orders, enough], run_config={"ops": {"orders_enough": {"config": {"at_least": "x"}}}})


def test_a_resource_of_a_check_must_be_the_only_one_of_its_name() -> None:
    with pytest.raises(InvalidDefinitionError, match="brings a resource 'limit'"):
        Definitions([orders], asset_checks=[enough], resources={"limit": 2})


def test_several_checks_of_one_function_have_the_same() -> None:
    tried: list[int] = []

    @multi_asset_check(
        specs=[AssetCheckSpec("a", asset="orders"), AssetCheckSpec("b", asset="orders")],
        config_schema={"n": int},
        resource_defs={"db": "the db"},
        retry_policy=RetryPolicy(max_retries=1),
        pool="warehouse",
    )
    def both(context: AssetCheckExecutionContext, db: str) -> Any:
        tried.append(context.op_config["n"])
        if len(tried) == 1:
            raise ValueError("once")
        for name in ("a", "b"):
            yield AssetCheckResult(passed=db == "the db", asset_key="orders", check_name=name)

    result = materialize([orders, both], run_config={"ops": {"both": {"config": {"n": 5}}}})
    assert [event.passed for event in result.get_asset_check_evaluations()] == [True, True]
    assert tried == [5, 5]


def test_the_snapshot_keeps_the_pool_and_the_tags_of_a_check() -> None:
    snapshot = DefinitionsSnapshot.of(Definitions([orders], asset_checks=[enough]))
    (check,) = DefinitionsSnapshot.from_bytes(snapshot.to_bytes()).assets["orders"].checks
    assert check.op_tags == {"cpu": 2}


def test_hooks_of_a_job_run_after_the_steps_of_checks_too(bench: Bench) -> None:
    told: list[str] = []

    @success_hook
    def tell(context: HookContext) -> None:
        told.append(context.step_key)

    @asset_check(asset=orders)
    def filled(orders: list[int]) -> bool:
        return bool(orders)

    every = define_asset_job("every", "orders", hooks={tell})
    definitions = Definitions([orders], asset_checks=[filled], jobs=[every])
    check = PlannedCheck(asset_key="orders", name="filled")
    offset = bench.log.append([RunRequested(run_id="r", job_name="every")])[0]
    targets = [Target(asset_key="orders")]
    plan = build_plan(definitions.snapshot(), "r", offset, targets, [check], job_name="every")
    assert execute_run(definitions, plan, bench.append, home=bench.home) is RunOutcome.SUCCEEDED
    assert told == ["orders", "orders:filled"]
