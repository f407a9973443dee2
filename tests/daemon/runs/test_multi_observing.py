"""Several sources that one function looks at: an observation of each, of some of them, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from headwater import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetSelection,
    AssetSpec,
    AutomationCondition,
    DataVersion,
    Definitions,
    ExecutionError,
    Instance,
    InvalidSubsetError,
    ObserveResult,
    asset,
    evaluate_automation_conditions,
    materialize,
    multi_observable_source_asset,
    observe,
)

SPECS = [AssetSpec("rates"), AssetSpec("prices")]


def seen_by(result: Any) -> dict[str, str | None]:
    return {str(one.asset_key): one.data_version for one in result.get_asset_observation_events()}


def test_each_source_gets_its_own_observation_out_of_one_step() -> None:
    @multi_observable_source_asset(specs=SPECS, group_name="market")
    def market() -> Iterator[ObserveResult]:
        yield ObserveResult(asset_key="prices", data_version="p1")
        yield ObserveResult(asset_key="rates", data_version=DataVersion("r1"))

    result = observe([market])
    assert seen_by(result) == {"rates": "r1", "prices": "p1"}
    assert {spec.group_name for spec in market.specs} == {"market"}


def test_results_may_be_returned_as_a_tuple() -> None:
    @multi_observable_source_asset(specs=SPECS)
    def market() -> Any:
        return ObserveResult(asset_key="prices", data_version="p"), ObserveResult(asset_key="rates", data_version="r")

    assert seen_by(observe([market])) == {"rates": "r", "prices": "p"}


def test_a_run_can_look_at_some_of_them_where_the_function_can() -> None:
    @multi_observable_source_asset(specs=SPECS, can_subset=True)
    def market(context: AssetExecutionContext) -> Iterator[ObserveResult]:
        for key in sorted(context.selected_asset_keys):
            yield ObserveResult(asset_key=key, data_version=f"{key}-1")

    assert seen_by(materialize([market], selection=AssetSelection.assets("rates"))) == {"rates": "rates-1"}


def test_some_of_them_alone_are_refused_where_the_function_cannot() -> None:
    @multi_observable_source_asset(specs=SPECS)
    def market() -> None: ...

    with pytest.raises(InvalidSubsetError):
        materialize([market], selection=AssetSelection.assets("rates"))


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([ObserveResult(asset_key="rates")], "yielded no observation of 'prices'"),
        ([ObserveResult()], "without asset_key"),
        ([ObserveResult(asset_key="other")], "an ObserveResult for 'other'"),
        ([DataVersion("v")], "says not which asset"),
    ],
)
def test_what_does_not_say_what_was_seen_of_each_is_an_error(results: list[Any], said: str) -> None:
    @multi_observable_source_asset(specs=SPECS)
    def market() -> Iterator[Any]:
        yield from results

    with pytest.raises(ExecutionError, match=said):
        observe([market])


def test_a_skippable_source_may_be_left_out() -> None:
    @multi_observable_source_asset(specs=[AssetSpec("rates"), AssetSpec("prices", skippable=True)])
    def market() -> Iterator[ObserveResult]:
        yield ObserveResult(asset_key="rates", data_version="r")

    assert seen_by(observe([market])) == {"rates": "r"}


def test_what_was_seen_before_a_failure_is_told() -> None:
    @multi_observable_source_asset(specs=SPECS)
    def market() -> Iterator[ObserveResult]:
        yield ObserveResult(asset_key="rates", data_version="r")
        raise ValueError("the line is dead")

    result = observe([market], raise_on_error=False)
    assert not result.success
    assert seen_by(result) == {"rates": "r"}


def test_it_evaluates_checks_of_its_sources() -> None:
    @multi_observable_source_asset(specs=SPECS, check_specs=[AssetCheckSpec("filled", asset="rates")])
    def market() -> Iterator[ObserveResult | AssetCheckResult]:
        yield ObserveResult(asset_key="rates", check_results=[AssetCheckResult(passed=True)])
        yield ObserveResult(asset_key="prices")

    (event,) = observe([market]).get_asset_check_evaluations()
    assert (event.asset_key, event.check_name, event.passed) == (AssetKey("rates"), "filled", True)


def test_a_condition_on_one_of_them_looks_at_all_and_an_update_of_one_goes_downstream() -> None:
    specs = [AssetSpec("rates", automation_condition=AutomationCondition.missing())]
    specs += [AssetSpec("prices", automation_condition=AutomationCondition.in_progress())]

    @multi_observable_source_asset(specs=specs)
    def market() -> Iterator[ObserveResult]:
        yield ObserveResult(asset_key="rates", data_version="r")
        yield ObserveResult(asset_key="prices", data_version="p")

    @asset(deps=["prices"], automation_condition=AutomationCondition.eager())
    def report() -> None: ...

    with Instance.ephemeral() as instance:
        definitions = Definitions([market, report])
        first = evaluate_automation_conditions(definitions, instance)
        assert (first.get_num_requested("rates"), first.get_num_requested("prices")) == (1, 1)
        observe([market], instance=instance)
        then = evaluate_automation_conditions(definitions, instance, cursor=first.cursor)
    assert then.get_num_requested("report") == 1
