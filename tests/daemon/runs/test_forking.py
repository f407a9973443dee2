"""Steps in processes of their own: at most so many at a time, none lost, and only what is below a failure skipped."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetExecutionContext,
    Definitions,
    DynamicOut,
    DynamicOutput,
    HookContext,
    Instance,
    RetryPolicy,
    RetryRequested,
    asset,
    asset_check,
    failure_hook,
    graph_asset,
    in_process_executor,
    job,
    multiprocess_executor,
    op,
)
from headwater.daemon.runs.execute import RunOutcome, execute_run
from headwater.daemon.runs.plan import RunPlan
from headwater.daemon.runs.planning import build_plan
from headwater.definitions.assets_definition import AssetsDefinition
from headwater.storage import events as e
from headwater.storage.log import EventLog

TWO = multiprocess_executor.configured({"max_concurrent": 2})


@pytest.fixture(autouse=True)
def no_native_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests leave thread pools of native libraries in this process, of which the children here use none."""
    monkeypatch.setattr("headwater.daemon.runs.execute.unsafe_native_threads", lambda: None)


class Bench:
    def __init__(self, home: Path) -> None:
        self.home, self.log = home, EventLog.open(home)

    def run(
        self, definitions: Definitions, job_name: str | None = None, run_config: dict[str, Any] | None = None
    ) -> RunOutcome:
        targets = [
            e.Target(asset_key=str(node.key)) for node in definitions.assets if isinstance(node, AssetsDefinition)
        ]
        checks = [
            e.PlannedCheck(asset_key=str(check.asset_key), name=check.check_name, blocking=check.blocking)
            for check in definitions.asset_checks
        ]
        offset = self.log.append([e.RunRequested(run_id="r", targets=tuple(targets), checks=tuple(checks))])[0]
        if job_name:
            plan = RunPlan(run_id="r", requested_offset=offset, job_name=job_name)
        else:
            plan = build_plan(definitions.snapshot(), "r", offset, targets, checks, run_config=run_config)

        def look_further(position: int) -> int | None:
            newer = self.log.query(run_id="r", after=position, limit=1)
            return newer[0].offset if newer else None

        return execute_run(
            definitions,
            plan,
            lambda events, expect: self.log.append(events, expect=expect),
            home=self.home,
            look_further=look_further,
            instance=lambda: Instance(self.log, self.home),
            around_fork=self.around_fork,
        )

    @contextmanager
    def around_fork(self) -> Iterator[None]:
        self.log.close()
        yield
        self.log = EventLog.open(self.home)

    @property
    def events(self) -> list[e.Event]:
        return [stored.event for stored in self.log.query(run_id="r")]

    def steps(self, kind: str) -> list[str]:
        return [event.step_key for event in self.events if event.type == kind]  # type: ignore[attr-defined]


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    bench = Bench(tmp_path / "home")
    yield bench
    bench.log.close()


def meeting(folder: Path) -> Callable[[str, str], None]:
    """Two steps meet: each says that it is there and waits for the other. Alone it would wait in vain."""

    def meet(own: str, other: str) -> None:
        for name in (own, other):
            if not (folder / name).exists():
                try:
                    os.mkfifo(folder / name)
                except FileExistsError:
                    continue
        reader = threading.Thread(target=lambda: (folder / own).read_text())
        reader.start()
        (folder / other).write_text("here")
        reader.join()

    return meet


def test_independent_assets_are_made_at_the_same_time(bench: Bench, tmp_path: Path) -> None:
    meet, home = meeting(tmp_path), os.getpid()

    @asset
    def left() -> int:
        meet("left", "right")
        return os.getpid()

    @asset
    def right() -> int:
        meet("right", "left")
        return os.getpid()

    @asset
    def both(left: int, right: int) -> None:
        assert len({left, right, home}) == 3

    assert bench.run(Definitions(assets=[left, right, both], executor=TWO)) is RunOutcome.SUCCEEDED
    assert bench.steps("step_started")[2] == "both"
    assert bench.events[-1].type == "run_succeeded"


def test_the_default_and_the_in_process_executor_stay_in_the_worker(bench: Bench) -> None:
    pids: list[int] = []

    @asset
    def orders() -> None:
        pids.append(os.getpid())

    bench.run(Definitions(assets=[orders], executor=in_process_executor))
    assert pids == [os.getpid()]


def test_no_more_steps_than_allowed_go_at_a_time(bench: Bench) -> None:
    @op(out=DynamicOut())
    def several() -> Any:
        for n in range(5):
            yield DynamicOutput(n, f"n{n}")

    @op
    def double(n: int) -> int:
        return n * 2

    @op
    def total(ns: list[int]) -> int:
        print(sum(ns))
        return sum(ns)

    @job(executor_def=TWO)
    def work() -> None:
        total(several().map(double).collect())

    assert bench.run(Definitions(jobs=[work]), "work") is RunOutcome.SUCCEEDED
    running = most = 0
    for event in bench.events:
        running += (event.type == "step_started") - (event.type == "step_succeeded")
        most = max(most, running)
    assert most == 2
    assert bench.steps("step_started")[-1] == "total"
    assert len(bench.steps("step_succeeded")) == 7


def test_a_step_whose_process_is_killed_fails_and_only_what_is_below_is_skipped(bench: Bench) -> None:
    @asset
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @asset(deps=[killed])
    def below() -> None: ...

    @asset
    def other() -> int:
        return 1

    @asset
    def after_other(other: int) -> None: ...

    assert bench.run(Definitions(assets=[killed, below, other, after_other], executor=TWO)) is RunOutcome.FAILED
    (failed,) = [event for event in bench.events if isinstance(event, e.StepFailed)]
    assert (failed.step_key, failed.asset_key) == ("killed", "killed")
    assert "SIGKILL" in failed.error.message
    assert bench.steps("step_skipped") == ["below"]
    assert sorted(bench.steps("step_succeeded")) == ["after_other", "other"]
    assert bench.events[-1].type == "run_failed"


def test_a_step_that_leaves_its_process_fails_with_its_status(bench: Bench) -> None:
    @asset
    def leaves() -> None:
        os._exit(3)

    bench.run(Definitions(assets=[leaves], executor=TWO))
    (failed,) = [event for event in bench.events if isinstance(event, e.StepFailed)]
    assert "status 3" in failed.error.message


def test_attempts_hooks_checks_and_inner_ops_are_told_from_the_processes(bench: Bench, tmp_path: Path) -> None:
    @failure_hook
    def tell(context: HookContext) -> None:
        (tmp_path / "told").write_text(f"{context.step_key}: {context.op_exception}")

    @op
    def load() -> int:
        return 3

    @graph_asset
    def orders() -> Any:
        return load()

    @asset_check(asset=orders, blocking=True)
    def few(orders: int) -> bool:
        return orders < 3

    @asset
    def behind_the_gate(orders: int) -> None: ...

    @asset(retry_policy=RetryPolicy(max_retries=1), hooks={tell})
    def flaky(context: AssetExecutionContext) -> None:
        raise ValueError(f"attempt {context.retry_number}")

    @asset
    def asks(context: AssetExecutionContext) -> None:
        if context.retry_number < 2:
            raise RetryRequested(max_retries=2)

    definitions = Definitions(assets=[orders, behind_the_gate, flaky, asks], asset_checks=[few], executor=TWO)
    assert bench.run(definitions) is RunOutcome.FAILED
    started = [(one.step_key, one.attempt) for one in bench.events if isinstance(one, e.StepStarted)]
    assert [attempt for key, attempt in started if key == "flaky"] == [1, 2]
    assert [attempt for key, attempt in started if key == "asks"] == [1, 2, 3]
    assert ("orders.load", 1) in started
    assert bench.steps("step_skipped") == ["behind_the_gate"]
    assert bench.steps("hook_completed") == ["flaky"]
    assert (tmp_path / "told").read_text() == "flaky: attempt 1"


@pytest.mark.parametrize(
    ("executor", "config", "own"),
    [
        (TWO, {"in_process": {}}, False),
        (None, {"multiprocess": {"max_concurrent": 2}}, True),
        (None, None, False),
    ],
)
def test_the_run_config_says_whether_steps_have_processes_of_their_own(
    bench: Bench, tmp_path: Path, executor: Any, config: Any, own: bool
) -> None:
    @asset
    def where() -> None:
        (tmp_path / "where").write_text(str(os.getpid()))

    run_config = None if config is None else {"execution": {"config": config}}
    assert bench.run(Definitions(assets=[where], executor=executor), run_config=run_config) is RunOutcome.SUCCEEDED
    assert ((tmp_path / "where").read_text() != str(os.getpid())) is own


def test_a_cancelled_run_ends_its_processes(bench: Bench, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")

    @asset
    def hangs() -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))
        bench_log = EventLog.open(bench.home)
        bench_log.append([e.RunCancelled(run_id="r")])
        (tmp_path / "never").read_text()

    assert bench.run(Definitions(assets=[hangs], executor=TWO)) is RunOutcome.TAKEN_AWAY
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert bench.events[-1].type == "run_cancelled"


def test_a_step_reads_the_log_in_its_own_process(bench: Bench, tmp_path: Path) -> None:
    @asset
    def orders(context: AssetExecutionContext) -> None:
        event = context.instance.get_latest_materialization_event("source")
        (tmp_path / "seen").write_text(str(event is not None))

    bench.log.append([e.AssetMaterialized(asset_key="source", origin="report")])
    assert bench.run(Definitions(assets=[orders], executor=TWO)) is RunOutcome.SUCCEEDED
    assert (tmp_path / "seen").read_text() == "True"
