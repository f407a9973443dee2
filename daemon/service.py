"""The daemon: everything that runs beside everything else, and how it starts and stops.

    Leadership ─ one daemon per log
      EventLog ─ the log, a new term begun
        HostSupervisor ─ code hosts: definitions and their changes          (host/reload.py)
        Loop ─ fold, decide, launch                                         (loop.py)
        ArrivalWatcher ─ one per asset whose updates are files              (arrivals.py)

It stops by SIGTERM or SIGINT: nothing more is launched, what is under way gets `GRACE_S` to finish, and what has not
finished by then goes on without a daemon; the next one takes it over. What is queued stays queued in the log.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import anyio
import structlog
from anyio import CancelScope
from anyio.abc import TaskGroup, TaskStatus
from structlog.typing import FilteringBoundLogger

from ..definitions.snapshot import DefinitionsSnapshot
from ..storage import events as e
from ..storage.clock import Clock, SystemClock
from ..storage.ids import IdSource, SystemIds
from ..storage.log import EventLog, Expect
from ..storage.opening import lead_lock, place_of
from ..storage.uncollected import set_aside
from .arrivals import ArrivalWatcher
from .assembly import Settings, assemble, record_loaded, state_before_last_tick
from .evaluation.ticker import BACKFILL_ABOVE
from .host.client import CodeHostGone, Evaluated, Exited, LaunchFailed
from .host.orders import Order
from .host.reload import HostDied, HostSupervisor, Loaded, LoadFailed
from .host.source import CodeSource
from .leadership import Leadership
from .loop import Loop
from .runs.leases import Leases
from .runs.supervisor import RunSupervisor
from .sensing.sensing import LIMIT_S, Sensing
from .server_leadership import ServerLeadership
from .snapshotting import Snapshotting

log: FilteringBoundLogger = structlog.get_logger("headwater.daemon")

GRACE_S = 10.0
LATELY = 200  # cancelled runs that a daemon looks after when it starts
CLOSE_S = 5.0  # for the loop to come to rest and to leave a snapshot; without one the next start takes longer


class Daemon:
    """One daemon over one home folder. `run` returns after a clean stop."""

    def __init__(
        self,
        source: CodeSource,
        home: Path,
        *,
        max_concurrent_runs: int = 10,
        pools: Mapping[str, int] | None = None,
        backfill_above: int = BACKFILL_ABOVE,
        reload: bool = True,
        evaluation_limit_s: float = LIMIT_S,
        clock: Clock | None = None,
        ids: IdSource | None = None,
    ) -> None:
        self.source: CodeSource = source
        self.home: Path = home.absolute()
        self._clock, self._ids = clock or SystemClock(), ids or SystemIds()
        self._reload = reload
        self._settings = Settings(
            max_concurrent_runs=max_concurrent_runs,
            pools=pools,
            backfill_above=backfill_above,
            evaluation_limit_s=evaluation_limit_s,
        )
        self._arrivals: dict[str, CancelScope] = {}
        self._arrival_rules: dict[str, object] = {}

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Lead the log until SIGTERM or SIGINT.

        Raises:
            DaemonRunning: another daemon leads it, on this machine or on another one.
            LeadLost: another one leads it now, or the server that it is on cannot be reached any more.
        """
        with ExitStack() as stack:
            leadership = Leadership(self.home, clock=self._clock, definitions=str(self.source))
            stack.enter_context(leadership)
            events = stack.enter_context(EventLog.open(self.home, clock=self._clock, ids=self._ids))
            lead = ServerLeadership(lead_lock(self.home), events, place_of(self.home))
            stack.enter_context(lead.taken())
            term = events.take_lead(leadership.holder)
            try:
                await self._lead(events, lead, term, task_status)
            except BaseExceptionGroup as group:
                if (lost := lead.reason_in(group)) is not None:
                    raise lost from group
                raise

    async def _lead(self, events: EventLog, lead: ServerLeadership, term: int, task_status: TaskStatus[None]) -> None:
        state = await anyio.to_thread.run_sync(state_before_last_tick, events)
        hosts = HostSupervisor(self.source, self.home, reload=self._reload)

        async def evaluate(order: Order) -> None:
            if hosts.current is None or hosts.current.snapshot.hash != state.definitions_hash:
                raise CodeHostGone(self.source)  # the host is ahead of the log; what it has loaded comes in a moment
            await hosts.evaluate(order)

        async with anyio.create_task_group() as tasks:
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                parts = assemble(
                    state,
                    events,
                    hosts,
                    Leases(self.home),
                    Snapshotting(events, tasks),
                    evaluate=evaluate,
                    settings=self._settings,
                    clock=self._clock,
                    ids=self._ids,
                    term=term,
                    tasks=tasks,
                    may_decide=lead.held,
                    looked_at_all=set_aside,
                )
                loop, runs, sensing = parts.loop, parts.runs, parts.sensing
                tasks.start_soon(lead.keep, term)
                await anyio.to_thread.run_sync(loop.catch_up)
                runs.resume(_lately_cancelled(events))
                log.info("daemon_started", home=str(self.home), definitions=str(self.source), through=state.through)
                await tasks.start(hosts.run)
                tasks.start_soon(self._listen, events, hosts, loop, runs, sensing, tasks, term)
                tasks.start_soon(loop.run)
                task_status.started()
                async for number in signals:
                    log.info("daemon_stopping", signal=signal.Signals(number).name, under_way=runs.busy)
                    break
                await self._finish(runs)
                with anyio.move_on_after(CLOSE_S):
                    await loop.finish()
                stopped = e.DaemonStopped(term=term, reason="signal")
                await events.append_async([stopped], expect=Expect(term=term))
                tasks.cancel_scope.cancel()
        log.info("daemon_stopped", through=state.through)

    async def _finish(self, runs: RunSupervisor) -> None:
        """Launch nothing more; give what is under way its time."""
        runs.accepting = False
        with anyio.move_on_after(GRACE_S):
            while runs.busy:  # noqa: ASYNC110 - the loop goes on beside and takes note of ends
                await anyio.sleep(0.02)
        if runs.busy:
            log.warning("runs_left_to_themselves", count=runs.busy)

    async def _listen(
        self,
        events: EventLog,
        hosts: HostSupervisor,
        loop: Loop,
        runs: RunSupervisor,
        sensing: Sensing,
        tasks: TaskGroup,
        term: int,
    ) -> None:
        """Turn what the code hosts say into events, and pass the ends of workers and evaluations on."""
        async for message in hosts.events:
            match message:
                case Loaded(snapshot):
                    await record_loaded(events, snapshot, term=term)
                    self._watch_arrivals(snapshot, events, loop, tasks, term)
                    log.info("definitions_loaded", hash=snapshot.hash[:12], assets=len(snapshot.assets))
                case LoadFailed(errors, traceback):
                    facts = [e.DefinitionsFailed(errors=errors, traceback=traceback)]
                    await events.append_async(facts, expect=Expect(term=term))
                    log.error("definitions_failed", errors=list(errors))
                case Evaluated():
                    sensing.hear(message)
                case Exited() | LaunchFailed() | HostDied():
                    if isinstance(message, HostDied):
                        log.error("code_host_died", status=message.status, runs=len(message.runs))
                        sensing.hear(message)
                    runs.hear(message)
            loop.nudge()

    def _watch_arrivals(
        self, snapshot: DefinitionsSnapshot, events: EventLog, loop: Loop, tasks: TaskGroup, term: int
    ) -> None:
        """One watcher per asset whose updates are files; those whose rule is the same are left alone."""
        rules = {key: asset.arrival for key, asset in snapshot.assets.items() if asset.arrival is not None}
        for key in [key for key in self._arrivals if rules.get(key) != self._arrival_rules[key]]:
            self._arrivals.pop(key).cancel()

        def recorded(key: str, path: str) -> str | None:
            known = loop.state.assets.get(key)
            return known.files.get(path) if known else None

        async def append(facts: Sequence[e.Event]) -> range:
            return await events.append_async(facts, expect=Expect(term=term))

        for key, arrival in rules.items():
            if key not in self._arrivals:
                scope = self._arrivals[key] = CancelScope()
                self._arrival_rules[key] = arrival
                watcher = ArrivalWatcher(key, arrival, append=append, recorded=recorded)
                tasks.start_soon(_run_in, scope, watcher)


def _lately_cancelled(events: EventLog) -> list[str]:
    """The runs that were cancelled last: the daemon before may have had no time to stop their workers."""
    found = events.query(types=["run_cancelled"], newest_first=True, limit=LATELY)
    return [stored.event.run_id for stored in found if isinstance(stored.event, e.RunCancelled)]


async def _run_in(scope: CancelScope, watcher: ArrivalWatcher) -> None:
    with scope:
        await watcher.run()
