"""Attempts after the first: when they come, what the log says of them, and who hears of the end."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetExecutionContext,
    Backoff,
    Definitions,
    Failure,
    HookContext,
    Instance,
    RetryPolicy,
    RetryRequested,
    asset,
    asset_check,
    failure_hook,
    graph_asset,
    job,
    op,
    success_hook,
)
from headwater.daemon.runs.execute import RunOutcome, execute_run
from headwater.daemon.runs.in_process import execute_op_job
from headwater.daemon.runs.materialize import materialize_in_process
from headwater.daemon.runs.pause import Pause
from headwater.daemon.runs.planning import build_plan
from headwater.storage import events as e
from headwater.storage.log import EventLog
from headwater.storage.state import State


class Waits:
    """A clock that is moved on by sleeping."""

    def __init__(self) -> None:
        self.total = 0.0
        self.pause = Pause(sleep=self._sleep, now=lambda: self.total, random=lambda: 0.5)

    def _sleep(self, seconds: float) -> None:
        self.total += seconds


class Flaky:
    """Raises until it has been called `count` times more."""

    def __init__(self, count: int, error: BaseException | None = None) -> None:
        self.left, self.error = count, error or ValueError("not yet")

    def __call__(self) -> None:
        self.left -= 1
        if self.left >= 0:
            raise self.error


def made(*assets: Any, waits: Waits, checks: Any = ()) -> Any:
    with Instance.ephemeral() as instance:
        definitions = Definitions(assets=assets, asset_checks=checks)
        return materialize_in_process(definitions, instance, raise_on_error=False, pause=waits.pause)


def types(result: Any) -> list[str]:
    return [event.type for event in result.all_events if event.type.startswith(("step", "asset", "hook"))]


def test_an_asset_is_tried_again_after_the_wait_of_its_policy() -> None:
    flaky, numbers, waits = Flaky(2), [], Waits()

    @asset(retry_policy=RetryPolicy(max_retries=2, delay=10, backoff=Backoff.EXPONENTIAL))
    def orders(context: AssetExecutionContext) -> int:
        numbers.append(context.retry_number)
        flaky()
        return 1

    result = made(orders, waits=waits)
    assert result.success
    assert numbers == [0, 1, 2]
    assert waits.total == 10 + 30
    assert types(result) == [
        "step_started", "step_up_for_retry", "step_started", "step_up_for_retry", "step_started",
        "asset_materialized", "step_succeeded",
    ]  # fmt: skip
    again = [event for event in result.all_events if isinstance(event, e.StepUpForRetry)]
    assert [(event.attempt, event.wait_s, event.asset_key) for event in again] == [(1, 10, "orders"), (2, 30, "orders")]
    assert again[0].error.message == "not yet"
    assert [event.attempt for event in result.all_events if isinstance(event, e.StepStarted)] == [1, 2, 3]


def test_the_last_failure_fails_the_step() -> None:
    @asset(retry_policy=RetryPolicy(max_retries=1))
    def orders() -> None:
        raise ValueError("never")

    result = made(orders, waits=Waits())
    assert types(result) == ["step_started", "step_up_for_retry", "step_started", "step_failed"]


def test_a_failure_without_retries_fails_at_once() -> None:
    @asset(retry_policy=RetryPolicy(max_retries=5))
    def orders() -> None:
        raise Failure("useless", allow_retries=False)

    assert types(made(orders, waits=Waits())) == ["step_started", "step_failed"]


def test_a_step_can_ask_for_the_retry_itself() -> None:
    waits, flaky = Waits(), Flaky(1, RetryRequested(max_retries=1, seconds_to_wait=7))

    @op
    def load() -> None:
        flaky()

    @job
    def work() -> None:
        load()

    assert execute_op_job(work, pause=waits.pause).success
    assert waits.total == 7


def test_the_policy_of_a_job_holds_for_ops_without_their_own() -> None:
    first, second = Flaky(1), Flaky(1)

    @op
    def common() -> None:
        first()

    @op(retry_policy=RetryPolicy(max_retries=0))
    def own() -> None:
        second()

    @job(op_retry_policy=RetryPolicy(max_retries=1))
    def work() -> None:
        common()
        own()

    result = work.execute_in_process(raise_on_error=False)
    assert list(result.errors) == ["own"]


def test_a_check_is_tried_again_and_says_only_what_it_came_to() -> None:
    flaky = Flaky(1)

    @asset
    def orders() -> int:
        return 1

    @asset_check(asset=orders, blocking=True, retry_policy=RetryPolicy())
    def few() -> bool:
        flaky()
        return True

    result = made(orders, checks=[few], waits=Waits())
    assert result.success
    evaluated = [event for event in result.all_events if isinstance(event, e.AssetCheckEvaluated)]
    assert [event.passed for event in evaluated] == [True]


def test_an_op_of_a_graph_asset_is_tried_again_inside_the_step_of_the_asset() -> None:
    flaky, waits = Flaky(1), Waits()

    @op(retry_policy=RetryPolicy(delay=3))
    def load() -> int:
        flaky()
        return 4

    @graph_asset
    def orders() -> Any:
        return load()

    result = made(orders, waits=waits)
    assert result.output_for_node("orders") == 4
    assert waits.total == 3
    started = [(one.step_key, one.attempt) for one in result.all_events if isinstance(one, e.StepStarted)]
    assert started == [("orders", 1), ("orders.load", 1), ("orders.load", 2)]


def test_each_attempt_is_a_read_horizon_of_its_own() -> None:
    flaky = Flaky(1)

    @asset(retry_policy=RetryPolicy())
    def orders() -> None:
        flaky()

    with Instance.ephemeral() as instance:
        definitions = Definitions(assets=[orders])
        materialize_in_process(definitions, instance)
        snapshot = definitions.snapshot()
        state = State.empty({snapshot.hash: snapshot.to_bytes()}.__getitem__)
        offsets = []
        for stored in instance.log.read(0):
            state.apply(stored)
            if isinstance(stored.event, e.StepUpForRetry):
                assert state.asset("orders").in_progress
                assert not state.asset("orders").table.failed
            if isinstance(stored.event, e.StepStarted):
                offsets.append(stored.offset)
                assert state.asset("orders").table.handled[0] == stored.offset
        assert len(offsets) == 2


def test_a_worker_that_is_lost_in_a_later_attempt_takes_back_what_the_first_had_handled() -> None:
    state = State.empty({}.__getitem__)
    target = (e.Target(asset_key="orders"),)
    started = {"run_id": "r", "step_key": "orders", "asset_key": "orders", "targets": target}
    history = [
        e.RunRequested(run_id="r", targets=target),
        e.RunStarted(run_id="r"),
        e.StepStarted(**started),
        e.StepUpForRetry(run_id="r", step_key="orders", error=e.ErrorInfo(cls="E", message="m")),
        e.StepStarted(**started, attempt=2),
    ]
    log = EventLog.memory()
    log.append(history)
    for stored in log.read(0):
        state.apply(stored)
    assert state.asset("orders").table.handled[0] == 5
    offset = log.append([e.RunFailed(run_id="r", reason="worker_killed", infrastructure=True)])[0]
    state.apply(log.read(offset - 1)[0])
    assert state.asset("orders").table.handled[0] == 0


def test_a_run_that_is_cancelled_while_it_waits_does_not_wait_to_the_end() -> None:
    log, slept = EventLog.memory(), []

    @asset(retry_policy=RetryPolicy(delay=3600))
    def orders() -> None:
        raise ValueError("no")

    definitions = Definitions(assets=[orders])
    target = e.Target(asset_key="orders")
    offset = log.append([e.RunRequested(run_id="r", targets=(target,))])[0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            log.append([e.RunCancelled(run_id="r")])
        assert len(slept) < 10

    def look_further(position: int) -> int | None:
        newer = log.query(run_id="r", after=position, limit=1)
        return newer[0].offset if newer else None

    outcome = execute_run(
        definitions,
        build_plan(definitions.snapshot(), "r", offset, [target]),
        lambda events, expect: log.append(events, expect=expect),
        home=None,  # type: ignore[arg-type]
        look_further=look_further,
        pause=Pause(sleep=sleep, now=lambda: float(sum(slept))),
    )
    assert outcome is RunOutcome.TAKEN_AWAY
    assert [stored.event.type for stored in log.query(run_id="r")][-2:] == ["step_up_for_retry", "run_cancelled"]
    assert len(slept) == 3


def test_hooks_run_after_the_last_attempt_with_what_came_of_it() -> None:
    heard: list[Any] = []

    @success_hook
    def cheer(context: HookContext) -> None:
        heard.append(("cheer", context.step_key, context.op_output_values))

    @failure_hook
    def tell(context: HookContext) -> None:
        heard.append(
            ("tell", context.step_key, str(context.op_exception), context.asset_key and str(context.asset_key))
        )

    flaky = Flaky(1)

    @asset(hooks={cheer, tell}, retry_policy=RetryPolicy())
    def orders() -> int:
        flaky()
        return 3

    @asset(hooks={cheer, tell})
    def broken() -> None:
        raise ValueError("no")

    result = made(orders, broken, waits=Waits())
    assert sorted(heard) == [("cheer", "orders", {"result": 3}), ("tell", "broken", "no", "broken")]
    assert types(result).count("hook_completed") == 2


def test_the_end_of_a_step_is_in_the_log_before_its_hooks_run() -> None:
    seen: list[list[str]] = []
    with Instance.ephemeral() as instance:

        @success_hook
        def look(context: HookContext) -> None:
            seen.append([stored.event.type for stored in instance.log.query(run_id=context.run_id)])

        @asset(hooks={look})
        def orders() -> int:
            return 3

        materialize_in_process(Definitions(assets=[orders]), instance)
    assert seen[0][-2:] == ["asset_materialized", "step_succeeded"]


def test_a_hook_that_raises_is_recorded_and_changes_nothing() -> None:
    @success_hook(required_resource_keys={"chat"})
    def needs_chat(context: HookContext) -> None: ...

    @success_hook
    def broken(context: HookContext) -> None:
        raise OSError("offline")

    @op
    def load() -> int:
        return 1

    @job(hooks={broken, needs_chat})
    def work() -> None:
        load()

    result = work.execute_in_process()
    assert result.success
    errored = {event.hook: event.error for event in result.all_events if isinstance(event, e.HookErrored)}
    assert errored["broken"].message == "offline"
    assert "needs the resource 'chat'" in errored["needs_chat"].message


@pytest.mark.parametrize("wrong", ["retry_policy", "hooks"])
def test_what_is_no_policy_or_hook_is_refused(wrong: str) -> None:
    from headwater import InvalidDefinitionError

    with pytest.raises(InvalidDefinitionError, match="asset 'orders' has the"):

        @asset(**{wrong: {3}})  # type: ignore[arg-type]
        def orders() -> None: ...
