"""Checks that one function evaluates: one step after all of their assets, a gate for each, some of them if it can."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSpec,
    AssetIn,
    AssetKey,
    AssetSelection,
    Definitions,
    ExecutionError,
    InvalidDefinitionError,
    asset,
    asset_check,
    materialize,
    multi_asset_check,
)
from headwater.daemon.runs.execute import RunOutcome
from headwater.storage.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    Target,
)

from .conftest import Bench


@asset
def orders() -> int:
    return 3


@asset
def customers() -> int:
    return 2


@asset(deps=[orders])
def revenue() -> None: ...


@asset(deps=[customers])
def mailing() -> None: ...


SPECS = [
    AssetCheckSpec("filled", asset=orders, blocking=True),
    AssetCheckSpec("filled", asset=customers, blocking=True),
]


def both(*, orders_pass: bool = True, customers_pass: bool = True, **arguments: Any) -> Any:
    @multi_asset_check(specs=SPECS, **arguments)
    def both_filled():
        yield AssetCheckResult(passed=orders_pass, asset_key="orders")
        yield AssetCheckResult(passed=customers_pass, asset_key="customers")

    return both_filled


def test_they_are_one_step_after_all_of_their_assets(bench: Bench) -> None:
    assert bench.run(orders, customers, revenue, checks=[both()]) is RunOutcome.SUCCEEDED
    assert [step.step_key for step in bench.of(StepStarted)] == ["customers", "orders", "both_filled", "revenue"]
    started = next(step for step in bench.of(StepStarted) if step.step_key == "both_filled")
    assert (started.targets, [check.asset_key for check in started.checks]) == ((), ["orders", "customers"])
    assert len(bench.of(StepSucceeded)) == 4
    assert [(found.asset_key, found.passed) for found in bench.of(AssetCheckEvaluated)] == [
        ("orders", True),
        ("customers", True),
    ]


def test_each_of_them_shuts_the_gate_of_its_own_asset_only(bench: Bench) -> None:
    outcome = bench.run(orders, customers, revenue, mailing, checks=[both(customers_pass=False)])
    assert outcome is RunOutcome.FAILED
    assert bench.only(StepFailed).step_key == "both_filled"
    skipped = bench.only(StepSkipped)
    assert (skipped.step_key, skipped.blocked_by) == ("mailing", (Target(asset_key="customers"),))
    assert {event.asset_key for event in bench.of(AssetMaterialized)} == {"orders", "customers", "revenue"}


def test_a_function_that_raises_shuts_all_of_its_gates(bench: Bench) -> None:
    @multi_asset_check(specs=SPECS)
    def broken():
        raise ValueError("oops")

    bench.run(orders, customers, revenue, mailing, checks=[broken])
    assert {found.description for found in bench.of(AssetCheckEvaluated)} == {"the check raised ValueError: oops"}
    assert {event.step_key for event in bench.of(StepSkipped)} == {"revenue", "mailing"}


def test_a_check_of_an_asset_and_of_what_is_downstream_of_it_is_evaluated_after_both(bench: Bench) -> None:
    @multi_asset_check(
        specs=[AssetCheckSpec("ok", asset=orders, blocking=True), AssetCheckSpec("ok", asset=revenue, blocking=True)]
    )
    def along_the_way():
        return [AssetCheckResult(passed=True, asset_key="orders"), AssetCheckResult(passed=True, asset_key="revenue")]

    assert bench.run(orders, revenue, checks=[along_the_way]) is RunOutcome.SUCCEEDED
    assert [step.step_key for step in bench.of(StepStarted)] == ["orders", "revenue", "along_the_way"]


def test_the_function_is_told_which_of_its_checks_are_wanted_if_it_can_evaluate_some() -> None:
    wanted: list[set[AssetCheckKey]] = []

    @multi_asset_check(specs=SPECS, can_subset=True)
    def some(context: AssetCheckExecutionContext):
        wanted.append(set(context.selected_asset_check_keys))
        for key in sorted(context.selected_asset_check_keys):
            yield AssetCheckResult(passed=True, asset_key=key.asset_key, check_name=key.name)

    result = materialize([orders, customers, some], selection=["orders"])
    assert wanted == [{AssetCheckKey(AssetKey("orders"), "filled")}]
    assert [str(found.asset_key) for found in result.get_asset_check_evaluations()] == ["orders"]


def test_one_that_cannot_evaluate_some_evaluates_all() -> None:
    result = materialize([orders, customers, both()], selection=["orders"])
    assert len(result.get_asset_check_evaluations()) == 2


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ([AssetCheckResult(passed=True, asset_key="orders")], "no result for the check 'filled' of asset 'customers'"),
        ([AssetCheckResult(passed=True)], "could be any of several checks"),
        (True, "gave True. Yield an AssetCheckResult for each"),
        ([AssetCheckResult(passed=True, check_name="sorted")], "for which it has no spec"),
    ],
)
def test_a_result_too_few_or_too_many_fails_the_step(returned: Any, message: str) -> None:
    @multi_asset_check(specs=SPECS)
    def wrong():
        return returned

    with pytest.raises(ExecutionError, match=message):
        materialize([orders, customers, wrong])


def test_inputs_are_loaded_by_parameter() -> None:
    @multi_asset_check(specs=SPECS, ins={"o": AssetIn("orders"), "c": AssetIn(key="customers")})
    def compares(o: int, c: int):
        yield AssetCheckResult(passed=o > c, asset_key="orders")
        yield AssetCheckResult(passed=(o, c) == (3, 2), asset_key="customers")

    result = materialize([orders, customers, compares])
    assert [found.passed for found in result.get_asset_check_evaluations()] == [True, True]


def test_a_check_takes_further_assets_and_comes_after_them(bench: Bench) -> None:
    @asset_check(asset=orders, additional_ins={"other": AssetIn("customers")}, additional_deps=[mailing])
    def fewer_customers(whatever: int, other: int) -> bool:
        return (whatever, other) == (3, 2)

    assert bench.run(orders, customers, mailing, checks=[fewer_customers]) is RunOutcome.SUCCEEDED
    assert [step.step_key for step in bench.of(StepStarted)][-1] == "orders:fewer_customers"
    assert bench.only(AssetCheckEvaluated).passed


def test_inputs_that_are_not_defined_or_no_parameters_are_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="has an input for 'other', which is no parameter"):

        @asset_check(asset=orders, additional_ins={"other": AssetIn("customers")})
        def takes_nothing() -> bool:
            return True

    @asset_check(asset=orders, additional_ins={"other": AssetIn("custommers")})
    def misspelt(other: int) -> bool:
        return True

    [error] = Definitions([orders, customers], [misspelt]).errors()
    assert "takes 'custommers', which is not defined. Did you mean 'customers'?" in str(error)


def test_the_asset_of_a_check_is_not_named_again_among_its_dependencies() -> None:
    with pytest.raises(InvalidDefinitionError, match="as its asset and in additional_deps"):

        @asset_check(asset=orders, additional_deps=[orders])
        def twice() -> bool:
            return True


def test_specs_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="lists 'filled', which is no AssetCheckSpec"):
        multi_asset_check(specs=["filled"])(lambda: None)  # type: ignore[list-item]
    with pytest.raises(InvalidDefinitionError, match="has no specs"):
        multi_asset_check(specs=[])(lambda: None)


def test_checks_alone_are_a_run_of_their_own() -> None:
    result = materialize([orders, customers, both()], selection=AssetSelection.checks_for_assets("orders"))
    assert result.get_asset_materialization_events() == []
    assert len(result.get_asset_check_evaluations()) == 2
