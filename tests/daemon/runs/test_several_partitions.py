"""Several partitions in one step: one call of the function, one event for each partition."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetOut,
    AssetSpec,
    DailyPartitionsDefinition,
    Definitions,
    IOManager,
    MaterializeResult,
    Output,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    multi_asset,
)
from headwater.daemon.runs.execute import RunOutcome, execute_run
from headwater.daemon.runs.plan import RunPlan
from headwater.daemon.runs.planning import build_plan
from headwater.definitions.errors import InvalidInvocationError, InvalidSubsetError
from headwater.storage.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    DefinitionsLoaded,
    KeyRanges,
    PlannedCheck,
    RunRequested,
    StepFailed,
    StepSkipped,
    StepStarted,
    Target,
)
from headwater.storage.log import EventLog
from headwater.storage.state import State

DAILY = DailyPartitionsDefinition("2026-03-01", end_date="2026-04-01")
THREE: KeyRanges = (("2026-03-02", "2026-03-04"),)
DAYS = ["2026-03-02", "2026-03-03", "2026-03-04"]
LETTERS = StaticPartitionsDefinition(["a", "b", "c", "d"])


class Memory(IOManager):
    """Stores a value of several partitions as one for each: `{key: value}`."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], Any] = {}

    def handle_output(self, context: Any, obj: Any) -> None:
        for key in context.asset_partition_keys:
            self.values[str(context.asset_key), key] = obj[key]

    def load_input(self, context: Any) -> Any:
        values = {key: self.values[str(context.asset_key), key] for key in context.asset_partition_keys}
        return values if len(values) > 1 else next(iter(values.values()))


class Range:
    """Runs all that the definitions make for some ranges of partitions, and looks at what came of it."""

    def __init__(self, *assets: Any, ranges: KeyRanges = THREE, io: IOManager | None = None, **more: Any) -> None:
        self.definitions = Definitions(assets=assets, **more)
        snapshot = self.definitions.snapshot()
        targets = [
            Target(asset_key=key, partitions=ranges if one.partitions else None)
            for key, one in snapshot.assets.items()
            if not one.external
        ]
        checks = [
            PlannedCheck(asset_key=key, name=check.name, blocking=check.blocking)
            for key, one in snapshot.assets.items()
            for check in one.checks
        ]
        self.log = EventLog.memory()
        loaded = DefinitionsLoaded(hash=snapshot.hash)
        requested = RunRequested(run_id="r", targets=tuple(targets), checks=tuple(checks))
        self.log.append([loaded, requested], blobs={snapshot.hash: snapshot.to_bytes()})
        self.plan = build_plan(snapshot, "r", 2, targets, checks)
        assert RunPlan.from_bytes(self.plan.to_bytes()) == self.plan
        self.outcome = execute_run(self.definitions, self.plan, self._append, home=Path("/nowhere"), io_manager=io)
        self.events = [stored.event for stored in self.log.read(0, 10_000)]

    def _append(self, events: Any, expect: Any) -> range:
        return self.log.append(events, expect=expect)

    def of(self, cls: type[Any]) -> list[Any]:
        return [event for event in self.events if type(event) is cls]

    @property
    def made(self) -> list[tuple[str, str | None]]:
        return [(event.asset_key, event.partition) for event in self.of(AssetMaterialized)]


def test_one_step_makes_them_all_with_an_event_for_each() -> None:
    seen: dict[str, Any] = {}

    @asset(partitions_def=DAILY)
    def daily(context: AssetExecutionContext) -> MaterializeResult[Any]:
        seen["keys"] = list(context.partition_keys)
        seen["range"] = (context.partition_key_range.start, context.partition_key_range.end)
        seen["window"] = context.partition_time_window
        seen["one"] = context.has_partition_key
        with pytest.raises(InvalidInvocationError, match=r"3 partitions: use context\.partition_keys"):
            _ = context.partition_key
        context.add_asset_metadata({"first": True}, partition_key="2026-03-02")
        return MaterializeResult(metadata={"rows": 5}, data_version="v")

    run = Range(daily)
    assert run.outcome is RunOutcome.SUCCEEDED
    assert seen["keys"] == DAYS
    assert (seen["range"], seen["one"]) == (("2026-03-02", "2026-03-04"), False)
    assert seen["window"].start == datetime(2026, 3, 2, tzinfo=UTC)
    assert seen["window"].end == datetime(2026, 3, 5, tzinfo=UTC)
    assert run.made == [("daily", day) for day in DAYS]
    [started] = run.of(StepStarted)
    assert started.targets == (Target(asset_key="daily", partitions=THREE),)
    assert [sorted(event.metadata) for event in run.of(AssetMaterialized)] == [["first", "rows"], ["rows"], ["rows"]]


def test_keys_without_an_order_of_time_may_be_any() -> None:
    @asset(partitions_def=LETTERS)
    def letters(context: AssetExecutionContext) -> None:
        assert list(context.partition_keys) == ["b", "d"]

    run = Range(letters, ranges=(("b", "b"), ("d", "d")))
    assert run.made == [("letters", "b"), ("letters", "d")]


def test_inputs_are_loaded_for_all_of_them_by_key() -> None:
    @asset(partitions_def=DAILY)
    def up(context: AssetExecutionContext):
        return {key: int(key[-2:]) for key in context.partition_keys}

    @asset(partitions_def=DAILY)
    def down(context: AssetExecutionContext, up: dict[str, int]):
        assert list(context.asset_partition_keys_for_input("up")) == DAYS
        return {key: value * 10 for key, value in up.items()}

    io = Memory()
    run = Range(up, down, io=io)
    assert run.made == [(key, day) for key in ("up", "down") for day in DAYS]
    assert io.values["down", "2026-03-03"] == 30


def test_the_default_io_manager_stores_no_value_for_several_and_says_what_to_do(tmp_path: Path) -> None:
    from headwater import FilesystemIOManager

    @asset(partitions_def=DAILY)
    def daily():
        return 1

    run = Range(daily, io=FilesystemIOManager(tmp_path))
    [failed] = run.of(StepFailed)
    message = "asset 'daily' returned one value for 3 partitions. Return a dict with a value for each of their keys"
    assert message in failed.error.message
    assert run.made == []


def test_a_failure_fails_all_of_them() -> None:
    @asset(partitions_def=DAILY)
    def daily() -> None:
        raise ValueError("no")

    @asset(partitions_def=DAILY, deps=[daily])
    def below() -> None: ...

    run = Range(daily, below)
    [skipped] = run.of(StepSkipped)
    assert skipped.targets == (Target(asset_key="below", partitions=THREE),)
    assert skipped.blocked_by == (Target(asset_key="daily", partitions=THREE),)
    state = State.empty(run.log.definitions_bytes)
    for stored in run.log.read(0, 1_000):
        state.apply(stored)
    table = state.asset("daily").table
    assert {table.space.key(ordinal) for ordinal in table.failed} == set(DAYS)
    assert len(state.asset("below").table.blocked) == 3


def test_several_assets_of_several_partitions_are_one_step() -> None:
    @multi_asset(outs={"a": AssetOut(), "b": AssetOut()}, partitions_def=DAILY)
    def both(context: AssetExecutionContext):
        yield Output(dict.fromkeys(context.partition_keys, 1), "a")
        yield Output(dict.fromkeys(context.partition_keys, 2), "b")

    io = Memory()
    run = Range(both, io=io)
    assert run.made == [(key, day) for key in ("a", "b") for day in DAYS]
    assert [step.targets for step in run.plan.steps] == [
        (Target(asset_key="a", partitions=THREE), Target(asset_key="b", partitions=THREE))
    ]
    assert io.values["b", "2026-03-04"] == 2


def test_a_check_is_evaluated_for_each_of_them_and_shuts_the_gates_of_those_that_fail() -> None:
    @asset(partitions_def=DAILY)
    def daily() -> None: ...

    @asset_check(asset=daily, blocking=True)
    def fine(context: AssetCheckExecutionContext):
        return context.partition_key != "2026-03-03"

    @asset(partitions_def=DAILY, deps=[daily])
    def below() -> None: ...

    run = Range(daily, below, asset_checks=[fine])
    assert {event.partition: event.passed for event in run.of(AssetCheckEvaluated)} == {
        "2026-03-02": True,
        "2026-03-03": False,
        "2026-03-04": True,
    }
    assert [event.reason for event in run.of(StepSkipped)] == ["check_failed"]
    assert len(run.of(StepStarted)) == 2


def test_of_a_check_that_raises_what_it_has_said_stands_and_the_rest_is_shut() -> None:
    @asset(partitions_def=DAILY)
    def daily() -> None: ...

    @asset_check(asset=daily, blocking=True)
    def fine(context: AssetCheckExecutionContext):
        if context.partition_key == "2026-03-03":
            raise ValueError("no")
        return True

    run = Range(daily, asset_checks=[fine])
    assert [(event.partition, event.passed, event.raised) for event in run.of(AssetCheckEvaluated)] == [
        ("2026-03-02", True, False),
        ("2026-03-03", False, True),
        ("2026-03-04", False, True),
    ]


def test_an_inline_result_is_of_all_of_them() -> None:
    @asset(partitions_def=DAILY, check_specs=[AssetCheckSpec("fine", asset="daily")])
    def daily() -> MaterializeResult[Any]:
        return MaterializeResult(check_results=[AssetCheckResult(passed=True)])

    run = Range(daily)
    assert [(event.partition, event.passed) for event in run.of(AssetCheckEvaluated)] == [(day, True) for day in DAYS]


def test_what_only_comes_together_is_planned_for_the_same_partitions() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")], partitions_def=LETTERS)
    def both() -> None: ...

    snapshot = Definitions(assets=[both]).snapshot()
    a, b = (Target(asset_key=key, partitions=((letter, letter),)) for key, letter in (("a", "a"), ("b", "b")))
    with pytest.raises(InvalidInvocationError, match="name the same partitions for all of them"):
        build_plan(snapshot, "r", 1, [a, b])
    with pytest.raises(InvalidSubsetError, match="'a' cannot be made without 'b'"):
        build_plan(snapshot, "r", 1, [a])


def test_what_can_be_made_alone_is_made_in_steps_by_partition() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")], partitions_def=LETTERS, can_subset=True)
    def both() -> None: ...

    snapshot = Definitions(assets=[both]).snapshot()
    targets = [Target(asset_key=key, partitions=((letter, letter),)) for key, letter in (("a", "a"), ("b", "b"))]
    plan = build_plan(snapshot, "r", 1, targets)
    assert {step.step_key: step.targets for step in plan.steps} == {"both": (targets[0],), "both-2": (targets[1],)}
