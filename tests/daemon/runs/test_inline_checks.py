"""Checks that the function of an asset evaluates itself: one step, one transaction, and a gate all the same."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetSelection,
    ExecutionError,
    InvalidDefinitionError,
    InvalidInvocationError,
    MaterializeResult,
    Output,
    asset,
    materialize,
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

FILLED = AssetCheckSpec("filled", asset="orders")
BLOCKING = AssetCheckSpec("filled", asset="orders", blocking=True)


def orders(result: Any, *specs: AssetCheckSpec) -> Any:
    @asset(name="orders", check_specs=specs)
    def made():
        return result

    return made


@asset(deps=["orders"])
def revenue() -> None: ...


@asset
def unrelated() -> None: ...


def test_a_result_is_written_in_one_transaction_with_the_materialization(bench: Bench) -> None:
    result = MaterializeResult(check_results=[AssetCheckResult(passed=True, metadata={"rows": 3})])
    bench.run(orders(result, BLOCKING), revenue)
    assert [step.step_key for step in bench.of(StepStarted)] == ["orders", "revenue"]
    [together] = [events for events in bench.appends if any(isinstance(e, AssetCheckEvaluated) for e in events)]
    assert [type(event) for event in together] == [AssetMaterialized, AssetCheckEvaluated, StepSucceeded, StepStarted]
    found = bench.only(AssetCheckEvaluated)
    assert (found.asset_key, found.check_name, found.passed, found.blocking) == ("orders", "filled", True, True)
    assert found.metadata == {"rows": {"type": "int", "value": 3}}


def test_results_can_be_yielded_beside_the_output(bench: Bench) -> None:
    @asset(name="orders", check_specs=[FILLED, AssetCheckSpec("sorted", asset="orders")])
    def yields():
        yield AssetCheckResult(passed=True, check_name="sorted")
        yield Output([1, 2])
        yield AssetCheckResult(passed=False, check_name="filled", severity=AssetCheckSeverity.WARN)

    assert bench.run(yields) is RunOutcome.SUCCEEDED
    assert {event.check_name: event.passed for event in bench.of(AssetCheckEvaluated)} == {
        "filled": False,
        "sorted": True,
    }


def test_an_asset_that_stores_its_data_itself_can_yield_nothing_but_results(bench: Bench) -> None:
    @asset(name="orders", check_specs=[FILLED])
    def yields() -> MaterializeResult:  # type: ignore[misc]
        yield AssetCheckResult(passed=True)  # pyright: ignore[reportReturnType]

    assert bench.run(yields) is RunOutcome.SUCCEEDED
    assert bench.only(AssetMaterialized).asset_key == "orders"


def test_a_failed_blocking_check_fails_the_step_that_made_the_asset_and_stops_what_is_downstream(bench: Bench) -> None:
    result = MaterializeResult(check_results=[AssetCheckResult(passed=False)])
    assert bench.run(orders(result, BLOCKING), revenue, unrelated) is RunOutcome.FAILED
    assert {event.asset_key for event in bench.of(AssetMaterialized)} == {"orders", "unrelated"}
    assert bench.only(StepFailed).error.message == "the blocking check 'filled' of asset 'orders' failed"
    skipped = bench.only(StepSkipped)
    assert (skipped.asset_key, skipped.reason, skipped.blocked_by) == (
        "revenue",
        "check_failed",
        (Target(asset_key="orders"),),
    )


@pytest.mark.parametrize(
    ("spec", "severity"), [(FILLED, AssetCheckSeverity.ERROR), (BLOCKING, AssetCheckSeverity.WARN)]
)
def test_a_failure_that_does_not_block_lets_downstream_run(
    bench: Bench, spec: AssetCheckSpec, severity: AssetCheckSeverity
) -> None:
    result = MaterializeResult(check_results=[AssetCheckResult(passed=False, severity=severity)])
    assert bench.run(orders(result, spec), revenue) is RunOutcome.SUCCEEDED
    assert not bench.only(AssetCheckEvaluated).passed


def some(*results: AssetCheckResult) -> MaterializeResult:
    return MaterializeResult(check_results=results)


PASSED = AssetCheckResult(passed=True)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (some(), "gave no result for the check 'filled' of asset 'orders'"),
        (5, "gave no result for the check 'filled' of asset 'orders'"),
        (some(PASSED, PASSED), "gave two results for the check 'filled'"),
        (some(AssetCheckResult(passed=True, check_name="other")), "check_name='other'.*for which it has no spec"),
        (some(AssetCheckResult(passed=True, asset_key="revenue")), "asset_key='revenue'.*for which it has no spec"),
    ],
)
def test_a_result_too_few_or_too_many_fails_the_step(bench: Bench, result: Any, message: str) -> None:
    assert bench.run(orders(result, FILLED)) is RunOutcome.FAILED
    assert bench.of(AssetMaterialized) == []
    with pytest.raises(ExecutionError, match=message):
        materialize([orders(result, FILLED)])


def test_a_result_of_an_asset_without_specs_is_an_error() -> None:
    with pytest.raises(ExecutionError, match=r"for which it has no spec\. Its checks: none\. Add an AssetCheckSpec"):
        materialize([orders(some(PASSED))])


def test_results_that_could_be_of_several_checks_are_an_error() -> None:
    sorted_too = AssetCheckSpec("sorted", asset="orders")
    with pytest.raises(ExecutionError, match=r"which could be any of several checks: 'filled' .* Say which"):
        materialize([orders(some(PASSED, PASSED), FILLED, sorted_too)])


def test_a_spec_of_another_asset_is_refused_where_it_stands() -> None:
    with pytest.raises(InvalidDefinitionError, match=r"which it does not make. Write asset='customers'"):

        @asset(check_specs=[FILLED])
        def customers() -> None: ...


def test_an_inline_check_cannot_be_run_without_its_asset_and_cannot_be_left_out_of_it() -> None:
    made = orders(some(PASSED), FILLED)
    with pytest.raises(InvalidInvocationError, match="'filled' is evaluated by the function that makes asset 'orders'"):
        materialize([made], selection=AssetSelection.checks_for_assets(made))
    result = materialize([made], selection=AssetSelection.assets(made).without_checks())
    assert [found.check_name for found in result.get_asset_check_evaluations()] == ["filled"]
