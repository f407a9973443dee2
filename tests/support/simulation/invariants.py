"""What must hold of a simulated daemon after each step, at rest, after a restart, and of the whole log."""

from __future__ import annotations

from datetime import datetime

from headwater.daemon.assembly import Parts
from headwater.daemon.evaluation.visit import MIN_REQUEST_INTERVAL
from headwater.daemon.replay.verify import verify
from headwater.storage import events as e
from headwater.storage import snapshots
from headwater.storage.clock import EPOCH
from headwater.storage.log import EventLog
from headwater.storage.state import State
from headwater.storage.state.comparing import told_apart

from ..audit import needless_attempts, stale_parts
from . import project
from .workers import PlayedHost, PlayedLeases, days

_ENDS = (e.RunSucceeded, e.RunFailed, e.RunCancelled)
Part = tuple[str, str | None]


class Invariants:
    """Follows the log beside the daemon, by other ways than State."""

    def __init__(self, log: EventLog) -> None:
        self._log, self._through = log, 0
        self.open_runs: dict[str, tuple[e.Target, ...]] = {}
        self._started: set[str] = set()
        self._asked: dict[Part, tuple[datetime, float]] = {}
        self._gates: dict[str | None, bool] = {}
        self._parts: list[Part] = []
        self.newest = EPOCH
        self._follow()

    def _follow(self) -> None:
        for stored in self._log.read(self._through, 1_000_000):
            self._through, self.newest = stored.offset, stored.at
            self._take(stored.event)

    def _take(self, event: e.Event) -> None:
        match event:
            case e.RunRequested():
                assert event.run_id not in self.open_runs, f"{event.run_id} was asked for twice"
                self.open_runs[event.run_id] = event.targets
            case e.RunStarted():
                assert event.run_id not in self._started, f"{event.run_id} was started twice"
                self._started.add(event.run_id)
            case e.RunSucceeded() | e.RunFailed() | e.RunCancelled():
                targets = self.open_runs.pop(event.run_id, ())
                if isinstance(event, e.RunFailed) and event.infrastructure:
                    for target in targets:
                        for key in [part for part in self._asked if part[0] == target.asset_key]:
                            del self._asked[key]
            case e.AssetCheckEvaluated(asset_key="clean", check_name="sound"):
                self._gates[event.partition] = event.passed
            case e.Tick():
                self._no_storm(event)

    def _no_storm(self, tick: e.Tick) -> None:
        """A level that stays true asks once an interval; what is newer may ask at once."""
        for decision in tick.decisions:
            if decision.dry_run or decision.along_with:
                continue
            for cause in tick.causes_of(decision):
                for key in _keys(cause.partitions):
                    part = decision.asset_key, key
                    before = self._asked.get(part)
                    if before is not None and before[1] == cause.position:
                        assert tick.at - before[0] >= MIN_REQUEST_INTERVAL, f"{part} was asked for again at {tick.at}"
                    self._asked[part] = tick.at, cause.position

    def shut_gates(self) -> list[str | None]:
        self._follow()
        return [partition for partition, passed in self._gates.items() if not passed]

    # ---- the daemon --------------------------------------------------------------------------------------------------

    def check_step(self, parts: Parts, now: datetime) -> None:
        self._follow()

    def check_rest(self, parts: Parts, host: PlayedHost, leases: PlayedLeases) -> None:
        """Every request is known, and somebody sees to it."""
        state, queue = parts.loop.state, parts.runs.queue
        assert state.through == self._through
        assert set(state.runs) == set(self.open_runs), "a request is lost, or a run has ended twice"
        for run_id in state.runs:
            waits = any(run.run_id == run_id for _, _, run in queue._waiting)
            assert waits or run_id in queue.under_way, f"{run_id} waits for nobody"
            if run_id in queue.under_way:
                seen_to = leases.is_held(run_id) or run_id in host.in_flight
                assert seen_to, f"{run_id} is under way, and nobody works on it: {state.runs[run_id]}"

    def check_restart(self, state: State) -> None:
        """From a snapshot State is what the whole log says."""
        self._follow()
        whole = State.empty(self._log.definitions_bytes)
        for stored in self._log.read(0, state.through) if state.through else ():
            whole.apply(stored)
        apart = told_apart(state, whole)
        assert not apart, f"from a snapshot these are not what the log says: {apart}"


def check_whole(log: EventLog, at: datetime) -> None:
    log.verify()
    wrong = snapshots.check(log)
    assert not wrong, f"snapshots say other than the log: {wrong}"
    needless = needless_attempts(log.read(0, 10_000_000), log.definitions_bytes, project.READS)
    assert not needless, needless
    state = State.empty(log.definitions_bytes)
    for stored in log.read(0, 10_000_000):
        state.apply(stored)
    assert not state.runs, state.runs
    assert not state.backfills.active, state.backfills.active
    stale = stale_parts(state, at, project.EAGERS)
    assert not stale, stale
    for told in (verify(log, everything=True), verify(log, since=log.head().offset // 2)):
        assert not told.differences, told.differences[0]


def _keys(ranges: e.KeyRanges | None) -> list[str | None]:
    if ranges is None:
        return [None]
    return [key for first, last in ranges for key in days(first, last)]
