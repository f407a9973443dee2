"""`materialize`: what a user sees of it, and what it leaves in the log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetCheckExecutionContext,
    AssetExecutionContext,
    AssetSelection,
    AssetSpec,
    DailyPartitionsDefinition,
    DefinitionErrors,
    ExecutionError,
    HeadwaterError,
    Instance,
    InvalidAssetSelection,
    InvalidInvocationError,
    MaterializeResult,
    SourceAsset,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    materialize,
)
from headwater.daemon.runs.lease import Lease, is_held
from headwater.definitions.errors import AssetCheckFailed, InvalidConfigError, UnknownPartition
from headwater.storage.events import AssetMaterialized, RunRequested, StepStarted, Target
from headwater.storage.state import State

DAILY = DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")


@asset
def orders() -> list[int]:
    return [3, 4]


@asset
def revenue(orders: list[int]) -> int:
    return sum(orders)


@asset_check(asset=revenue)
def positive(revenue: int) -> bool:
    return revenue > 0


@asset(partitions_def=DAILY)
def daily(context: AssetExecutionContext) -> str:
    return f"value of {context.partition_key}"


@asset
def report(daily: Any) -> Any:
    return daily


# ---- the result ------------------------------------------------------------------------------------------------------


def test_assets_are_made_in_the_order_of_their_dependencies() -> None:
    result = materialize([revenue, orders])
    assert result.success
    assert result.output_for_node("revenue") == 7
    assert result.asset_value("orders") == result.asset_value(orders) == [3, 4]
    assert [made.asset_key.path for made in result.get_asset_materialization_events()] == [["orders"], ["revenue"]]


def test_check_evaluations_are_in_the_result() -> None:
    [found] = materialize([orders, revenue, positive]).get_asset_check_evaluations()
    assert (found.check_name, found.passed, str(found.asset_key)) == ("positive", True, "revenue")


def test_all_events_begin_with_the_request() -> None:
    result = materialize([orders], tags={"why": "test"})
    request = result.all_events[0]
    assert isinstance(request, RunRequested)
    assert (request.run_id, request.origin, request.tags) == (result.run_id, "manual", {"why": "test"})


def test_a_node_goes_by_the_name_of_its_function_or_its_key() -> None:
    @asset(name="clean", key_prefix=["sales"])
    def make_it() -> int:
        return 5

    result = materialize([make_it])
    for name in ("make_it", "clean", "sales__clean", "sales/clean"):
        assert result.output_for_node(name) == 5


def test_a_node_that_is_not_there_is_named() -> None:
    result = materialize([orders])
    with pytest.raises(InvalidInvocationError, match=r"no asset 'order'.*Did you mean 'orders'"):
        result.output_for_node("order")


def test_the_first_error_is_raised_as_the_user_wrote_it() -> None:
    @asset
    def broken() -> None:
        raise ZeroDivisionError("by nothing")

    with pytest.raises(ZeroDivisionError, match="by nothing"):
        materialize([broken])


def test_an_exit_does_not_end_the_callers_process() -> None:
    @asset
    def leaves() -> None:
        raise SystemExit(3)

    with pytest.raises(ExecutionError, match="SystemExit"):
        materialize([leaves])


def test_errors_can_be_looked_at_instead() -> None:
    @asset
    def broken() -> None:
        raise ZeroDivisionError

    result = materialize([broken, orders], raise_on_error=False)
    assert not result.success
    assert isinstance(result.errors["broken"], ZeroDivisionError)
    assert result.output_for_node("orders") == [3, 4]
    with pytest.raises(InvalidInvocationError, match="has not made asset 'broken'"):
        result.output_for_node("broken")


# ---- what can be asked for -------------------------------------------------------------------------------------------


def test_a_selection_makes_some_and_loads_the_others(tmp_path: Path) -> None:
    with Instance.local(tmp_path) as instance:
        materialize([orders], instance=instance)
        result = materialize([orders, revenue], instance=instance, selection=[revenue])
    assert [str(made.asset_key) for made in result.get_asset_materialization_events()] == ["revenue"]
    assert result.output_for_node("revenue") == 7


@pytest.mark.parametrize("selection", ["+revenue", AssetSelection.assets(revenue).upstream(), [orders, "revenue"]])
def test_a_selection_may_be_a_string_an_object_or_a_list(selection: Any) -> None:
    @asset
    def other() -> int:
        return 1

    result = materialize([orders, revenue, other], selection=selection)
    assert [str(made.asset_key) for made in result.get_asset_materialization_events()] == ["orders", "revenue"]


def test_a_selection_can_leave_the_checks_out() -> None:
    @asset_check(asset=orders)
    def is_small() -> bool:
        return True

    assert len(materialize([orders, is_small], selection="orders").get_asset_check_evaluations()) == 1
    assert materialize([orders, is_small], selection="without_checks(orders)").get_asset_check_evaluations() == []


def test_resources_are_passed_to_the_assets() -> None:
    @asset(required_resource_keys={"number"})
    def uses(context: AssetExecutionContext) -> int:
        return context.resources.number

    assert materialize([uses], resources={"number": 5}).output_for_node("uses") == 5


def test_source_assets_are_loaded_and_not_made() -> None:
    class Fixed:
        def load_input(self, context: Any) -> Any:
            return [1, 2]

        def handle_output(self, context: Any, obj: Any) -> None: ...

    source = SourceAsset("orders", io_manager_key="fixed")
    result = materialize([source, revenue], resources={"fixed": Fixed()})
    assert result.output_for_node("revenue") == 3


def test_context_log_goes_to_the_logger_of_the_run(caplog: pytest.LogCaptureFixture) -> None:
    @asset
    def speaks(context: AssetExecutionContext) -> None:
        context.log.info("hello %s", "world")

    with caplog.at_level(logging.INFO):
        materialize([speaks])
    assert ("headwater.run", logging.INFO, "hello world") in caplog.record_tuples


@pytest.mark.parametrize(
    ("assets", "kwargs", "error", "message"),
    [
        ([daily], {}, InvalidInvocationError, "'daily' is partitioned: say which partition"),
        ([daily], {"partition_key": "2015-01-01"}, UnknownPartition, "no partition '2015-01-01' of asset 'daily'"),
        ([daily], {"partition_key": "yesterday"}, UnknownPartition, "yesterday"),
        (
            [orders],
            {"partition_key": "2013-01-01"},
            InvalidInvocationError,
            "none of the selected assets is partitioned",
        ),
        ([revenue], {}, DefinitionErrors, "depends on 'orders'"),
        ([AssetSpec("orders")], {}, InvalidInvocationError, "nothing to materialize"),
        ([AssetSpec("orders"), revenue], {"selection": "orders"}, InvalidInvocationError, "external"),
        ([orders], {"selection": ["revenue"]}, InvalidInvocationError, "no asset 'revenue'"),
        ([orders], {"run_config": {"ops": {"ordrs": {}}}}, InvalidConfigError, "ops.ordrs: .*Did you mean 'orders'"),
        ([orders], {"run_config": {"ops": {"orders": {"config": {"a": 1}}}}}, InvalidConfigError, "takes no config"),
        ([orders], {"selection": "orders or"}, InvalidAssetSelection, "column 10"),
        ([orders], {"tags": {"a": 1}}, InvalidInvocationError, "pairs of str"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    assets: list[Any], kwargs: dict[str, Any], error: type[HeadwaterError], message: str
) -> None:
    with Instance.ephemeral() as instance:
        with pytest.raises(error, match=message):
            materialize(assets, instance=instance, **kwargs)
        assert instance.log.head().offset == 0


# ---- partitions ------------------------------------------------------------------------------------------------------


def test_a_partition_is_made_by_its_key() -> None:
    result = materialize([daily], partition_key="2013-01-05")
    assert result.output_for_node("daily") == "value of 2013-01-05"
    [made] = result.asset_materializations_for_node("daily")
    assert made.partition == "2013-01-05"


def test_partitioned_and_unpartitioned_assets_share_a_run() -> None:
    result = materialize([daily, report], partition_key="2013-01-05")
    assert result.output_for_node("report") == "value of 2013-01-05"


def test_what_reads_all_partitions_gets_those_that_were_made() -> None:
    with Instance.ephemeral() as instance:
        for day in ("2013-03-01", "2013-01-02", "2013-01-01"):
            materialize([daily], partition_key=day, instance=instance)
        result = materialize([daily, report], partition_key="2013-01-03", instance=instance)
        made = ["2013-01-01", "2013-01-02", "2013-01-03", "2013-03-01"]
        assert result.output_for_node("report") == {day: f"value of {day}" for day in made}
        started = [event for event in result.all_events if isinstance(event, StepStarted)][-1]
        assert started.inputs == {"daily": (("2013-01-01", "2013-01-03"), ("2013-03-01", "2013-03-01"))}


def test_what_was_made_in_the_same_run_lies_before_the_read_horizon() -> None:
    """Otherwise the daemon would take it for an update that nobody has read yet."""
    with Instance.ephemeral() as instance:
        materialize([daily, report], partition_key="2013-01-03", instance=instance)
        stored = instance.log.read(0)
    [made] = [s.offset for s in stored if isinstance(s.event, AssetMaterialized) and s.event.asset_key == "daily"]
    [horizon] = [s.event.read_through for s in stored if isinstance(s.event, StepStarted) and s.event.inputs]
    assert horizon is not None
    assert horizon >= made


def test_partitions_behind_a_shut_gate_are_left_out() -> None:
    @asset_check(asset=daily, blocking=True)
    def not_the_second(daily: str) -> bool:
        return "2013-01-02" not in daily

    with Instance.ephemeral() as instance:
        for day in ("2013-01-01", "2013-01-02", "2013-01-03"):
            materialize([daily, not_the_second], partition_key=day, instance=instance, raise_on_error=False)
        result = materialize([AssetSpec("daily", partitions_def=DAILY), report], instance=instance)
    assert set(result.output_for_node("report")) == {"2013-01-01", "2013-01-03"}


def test_a_failed_blocking_check_is_raised() -> None:
    @asset_check(asset=daily, blocking=True)
    def never(daily: str) -> bool:
        return False

    with pytest.raises(AssetCheckFailed, match="the blocking check 'never' of asset 'daily 2013-01-01' failed"):
        materialize([daily, never], partition_key="2013-01-01")


def test_no_partitions_at_all_are_an_empty_input() -> None:
    assert materialize([AssetSpec("daily", partitions_def=DAILY), report]).output_for_node("report") == {}


def test_static_partitions_are_handed_in_their_order() -> None:
    regions = StaticPartitionsDefinition(["north", "south", "east"])

    @asset(partitions_def=regions)
    def regional(context: AssetExecutionContext) -> str:
        return context.partition_key

    @asset
    def total(regional: dict[str, str]) -> list[str]:
        return list(regional)

    with Instance.ephemeral() as instance:
        for region in ("east", "north"):
            materialize([regional], partition_key=region, instance=instance)
        result = materialize([AssetSpec("regional", partitions_def=regions), total], instance=instance)
    assert result.output_for_node("total") == ["north", "east"]


# ---- the log ---------------------------------------------------------------------------------------------------------


def test_request_claim_and_first_step_are_one_transaction() -> None:
    with Instance.ephemeral() as instance:
        materialize([orders], instance=instance)
        stored = instance.log.read(0)
    assert [s.event.type for s in stored[:3]] == ["run_requested", "run_started", "step_started"]
    assert len({s.timestamp for s in stored[:3]}) == 1


def test_a_home_keeps_values_events_and_the_definitions(tmp_path: Path) -> None:
    with Instance.local(tmp_path) as instance:
        result = materialize([orders, revenue], instance=instance)
        request = result.all_events[0]
        assert isinstance(request, RunRequested)
        assert b"revenue" in instance.log.definitions_bytes(request.definitions)
    with Instance.local(tmp_path) as again:
        assert [s.event for s in again.log.query(run_id=result.run_id)] == result.all_events
        assert materialize([orders, revenue], instance=again, selection="revenue").output_for_node("revenue") == 7


def test_the_run_holds_its_lease_as_long_as_it_lives(tmp_path: Path) -> None:
    seen: list[bool] = []

    @asset
    def looks(context: AssetExecutionContext) -> None:
        seen.append(is_held(Lease.of_run(tmp_path, context.run_id).path))

    with Instance.local(tmp_path) as instance:
        result = materialize([looks], instance=instance)
    assert seen == [True]
    assert not is_held(Lease.of_run(tmp_path, result.run_id).path)


def test_the_fold_finds_nothing_unfinished_afterwards() -> None:
    with Instance.ephemeral() as instance:
        materialize([orders, revenue, positive], instance=instance)
        state = State.empty(instance.log.definitions_bytes)
        for stored in instance.log.read(0):
            state.apply(stored)
    assert state.runs == {}
    assert state.asset("revenue").table.handled[0] > state.asset("orders").table.update[0]


def test_an_interrupt_cancels_the_run_and_goes_on() -> None:
    @asset
    def interrupted() -> None:
        raise KeyboardInterrupt

    with Instance.ephemeral() as instance:
        with pytest.raises(KeyboardInterrupt):
            materialize([interrupted], instance=instance)
        assert instance.log.read(0)[-1].event.type == "run_cancelled"


def test_what_others_made_can_be_reported() -> None:
    with Instance.ephemeral() as instance:
        offset = instance.report_materialization("orders", "2013-01-01", metadata={"rows": 3}, data_version="v1")
        [stored] = instance.log.read(0)
    event = stored.event
    assert isinstance(event, AssetMaterialized)
    assert (stored.offset, event.asset_key, event.partition, event.origin) == (offset, "orders", "2013-01-01", "report")
    assert (event.metadata, event.data_version) == ({"rows": {"type": "int", "value": 3}}, "v1")


def test_targets_name_the_partition() -> None:
    request = materialize([daily], partition_key="2013-01-05").all_events[0]
    assert isinstance(request, RunRequested)
    assert request.targets == (Target(asset_key="daily", partitions=(("2013-01-05", "2013-01-05"),)),)


def test_assets_and_checks_ask_the_instance_for_what_was_before() -> None:
    seen: list[object] = []

    @asset
    def counted(context: AssetExecutionContext) -> MaterializeResult[None]:
        last = context.instance.get_latest_materialization_event(context.asset_key)
        count = last.asset_materialization.metadata["count"].value if last else 0
        return MaterializeResult(metadata={"count": count + 1})

    @asset_check(asset=counted)
    def grows(context: AssetCheckExecutionContext) -> bool:
        seen.append(context.instance.get_latest_materialization_event("counted").asset_materialization.metadata)
        return True

    with Instance.ephemeral() as instance:
        for _ in range(2):
            materialize([counted, grows], instance=instance)
    assert [metadata["count"].value for metadata in seen] == [1, 2]  # type: ignore[index]
