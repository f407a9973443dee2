"""What a function says of assets beside its own outcome: logged through the context or yielded, an event of the run."""

from __future__ import annotations

import pytest

from headwater import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetExecutionContext,
    AssetMaterialization,
    AssetObservation,
    ExecutionError,
    InvalidInvocationError,
    Output,
    asset,
    asset_check,
    build_asset_context,
    materialize,
)
from headwater.daemon.runs.execute import RunOutcome
from headwater.storage.events import AssetCheckEvaluated, AssetMaterialized, AssetObserved

from .conftest import Bench


def test_events_of_other_assets_are_events_of_the_run(bench: Bench) -> None:
    @asset
    def orders(context: AssetExecutionContext) -> None:
        context.log_event(AssetMaterialization("raw", metadata={"rows": 3}, partition="a", description="loaded"))
        context.log_event(AssetObservation("raw", tags={"headwater/data_version": "v1"}))
        context.log_event(AssetCheckEvaluation("raw", "filled", passed=False, blocking=True))

    bench.run(orders)
    raw, own = bench.of(AssetMaterialized)
    assert (raw.asset_key, raw.partition, raw.description, raw.run_id) == ("raw", "a", "loaded", "r1")
    assert raw.metadata == {"rows": {"type": "int", "value": 3}}
    assert own.asset_key == "orders"
    assert bench.only(AssetObserved).data_version == "v1"
    found = bench.only(AssetCheckEvaluated)
    assert (found.asset_key, found.check_name, found.passed, found.blocking) == ("raw", "filled", False, True)


def test_they_can_be_yielded_beside_the_output(bench: Bench) -> None:
    @asset
    def orders():
        yield AssetObservation("raw", metadata={"rows": 3})
        yield Output(5)
        yield AssetMaterialization("copy")

    bench.run(orders)
    assert bench.only(AssetObserved).asset_key == "raw"
    assert {event.asset_key for event in bench.of(AssetMaterialized)} == {"orders", "copy"}


async def _later() -> None: ...


def test_they_can_be_yielded_by_an_async_generator(bench: Bench) -> None:
    @asset
    async def orders():
        await _later()
        yield AssetObservation("raw")
        yield Output(5)

    assert bench.run(orders) is RunOutcome.SUCCEEDED
    assert bench.only(AssetObserved).asset_key == "raw"


def test_what_was_said_before_a_failure_is_true_all_the_same(bench: Bench) -> None:
    @asset
    def orders(context: AssetExecutionContext):
        context.log_event(AssetObservation("logged"))
        yield AssetObservation("yielded")
        raise ValueError("oops")

    assert bench.run(orders) is RunOutcome.FAILED
    assert {event.asset_key for event in bench.of(AssetObserved)} == {"logged", "yielded"}


def test_a_check_may_say_something_too(bench: Bench) -> None:
    @asset
    def orders() -> None: ...

    @asset_check(asset=orders)
    def looks(context: AssetCheckExecutionContext) -> AssetCheckResult:
        context.log_event(AssetObservation(context.asset_key, metadata={"check": context.asset_check_key.name}))
        return AssetCheckResult(passed=True)

    bench.run(orders, checks=[looks])
    assert bench.only(AssetObserved).metadata == {"check": {"type": "text", "value": "looks"}}


def test_anything_else_is_refused_where_it_is_said() -> None:
    context = build_asset_context()
    with pytest.raises(InvalidInvocationError, match=r"log_event takes an AssetMaterialization.*not 'raw'"):
        context.log_event("raw")  # type: ignore[arg-type]
    context.log_event(AssetObservation("raw"))
    assert [str(event.asset_key) for event in context.logged_events] == ["raw"]


def test_an_event_is_yielded_and_not_returned() -> None:
    @asset
    def orders():
        return AssetMaterialization("orders")

    with pytest.raises(ExecutionError, match=r"returned an AssetMaterialization\. Yield it, or give it to context"):
        materialize([orders])
