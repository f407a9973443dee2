"""Another course of events: the same facts under other definitions.

From a moment on, the log's facts (`facts.py`) are folded at the times that they had, under the definitions that are
supposed, and the ticker and the driver of backfills decide as the daemon would: at once when something lands, when a
timer is due, and once more after a pulse. The runs that they ask for start at once and succeed, checks and all, after
as long as their steps took in the log (`durations.py`). Nothing is written anywhere.

Freshness is watched anew. What sensors and schedules asked for is taken as it is recorded.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count

from ...definitions.errors import HeadwaterError
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage import events as e
from ...storage.clock import from_microseconds, to_microseconds
from ...storage.folding import folded_through
from ...storage.log import EventLog, StoredEvent
from ..evaluation.ticker import Ticker
from ..freshness import FreshnessWatch
from ..runs.backfill.driver import BackfillDriver
from ..runs.plan import StepPlan
from ..runs.planning import build_plan
from .comparison import Comparison, Request
from .durations import Durations
from .facts import Facts

PAGE = 5_000  # events read at a time
WINDOW = 20  # runs of a backfill that are asked for and not ended, as by a daemon with its own settings


def suppose(log: EventLog, definitions: DefinitionsSnapshot, *, since: int = 0) -> Comparison:
    """What automation would have asked for behind the offset `since`, had `definitions` held from there on, beside what
    it did ask for."""
    return _Course(log, definitions, since).run()


class _Course:
    """One course of events, from instant to instant."""

    def __init__(self, log: EventLog, definitions: DefinitionsSnapshot, since: int) -> None:
        self._log, self._definitions = log, definitions
        ticks = log.query(types=["tick"], before=since + 1, newest_first=True, limit=1)
        through = ticks[0].event.through if ticks and isinstance(ticks[0].event, e.Tick) else 0
        self._state = folded_through(log, through, supposing=definitions)
        self._state.take_changes()
        ids = count(1)
        self._ticker = Ticker(self._state, run_id=lambda: f"supposed-{next(ids)}")
        self._backfills = BackfillDriver(self._state, run_id=lambda: f"supposed-{next(ids)}", window=WINDOW)
        self._freshness = FreshnessWatch(self._state)
        while self._state.through < since:
            self._ticker.absorb(log.read(self._state.through, min(PAGE, since - self._state.through)))
        backfills = self._state.backfills.active.values()
        by_caller = [one.backfill_id for one in backfills if one.by_caller]
        self._facts = Facts(self._state.runs, by_caller)
        self._durations = Durations.of(log)
        self._work: list[tuple[int, int, str, list[e.Event]]] = []
        self._order = count()
        self._now, self._since = self._state.timestamp, since
        self._head = log.head()
        begins = log.read(since, 1)
        self._now = max(self._now, begins[0].timestamp if begins else 0)
        self.result = Comparison(from_microseconds(self._now), from_microseconds(self._head.timestamp))

    def run(self) -> Comparison:
        self._land([e.DefinitionsLoaded(hash=self._definitions.hash, asset_count=len(self._definitions.assets))])
        due = self._turn()
        facts = self._recorded()
        fact = next(facts, None)
        while True:
            instants = [self._work[0][0] if self._work else None, fact and fact.timestamp, due and to_microseconds(due)]
            instant = min((one for one in instants if one is not None), default=None)
            if instant is None or instant > self._head.timestamp:
                break
            self._now = max(self._now, instant)
            while fact is not None and fact.timestamp <= self._now:
                self._land([fact.event])
                fact = next(facts, None)
            while self._work and self._work[0][0] <= self._now:
                _, _, run_id, events = heapq.heappop(self._work)
                if run_id in self._state.runs:
                    self._land(events)
            due = self._turn()
        self.result.unmeasured = tuple(sorted(self._durations.unmeasured))
        return self.result

    def _recorded(self) -> Iterator[StoredEvent]:
        """The facts; what was decided in the log is noted on the way."""
        after = self._since
        while page := self._log.read(after, PAGE):
            for stored in page:
                if stored.offset > self._head.offset:
                    return
                if self._facts.holds(stored.event):
                    yield stored
                elif isinstance(event := stored.event, e.RunRequested):
                    took_s = self._durations.of_run(event.run_id)
                    self.result.recorded.append(_request(event, stored.at, took_s, event.run_id))
            after = page[-1].offset

    # ---- the daemon --------------------------------------------------------------------------------------------------

    def _turn(self) -> datetime | None:
        """Decide until nothing more follows; returns when time alone is next due."""
        while True:
            now = from_microseconds(self._now)
            if changed := self._freshness.changed(now):
                self._land(changed)
            outcome, steps = self._ticker.tick(now), self._backfills.decide(now)
            events = [*outcome.events, *steps.events]
            self._land(events)
            for event in events:
                if isinstance(event, e.RunRequested):
                    self._launch(event, now)
            if not events and not outcome.follow_up:
                timers = (outcome.next_due, steps.next_due, self._freshness.next_due)
                return min((at for at in timers if at is not None), default=None)

    def _land(self, events: Sequence[e.Event]) -> None:
        stored = [StoredEvent(self._state.through + n, "", self._now, event) for n, event in enumerate(events, start=1)]
        self._ticker.absorb(stored)
        self._freshness.observe(stored)

    # ---- the workers -------------------------------------------------------------------------------------------------

    def _launch(self, run: e.RunRequested, now: datetime) -> None:
        """Plan all that the run will write, at the instants at which it will."""
        at, took_s = self._now, 0.0
        try:
            plan = build_plan(self._definitions, run.run_id, 0, run.targets, run.checks)
        except (KeyError, HeadwaterError) as error:
            self._later(at, run.run_id, [e.RunFailed(run_id=run.run_id, reason="launch_failed", message=str(error))])
            self.result.supposed.append(_request(run, now, took_s))
            return
        self._later(at, run.run_id, [e.RunStarted(run_id=run.run_id)])
        for step in plan.steps:
            targets = () if step.only_checks else step.targets
            checks = step.checks if step.only_checks else ()
            begun = e.StepStarted(run_id=run.run_id, step_key=step.step_key, targets=targets, checks=checks)
            self._later(at, run.run_id, [begun])
            took_s += (lasts_s := self._durations.expected(step))
            at += round(lasts_s * 1_000_000)
            self._later(at, run.run_id, list(self._made(run.run_id, step)))
        self._later(at, run.run_id, [e.RunSucceeded(run_id=run.run_id)])
        self.result.supposed.append(_request(run, now, took_s))

    def _later(self, micros: int, run_id: str, events: list[e.Event]) -> None:
        heapq.heappush(self._work, (micros, next(self._order), run_id, events))

    def _made(self, run_id: str, step: StepPlan) -> Iterator[e.Event]:
        """What a step writes at its end when all is well."""
        for target in () if step.only_checks else step.targets:
            if self._definitions.assets[target.asset_key].observable:
                continue
            space = self._state.space(target.asset_key)
            for ordinal in space.ordered(space.bits(target.partitions)):
                yield e.AssetMaterialized(
                    asset_key=target.asset_key, partition=space.key(ordinal), run_id=run_id, step_key=step.step_key
                )
        for check in step.checks:
            yield e.AssetCheckEvaluated(
                asset_key=check.asset_key,
                check_name=check.name,
                partition=check.partition,
                run_id=run_id,
                passed=True,
                blocking=check.blocking,
            )
        yield e.StepSucceeded(run_id=run_id, step_key=step.step_key)


def _request(run: e.RunRequested, at: datetime, took_s: float, run_id: str | None = None) -> Request:
    checks = () if run.targets else tuple(f"{check.asset_key}:{check.name}" for check in run.checks)
    return Request(at, run.targets, took_s, run_id, checks)
