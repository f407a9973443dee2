"""The reactive loop: whatever lands in the log is folded, decided upon and launched, at once.

One task does everything that has an order, turn by turn:

    read the log to its head ─> fold ─> end the runs whose workers are gone ─> append what schedules and sensors came to
    ─> write what became fresh or stale ─> tick, backfills ─> append what they decided ─> launch ─> have due schedules
    and sensors evaluated

It sleeps until the log grows, a host speaks or a timer is due; events that land during a turn are taken together by the
next. No tick spans a `DefinitionsLoaded`: what came before it is decided under the old definitions. A wake-up carries
no data, so a lost one costs at most `POLL_S` and a doubled one an empty turn.

Snapshots of State are taken where a written Tick has just seen all that is folded: from there a daemon that starts goes
on as this one did (`catch_up`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import anyio
import anyio.lowlevel
import structlog
from anyio.abc import TaskGroup
from structlog.typing import FilteringBoundLogger

from ..storage import events as e
from ..storage.clock import Clock
from ..storage.folding import catch_up
from ..storage.log import EventLog, Expect, StoredEvent
from ..storage.state import State
from ..storage.wakeup import Subscription
from .evaluation.ticker import Outcome, Ticker
from .freshness import NEVER, FreshnessWatch
from .runs.backfill.driver import BackfillDriver, Steps
from .runs.queue import QueuedRun
from .runs.supervisor import RunSupervisor
from .sensing.sensing import Sensing
from .snapshotting import Snapshotting

log: FilteringBoundLogger = structlog.get_logger("headwater.loop")

POLL_S = 1.0  # the log is looked at this often even if no wake-up came
PAGE = 5_000  # events read at a time


class Loop:
    """The daemon's one turn after another. The only writer of `Tick` events, under the leader's term."""

    def __init__(
        self,
        events: EventLog,
        ticker: Ticker,
        runs: RunSupervisor,
        sensing: Sensing,
        backfills: BackfillDriver,
        snapshots: Snapshotting,
        *,
        clock: Clock,
        term: int,
        tasks: TaskGroup,
        may_decide: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
        looked_at_all: Callable[[], None] = lambda: None,
    ) -> None:
        """`may_decide` returns as soon as this daemon leads, and is asked before each turn. `looked_at_all` is called
        after a turn in which every asset was evaluated: after the start, and when definitions have changed."""
        self._log, self._ticker, self._runs = events, ticker, runs
        self._sensing, self._backfills = sensing, backfills
        self._clock, self._term, self._tasks = clock, term, tasks
        self._may_decide, self._looked_at_all = may_decide, looked_at_all
        self._freshness = FreshnessWatch(ticker.state)
        self._snapshots = snapshots
        self._is_finishing = False
        self._finished = anyio.Event()
        self._nudge = anyio.Event()
        self._carried: list[StoredEvent] = []
        self._full = False

    @property
    def state(self) -> State:
        return self._ticker.state

    def nudge(self) -> None:
        """Take another turn: something outside the log has changed."""
        self._nudge.set()

    @property
    def is_nudged(self) -> bool:
        """Whether another turn is due at once, whatever the last one said."""
        return self._nudge.is_set()

    async def run(self) -> None:
        """Turn until cancelled. State has been folded through the last Tick before (`catch_up`)."""
        with self._log.subscribe() as woken:
            while True:
                await self._may_decide()
                due = await self.turn()
                if due is None:
                    continue
                if self._is_finishing:
                    break
                await self._sleep(woken, due)
        await self._close()
        self._finished.set()

    async def finish(self) -> None:
        """Turn until nothing more is due at once, and leave a snapshot behind for the next daemon."""
        self._is_finishing = True
        self.nudge()
        await self._finished.wait()

    def catch_up(self) -> None:
        """Fold what the last Tick had seen, so that the first turn decides about exactly what came after it."""
        last, through = last_tick(self._log)
        self._ticker.written(last)
        self._snapshots.begin(self.state.through)
        catch_up(self.state, self._log, through=through)
        self.state.take_changes()
        self.state.backfills.touch_all()

    async def turn(self) -> datetime | None:
        """One turn; returns until when the loop may sleep, or None if another turn is due at once.

        A nudge that came before is answered by it.
        """
        self._nudge = anyio.Event()
        batch, more = self._next_batch()
        self._ticker.absorb(batch)
        self._runs.observe(batch)
        self._sensing.observe(batch)
        self._freshness.observe(batch)
        self._runs.adopt(self._tasks, self.nudge)
        if more:
            if self._carried and self._ticker.ready:
                await self._decide(at_head=False)
            return None
        await self._runs.settle()
        if not self._ticker.ready or await self._conclude():
            return None
        if changed := self._freshness.changed(self._clock.now()):
            await self._log.append_async(changed, expect=Expect(term=self._term))
            _tell_of_freshness(changed)
        outcome, due = await self._decide(at_head=True)
        if self.state.definitions is not None:
            await self._runs.launch(self.state.definitions)
        _tell(outcome)
        if outcome.everything:
            self._looked_at_all()
        now = self._clock.now()
        if self._ticker.ready and self._runs.accepting:
            await self._sensing.start_due(now)
        if outcome.follow_up or self._runs.unsettled or self._log.head().offset > self.state.through:
            return None
        timers = (outcome.next_due, due, self._freshness.next_due, self._sensing.next_due(now))
        return min(at or NEVER for at in timers)

    def _next_batch(self) -> tuple[list[StoredEvent], bool]:
        """The next events to fold together, and whether there are more behind them already."""
        if not self._carried:
            page = self._log.read(self.state.through, PAGE)
            self._full = len(page) == PAGE
        else:
            page = self._carried
        cut = next((n for n, s in enumerate(page) if n and isinstance(s.event, e.DefinitionsLoaded)), len(page))
        self._carried = page[cut:]
        return page[:cut], self._full or bool(self._carried)

    async def _conclude(self) -> bool:
        """Write what schedules and sensors came to; whether there was anything, which is to be folded first."""
        facts = self._sensing.conclude(self._clock.now())
        if not facts:
            return False
        offsets = await self._log.append_async(facts, expect=Expect(term=self._term))
        self._ticker.written(offsets[-1])
        _tell_of_failures(facts)
        return True

    async def _decide(self, *, at_head: bool) -> tuple[Outcome, datetime | None]:
        """One tick, and the next steps of the backfills, in one transaction. Backfills go on from the head of the log
        only, where all that was decided for them before is folded."""
        now = self._clock.now()
        outcome = self._ticker.tick(now)
        steps = self._backfills.decide(now) if at_head else Steps()
        if not (events := [*outcome.events, *steps.events]):
            return outcome, steps.next_due
        offsets = await self._log.append_async(events, expect=Expect(term=self._term))
        self._ticker.written(offsets[-1])
        for offset, event in zip(offsets, events, strict=True):
            if isinstance(event, e.RunRequested):
                self._runs.queue.offer(QueuedRun.of_event(event, offset))
        if outcome.events:
            self._snapshots.take_if_due(self.state)
        return outcome, steps.next_due

    async def _close(self) -> None:
        """At a clean stop: a Tick for the ticks that found nothing, behind which a snapshot may stand."""
        if not self._snapshots.is_worth_it(self.state):
            return
        if (tick := self._ticker.closing()) is not None:
            offsets = await self._log.append_async([tick], expect=Expect(term=self._term))
            self._ticker.written(offsets[-1])
            await self._snapshots.take(self.state)

    async def _sleep(self, woken: Subscription, due: datetime) -> None:
        wait_s = min(max((due - self._clock.now()).total_seconds(), 0), POLL_S)
        nudged = self._nudge
        with anyio.move_on_after(wait_s):
            async with anyio.create_task_group() as either:

                async def by_nudge() -> None:
                    await nudged.wait()
                    either.cancel_scope.cancel()

                either.start_soon(by_nudge)
                await woken.wait(wait_s)
                either.cancel_scope.cancel()


def last_tick(events: EventLog) -> tuple[int, int]:
    """The offset of the last Tick and that which it had seen the log through; zeros before the first."""
    last = events.query(types=["tick"], newest_first=True, limit=1)
    return (last[0].offset, last[0].event.through) if last and isinstance(last[0].event, e.Tick) else (0, 0)


def _tell_of_freshness(changes: Sequence[e.FreshnessChanged]) -> None:
    for change in changes:
        tell = log.info if change.state == "PASS" else log.warning
        tell("freshness_changed", asset=change.asset_key, state=change.state, since=change.at.isoformat())


def _tell_of_failures(facts: Sequence[e.Event]) -> None:
    """Log the schedules, sensors and conditions whose code has failed, which nobody would notice otherwise."""
    for fact in facts:
        if isinstance(fact, e.SensorEvaluated | e.ScheduleEvaluated | e.ConditionEvaluated) and fact.error is not None:
            about = f"asset {fact.asset_key}" if isinstance(fact, e.ConditionEvaluated) else fact.name
            kind, error = fact.type.removesuffix("_evaluated"), f"{fact.error.cls}: {fact.error.message}"
            log.warning("evaluation_failed", kind=kind, about=about, error=error)


def _tell(outcome: Outcome) -> None:
    """Log what a tick asked for; after the launch, which does not wait for it."""
    requested = sum(isinstance(event, e.RunRequested) for event in outcome.events)
    if requested:
        tick = outcome.events[0]
        assert isinstance(tick, e.Tick)
        assets = sorted({decision.asset_key for decision in tick.decisions})
        log.info("tick_committed", through=tick.through, runs=requested, assets=assets, visited=len(outcome.visited))
