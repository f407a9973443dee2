"""Executing a run: what is written when, what a failure stops, and what happens when somebody else has the run."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater import (
    AllPartitionMapping,
    AssetExecutionContext,
    AssetIn,
    AssetSpec,
    DailyPartitionsDefinition,
    Definitions,
    ExecutionError,
    Failure,
    IOManager,
    MaterializeResult,
    asset,
)
from headwater.daemon.runs.execute import RunOutcome, execute_run
from headwater.daemon.runs.interrupts import held_interrupts
from headwater.daemon.runs.planning import build_plan
from headwater.storage.batch import Expect
from headwater.storage.errors import StoreUnavailable
from headwater.storage.events import (
    AssetMaterialized,
    Event,
    RunCancelled,
    RunFailed,
    RunRequested,
    RunStarted,
    RunSucceeded,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    Target,
)

from .conftest import Bench

DAILY = DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")


@asset
def orders() -> list[int]:
    return [3, 4]


@asset
def revenue(orders: list[int]) -> int:
    return sum(orders)


@asset
def broken(orders: list[int]) -> int:
    raise ValueError("no revenue today")


@asset(deps=[broken])
def below_broken() -> None: ...


@asset(deps=[below_broken])
def far_below_broken() -> None: ...


def types(events: Sequence[Event]) -> list[str]:
    return [event.type for event in events]


# ---- what is written when --------------------------------------------------------------------------------------------


def test_a_run_costs_one_append_a_step_and_one_for_its_end(bench: Bench) -> None:
    assert bench.run(orders, revenue) is RunOutcome.SUCCEEDED
    assert [types(events) for events in bench.appends] == [
        ["run_started", "step_started"],
        ["asset_materialized", "step_succeeded", "step_started"],
        ["asset_materialized", "step_succeeded", "run_succeeded"],
    ]


def test_step_started_is_in_the_log_before_resources_inputs_and_code(bench: Bench) -> None:
    seen: dict[str, list[str]] = {}

    class Watching(IOManager):
        def handle_output(self, context: Any, obj: Any) -> None:
            seen["output"] = started()

        def load_input(self, context: Any) -> Any:
            seen["input"] = started()

    def started() -> list[str]:
        return [event.step_key for event in bench.of(StepStarted)]

    @asset(io_manager_key="watching")
    def first() -> int:
        seen["code"] = started()
        return 1

    @asset(io_manager_key="watching")
    def second(first: int) -> None: ...

    bench.run(first, second, resources={"watching": Watching()})
    assert seen == {"code": ["first"], "output": ["first"], "input": ["first", "second"]}


def test_the_step_says_when_its_own_code_began_and_how_long_it_took(bench: Bench) -> None:
    began: list[datetime] = []

    @asset
    def timed() -> None:
        began.append(datetime.now(UTC))

    before = datetime.now(UTC)
    bench.run(timed)
    ended = bench.only(StepSucceeded)
    assert before <= ended.code_started_at <= began[0]
    assert 0 < ended.took_s < 60


def test_a_materialization_says_by_what_it_was_made(bench: Bench) -> None:
    @asset(code_version="v2", partitions_def=DAILY)
    def versioned(context: AssetExecutionContext) -> MaterializeResult[Any]:
        context.add_output_metadata({"rows": 2, "note": "from context"})
        return MaterializeResult(metadata={"note": "from result"}, data_version="d1", tags={"kind": "test"})

    bench.run(versioned, partition="2013-01-05")
    made = bench.only(AssetMaterialized)
    assert (made.asset_key, made.partition, made.run_id, made.step_key, made.origin) == (
        "versioned",
        "2013-01-05",
        "r1",
        "versioned",
        "step",
    )
    assert (made.code_version, made.data_version, made.tags) == ("v2", "d1", {"kind": "test"})
    assert made.metadata == {"rows": {"type": "int", "value": 2}, "note": {"type": "text", "value": "from result"}}


def test_a_step_of_a_partition_plans_that_partition(bench: Bench) -> None:
    @asset(partitions_def=DAILY)
    def daily(context: AssetExecutionContext) -> str:
        return context.partition_key

    bench.run(daily, partition="2013-01-05")
    started = bench.only(StepStarted)
    assert started.targets == (Target(asset_key="daily", partitions=(("2013-01-05", "2013-01-05"),)),)
    assert (started.asset_key, started.partition) == ("daily", "2013-01-05")


# ---- inputs ----------------------------------------------------------------------------------------------------------


def test_a_step_reads_the_keys_that_it_was_handed_and_the_log_says_which(bench: Bench) -> None:
    read: dict[str, Any] = {}

    @asset(partitions_def=DAILY)
    def daily(context: AssetExecutionContext) -> str:
        return f"value of {context.partition_key}"

    @asset
    def report(context: AssetExecutionContext, daily: dict[str, str]) -> None:
        read.update(daily)
        assert context.asset_partition_keys_for_input("daily") == tuple(daily)

    for day in ("2013-01-01", "2013-01-02", "2013-01-03", "2013-01-09"):
        bench.run(daily, partition=day, run_id=f"make {day}")
    handed = {"report": {"daily": (("2013-01-01", "2013-01-02"), ("2013-01-09", "2013-01-09"))}}
    external = AssetSpec("daily", partitions_def=DAILY)
    assert bench.run(external, report, inputs=handed, read_through=11) is RunOutcome.SUCCEEDED
    assert read == {day: f"value of {day}" for day in ("2013-01-01", "2013-01-02", "2013-01-09")}
    started = bench.of(StepStarted)[-1]
    assert (started.inputs, started.read_through) == (handed["report"], 11)


def test_a_step_that_reads_all_and_was_handed_nothing_says_so(bench: Bench) -> None:
    @asset(ins={"daily": AssetIn(partition_mapping=AllPartitionMapping())})
    def report(daily: dict[str, str]) -> None: ...

    assert bench.run(AssetSpec("daily", partitions_def=DAILY), report) is RunOutcome.FAILED
    assert "does not say which" in bench.only(StepFailed).error.message


def test_keys_are_mapped_one_to_one_between_equal_partitions(bench: Bench) -> None:
    @asset(partitions_def=DAILY)
    def raw(context: AssetExecutionContext) -> str:
        return context.partition_key

    @asset(partitions_def=DAILY)
    def silver(context: AssetExecutionContext, raw: str) -> None:
        assert context.asset_partition_key_for_input("raw") == raw == context.partition_key

    assert bench.run(raw, silver, partition="2013-02-03") is RunOutcome.SUCCEEDED


def test_an_input_that_was_never_stored_fails_the_step_with_the_reason(bench: Bench) -> None:
    assert bench.run(AssetSpec("orders"), revenue) is RunOutcome.FAILED
    assert "orders" in bench.only(StepFailed).error.message


def test_resources_go_to_their_parameters_and_to_the_context(bench: Bench) -> None:
    @asset(required_resource_keys={"other"})
    def with_resources(context: AssetExecutionContext, db: Any) -> None:
        assert (db, context.resources.other) == ("the db", 5)

    assert bench.run(with_resources, resources={"db": "the db", "other": 5}) is RunOutcome.SUCCEEDED


# ---- failures --------------------------------------------------------------------------------------------------------


def test_a_failed_step_skips_its_descendants_and_only_them(bench: Bench) -> None:
    assert bench.run(orders, revenue, broken, below_broken, far_below_broken) is RunOutcome.FAILED
    assert [event.asset_key for event in bench.of(AssetMaterialized)] == ["orders", "revenue"]
    assert bench.only(StepFailed).asset_key == "broken"
    skipped = bench.of(StepSkipped)
    assert [event.step_key for event in skipped] == ["below_broken", "far_below_broken"]
    assert [event.targets for event in skipped] == [
        (Target(asset_key=key),) for key in ("below_broken", "far_below_broken")
    ]
    assert {event.reason for event in skipped} == {"upstream_failed"}
    assert {event.blocked_by for event in skipped} == {(Target(asset_key="broken"),)}
    failed = bench.only(RunFailed)
    assert (failed.reason, failed.infrastructure) == ("step_failed", False)
    assert failed.message == "1 of 5 steps failed: broken"


def test_the_error_is_told_with_the_users_part_of_the_traceback(bench: Bench) -> None:
    bench.run(orders, broken)
    failed = bench.only(StepFailed)
    assert (failed.error.cls, failed.error.message) == ("ValueError", "no revenue today")
    assert failed.error.traceback.count('File "') == 1
    assert 'raise ValueError("no revenue today")' in failed.error.traceback
    assert failed.code_started_at is not None
    assert failed.took_s > 0


def test_an_error_before_the_users_code_has_no_start_of_code(bench: Bench) -> None:
    bench.run(AssetSpec("orders"), revenue)
    assert bench.only(StepFailed).code_started_at is None


def test_failure_is_told_in_the_users_words(bench: Bench) -> None:
    @asset
    def refuses() -> None:
        raise Failure("the file is empty", metadata={"path": "in.csv"})

    bench.run(refuses)
    error = bench.only(StepFailed).error
    assert (error.cls, error.message) == ("Failure", "the file is empty (path: in.csv)")


def test_an_exit_in_a_step_fails_the_step_and_nothing_else(bench: Bench) -> None:
    @asset
    def leaves() -> None:
        sys.exit(3)

    assert bench.run(leaves, orders) is RunOutcome.FAILED
    assert "SystemExit(3)" in bench.only(StepFailed).error.message
    assert bench.only(AssetMaterialized).asset_key == "orders"


def test_a_value_that_cannot_be_stored_fails_the_step(bench: Bench) -> None:
    @asset
    def unstorable() -> Any:
        return lambda: None

    assert bench.run(unstorable) is RunOutcome.FAILED
    assert "cannot be pickled" in bench.only(StepFailed).error.message
    assert bench.of(AssetMaterialized) == []


def test_metadata_that_is_no_unicode_fails_the_step_and_not_the_worker(bench: Bench) -> None:
    @asset
    def odd() -> MaterializeResult[Any]:
        return MaterializeResult(metadata={"file": "\udcff.csv"})

    assert bench.run(odd) is RunOutcome.FAILED
    assert "cannot be stored" in bench.only(StepFailed).error.message


class Awkward(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


@pytest.mark.parametrize("error", [Awkward(), ValueError("\udcff"), ValueError("x" * 1_000_000)])
def test_whatever_is_raised_the_run_comes_to_its_end(bench: Bench, error: Exception) -> None:
    @asset
    def raises() -> None:
        raise error

    assert bench.run(raises) is RunOutcome.FAILED
    told = bench.only(StepFailed).error
    assert len(told.message) < 10_000
    assert len(told.traceback) < 50_000
    assert bench.of(RunFailed)


# ---- others ----------------------------------------------------------------------------------------------------------


def test_of_two_workers_with_one_run_the_second_leaves_without_a_trace(bench: Bench) -> None:
    assert bench.run(orders) is RunOutcome.SUCCEEDED
    before = bench.events
    assert bench.run(orders, request=False) is RunOutcome.CLAIM_LOST
    assert bench.events == before


def test_a_run_that_was_cancelled_keeps_what_was_done_and_starts_nothing_more(bench: Bench) -> None:
    @asset
    def cancelled_meanwhile() -> int:
        bench.log.append([RunCancelled(run_id="r1")])
        return 1

    @asset(deps=[cancelled_meanwhile])
    def never() -> None: ...

    assert bench.run(cancelled_meanwhile, never) is RunOutcome.TAKEN_AWAY
    assert types(bench.events) == [
        "run_requested",
        "run_started",
        "step_started",
        "run_cancelled",
        "asset_materialized",
        "step_succeeded",
    ]


@pytest.mark.parametrize("was_cancelled", [False, True])
def test_an_interrupt_while_the_log_is_written_waits_until_it_is_known_what_stands_there(
    bench: Bench, was_cancelled: bool
) -> None:
    @asset
    def first() -> int:
        return 1

    @asset(deps=[first])
    def second() -> int:
        return 2

    definitions = Definitions([first, second])
    targets = [Target(asset_key="first"), Target(asset_key="second")]
    offset = bench.log.append([RunRequested(run_id="r1", targets=tuple(targets))])[0]
    came: list[bool] = []

    def append(events: Sequence[Event], expect: Expect | None = None) -> range:
        if not came and any(isinstance(event, AssetMaterialized) for event in events):
            came.append(True)
            if was_cancelled:
                bench.log.append([RunCancelled(run_id="r1")])
            os.kill(os.getpid(), signal.SIGINT)
        return bench.append(events, expect)

    plan = build_plan(definitions.snapshot(), "r1", offset, targets)
    with pytest.raises(KeyboardInterrupt):
        execute_run(definitions, plan, append, home=bench.home, hold_interrupts=held_interrupts)
    assert types(bench.events).count("run_cancelled") == 1
    assert types(bench.events).count("asset_materialized") == 1
    assert types(bench.events).count("step_succeeded") == 1


def test_an_interrupt_cancels_the_run_and_goes_on(bench: Bench) -> None:
    @asset(deps=[orders])
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(orders, interrupted, revenue)
    assert bench.only(AssetMaterialized).asset_key == "orders"
    assert types(bench.events)[-2:] == ["step_started", "run_cancelled"]


def test_an_interrupt_that_falls_into_an_append_writes_nothing_twice(bench: Bench) -> None:
    def interrupt(events: Sequence[Event]) -> None:
        if events[0].type == "asset_materialized" and not bench.of(AssetMaterialized):
            bench.log.append(events)  # it was written, but the answer never came
            raise KeyboardInterrupt

    bench.before_append = interrupt
    with pytest.raises(KeyboardInterrupt):
        bench.run(orders, revenue)
    assert types(bench.events) == [
        "run_requested",
        "run_started",
        "step_started",
        "asset_materialized",
        "step_succeeded",
        "step_started",
        "run_cancelled",
    ]


def test_a_log_that_cannot_be_written_is_the_callers_business(bench: Bench) -> None:
    def fail(events: Sequence[Event]) -> None:
        raise StoreUnavailable("the log", "the disk is full")

    bench.before_append = fail
    with pytest.raises(StoreUnavailable):
        bench.run(orders)


def test_a_run_without_steps_succeeds(bench: Bench) -> None:
    assert bench.run() is RunOutcome.SUCCEEDED
    assert [type(event) for event in bench.appends[0]] == [RunStarted, RunSucceeded]


def test_an_external_asset_cannot_be_a_step() -> None:
    from headwater import Definitions
    from headwater.daemon.runs.toolbox import Toolbox

    toolbox = Toolbox(Definitions(assets=[AssetSpec("orders")]), "r", home=None)  # type: ignore[arg-type]
    with pytest.raises(ExecutionError, match="no function"):
        toolbox.asset("orders")


def test_what_the_run_is_tagged_with_reaches_the_context(bench: Bench) -> None:
    seen: dict[str, str] = {}

    @asset
    def tagged(context: AssetExecutionContext) -> None:
        seen.update(context.run_tags)

    bench.run(tagged, tags={"team": "sales"})
    assert seen == {"team": "sales"}
