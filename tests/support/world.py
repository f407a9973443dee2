"""A small world under a virtual clock: definitions, a real log in memory, the ticker, and a hand that plays workers.

    world = World()
    world.define(AssetSpec("orders"), report)
    world.report("orders")
    world.settle()                 # ticks until nothing more is decided
    assert world.requested("report") == 1

Runs do nothing until the test says so: `start` writes what a worker writes when a step begins, `finish` what it writes
when it ends, `run_all` plays every requested run to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from headwater.daemon.evaluation.ticker import Outcome, Ticker
from headwater.daemon.runs.backfill.driver import BackfillDriver, Steps
from headwater.definitions.definitions import Definitions
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from headwater.storage.clock import VirtualClock
from headwater.storage.ids import SeededIds
from headwater.storage.log import EventLog
from headwater.storage.memory import MemoryStore
from headwater.storage.snapshots import dump, newest_state, save
from headwater.storage.state import State
from headwater.storage.wakeup import LocalWakeups

from .both_evaluators import BothEvaluators

START = datetime(2026, 3, 1, tzinfo=UTC)


class World:
    def __init__(self, *, start: datetime = START, seed: int = 0, ticker: Callable[..., Ticker] = Ticker) -> None:
        self.clock = VirtualClock(start)
        self.ids = SeededIds(seed)
        self.log = EventLog(MemoryStore(), LocalWakeups(), clock=self.clock, ids=self.ids)
        self.make_ticker = ticker
        self.state = State.empty(self.log.definitions_bytes)
        self.window = 20
        self.ticker = ticker(self.state, run_id=self.ids.new_id, evaluator=BothEvaluators)
        self.backfills = self._driver()
        self.outcomes: list[Outcome] = []
        self.next_due: datetime | None = None
        self.definitions = Definitions()
        self._is_at_head = True
        self.wants_snapshot = False
        """Whether the daemon takes a snapshot with the next Tick that it writes."""
        self._planned: dict[tuple[str, str], list[str | None]] = {}
        """The keys of each asset that a run is to make, as the definitions had them when it was asked for."""

    # ---- what happens ------------------------------------------------------------------------------------------------

    def append(self, *events: e.Event, blobs: dict[str, bytes] | None = None) -> int:
        """Append events and return the last one's offset."""
        return self.log.append(list(events), blobs=blobs)[-1]

    def define(self, *assets: Any, checks: Sequence[Any] = (), **more: Any) -> DefinitionsSnapshot:
        self.definitions = Definitions(assets=list(assets), asset_checks=list(checks), **more)
        snapshot = DefinitionsSnapshot.of(self.definitions)
        self.append(e.DefinitionsLoaded(hash=snapshot.hash), blobs={snapshot.hash: snapshot.to_bytes()})
        return snapshot

    def report(self, key: str, partition: str | None = None) -> int:
        """Somebody outside made it."""
        return self.append(e.AssetMaterialized(asset_key=key, partition=partition, origin="report"))

    def advance(self, delta: timedelta | float) -> None:
        self.clock.advance(delta)

    # ---- the daemon --------------------------------------------------------------------------------------------------

    def tick(self) -> list[e.RunRequested]:
        """One tick over all that has landed; returns the runs it asks for."""
        landed = self.log.read(self.state.through, 100_000)
        for n, stored in enumerate(landed):
            if n and isinstance(stored.event, e.DefinitionsLoaded):
                self.ticker.absorb(landed[:n])
                self._is_at_head = False
                runs = self._decide() if self.ticker.ready else []
                return runs + self.tick()
        self.ticker.absorb(landed)
        self._is_at_head = True
        return self._decide()

    def _decide(self) -> list[e.RunRequested]:
        outcome = self.ticker.tick(self.clock.now())
        self.outcomes.append(outcome)
        self.next_due = outcome.next_due
        steps = self.backfills.decide(self.clock.now()) if self._is_at_head else Steps()
        if steps.next_due is not None:
            self.next_due = min(steps.next_due, self.next_due or steps.next_due)
        if events := [*outcome.events, *steps.events]:
            self.ticker.written(self.append(*events))
            self._plan(event for event in events if isinstance(event, e.RunRequested))
        if outcome.events and self.wants_snapshot:
            self.wants_snapshot = False
            save(self.log, dump(self.state))
        return [event for event in events if isinstance(event, e.RunRequested)]

    def _plan(self, runs: Iterable[e.RunRequested]) -> None:
        for run in runs:
            for target in run.targets:
                space = self.state.space(target.asset_key)
                keys = [space.key(ordinal) for ordinal in space.bits(target.partitions)]
                self._planned[run.run_id, target.asset_key] = keys

    def _driver(self) -> BackfillDriver:
        return BackfillDriver(self.state, run_id=self.ids.new_id, window=self.window)

    def settle(self) -> list[e.RunRequested]:
        """Tick until nothing new has landed and no follow-up is due; returns the runs asked for."""
        runs = self.tick()
        while self.log.head().offset > self.state.through or self.outcomes[-1].follow_up:
            runs += self.tick()
        return runs

    def restart(self) -> None:
        """Lose everything but the log, as a daemon does that is killed, and fold it again from the newest snapshot."""
        last = self.log.query(types=["tick"], newest_first=True, limit=1)
        through = last[0].event.through if last and isinstance(last[0].event, e.Tick) else 0
        self.state = newest_state(self.log, until=through)
        for stored in self.log.read(self.state.through, max(1, through - self.state.through)):
            if stored.offset <= through:
                self.state.apply(stored)
        self.state.take_changes()
        self.state.backfills.touch_all()
        self.ticker = self.make_ticker(self.state, run_id=self.ids.new_id, evaluator=BothEvaluators)
        self.ticker.written(last[0].offset if last else 0)
        self.backfills = self._driver()

    # ---- the workers -------------------------------------------------------------------------------------------------

    def start(self, run_id: str, key: str, *, read_through: int | None = None) -> int:
        """The step of one asset begins; the first step claims the run."""
        run = self._requested(run_id)
        events: list[e.Event] = []
        if not self.log.query(run_id=run_id, types=["run_started"]):
            events.append(e.RunStarted(run_id=run_id))
        target = next(target for target in run.targets if target.asset_key == key)
        inputs: dict[str, e.KeyRanges] = {}
        if read_through is not None and self.state.definitions is not None:
            assets = self.state.definitions.assets
            deps = assets[key].deps if key in assets else ()
            several = [dep for dep in deps if assets[dep.key].partitions]
            several = [d for d in several if not d.mapping.reads_one(assets[d.key].partitions, assets[key].partitions)]
            inputs = {dep.key: () for dep in several}
        events.append(
            e.StepStarted(run_id=run_id, step_key=key, targets=(target,), inputs=inputs, read_through=read_through)
        )
        return self.append(*events)

    def finish(self, run_id: str, key: str, *, ok: bool = True, checks: dict[str, bool] | None = None) -> int:
        """The step of one asset ends, then its checks (all pass unless told otherwise)."""
        run = self._requested(run_id)
        if not ok:
            error = e.ErrorInfo(cls="ValueError", message="no")
            return self.append(e.StepFailed(run_id=run_id, step_key=key, asset_key=key, error=error))
        if (run_id, key) not in self._planned:
            self._plan([run])
        partitions = self._planned[run_id, key]
        events: list[e.Event] = [
            *(e.AssetMaterialized(asset_key=key, partition=p, run_id=run_id, step_key=key) for p in partitions),
            e.StepSucceeded(run_id=run_id, step_key=key),
        ]
        for check in run.checks:
            if check.asset_key == key:
                passed = (checks or {}).get(check.name, True)
                for p in partitions:
                    events.append(self._check(key, check.name, p, passed, run_id=run_id, blocking=check.blocking))
        return self.append(*events)

    def check(self, key: str, name: str, *, passed: bool, partition: str | None = None, blocking: bool = True) -> int:
        """A check evaluated by hand."""
        return self.append(self._check(key, name, partition, passed, run_id=None, blocking=blocking))

    def skip(self, run_id: str, key: str, *, because_of: str) -> int:
        run = self._requested(run_id)
        targets = tuple(target for target in run.targets if target.asset_key == key)
        blocked_by = tuple(target for target in run.targets if target.asset_key == because_of)
        return self.append(e.StepSkipped(run_id=run_id, step_key=key, targets=targets, blocked_by=blocked_by))

    def end(self, run_id: str, how: str = "succeeded") -> int:
        ends: dict[str, e.Event] = {
            "succeeded": e.RunSucceeded(run_id=run_id),
            "failed": e.RunFailed(run_id=run_id, reason="step_failed"),
            "orphaned": e.RunFailed(run_id=run_id, reason="orphaned", infrastructure=True),
            "cancelled": e.RunCancelled(run_id=run_id),
        }
        return self.append(ends[how])

    def run(
        self, run: e.RunRequested, *, fail: Iterable[str] = (), checks: dict[str, dict[str, bool]] | None = None
    ) -> None:
        """Play a run to its end: assets in `fail` raise, and what is below them is skipped."""
        down: dict[str, str] = {}
        shut: dict[str, str] = {}
        for target in run.targets:
            key = target.asset_key
            snapshot = self.state.definitions.assets[key] if self.state.definitions else None
            stopped = [dep.key for dep in snapshot.deps if dep.key in down or dep.key in shut] if snapshot else []
            if stopped:
                self.skip(run.run_id, key, because_of=down.get(stopped[0]) or shut[stopped[0]])
                down[key] = down.get(stopped[0]) or shut[stopped[0]]
                continue
            self.start(run.run_id, key)
            ok = key not in set(fail)
            results = (checks or {}).get(key, {})
            self.finish(run.run_id, key, ok=ok, checks=results)
            if not ok:
                down[key] = key
            elif any(c.blocking and not results.get(c.name, True) for c in run.checks if c.asset_key == key):
                shut[key] = key
        self.end(run.run_id, "failed" if down.keys() & set(fail) else "succeeded")

    def run_all(self, *, fail: Iterable[str] = (), limit: int = 100) -> list[e.RunRequested]:
        """Settle and play runs until nothing is asked for any more."""
        played: list[e.RunRequested] = []
        while runs := self.settle():
            for run in runs:
                self.run(run, fail=fail)
            played += runs
            assert len(played) < limit, "a run storm"
        return played

    # ---- what a test asks --------------------------------------------------------------------------------------------

    def requested(self, key: str) -> int:
        """How often an asset was requested so far, counting each run."""
        runs = [stored.event for stored in self.log.query(types=["run_requested"], limit=100_000)]
        return sum(any(t.asset_key == key for t in run.targets) for run in runs if isinstance(run, e.RunRequested))

    def _requested(self, run_id: str) -> e.RunRequested:
        event = self.log.query(run_id=run_id, types=["run_requested"])[0].event
        assert isinstance(event, e.RunRequested)
        return event

    def _check(
        self, key: str, name: str, partition: str | None, passed: bool, *, run_id: str | None, blocking: bool
    ) -> e.AssetCheckEvaluated:
        return e.AssetCheckEvaluated(
            asset_key=key, check_name=name, partition=partition, passed=passed, run_id=run_id, blocking=blocking
        )


def keys_of(runs: Iterable[e.RunRequested]) -> list[list[str]]:
    """The assets of each run, for an assertion that reads well."""
    return [[target.asset_key for target in run.targets] for run in runs]


def parts_of(runs: Iterable[e.RunRequested]) -> list[tuple[str, str | None]]:
    """Every (asset, partition) of the runs, sorted."""
    return sorted(
        (target.asset_key, target.partitions[0][0] if target.partitions else None)
        for run in runs
        for target in run.targets
    )
