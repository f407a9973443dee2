"""The run supervisor: launches what the queue gives, and sees to it that every run comes to an end in the log.

A run's worker writes its own events. The supervisor writes only what no worker can say any more, which is the end of a
run whose worker is gone (`conclusions.py`). It knows whether a worker lives from the code host (which reaps its
children) or, for a worker of an earlier host or of another process, from the lease that the worker holds. Conclusions
wait until the fold has seen all that the worker had written: `settle` is called between reading the log to its head and
the tick.

A run that was cancelled has ended in the log while its worker is still at a step. The worker is stopped
(`stopping.py`), and until it has gone the run keeps its place and those in its pools.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import structlog
from anyio.abc import TaskGroup
from structlog.typing import FilteringBoundLogger

from ...definitions.errors import InvalidInvocationError
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage import events as e
from ...storage.clock import Clock
from ...storage.log import StoredEvent
from ...storage.state import State
from ..host.client import CodeHostGone, Exited, LaunchFailed
from ..host.reload import HostDied
from ..host.worker import LEFT_ALONE
from .conclusions import Gone, Refused, conclusion
from .handing import handed_inputs
from .plan import RunPlan
from .planning import build_plan
from .queue import QueuedRun, RunQueue

log: FilteringBoundLogger = structlog.get_logger("headwater.runs")

Append = Callable[[Sequence[e.Event]], Awaitable[object]]
_ENDS = (e.RunSucceeded, e.RunFailed, e.RunCancelled)


def pools_of_run(definitions: DefinitionsSnapshot, run: QueuedRun) -> set[str]:
    """The pools that the assets, the checks and the ops of a run name."""
    pools: set[str | None] = set()
    for target in run.targets:
        if (asset := definitions.assets.get(target.asset_key)) is not None:
            pools |= {asset.pool, *asset.op_pools}
    for check in run.checks:
        if (asset := definitions.assets.get(check.asset_key)) is not None:
            pools |= {one.pool for one in asset.checks if one.name == check.name}
    if run.job_name and (job := definitions.jobs.get(run.job_name)) is not None:
        pools |= set(job.pools)
    return {pool for pool in pools if pool is not None}


class Hosts(Protocol):
    """Where runs are launched. `current` is None while nothing has loaded."""

    @property
    def current(self) -> object | None: ...

    async def launch(self, plan: RunPlan) -> None:
        """Raises CodeHostGone, after which nothing was started."""


class Leases(Protocol):
    """Whether somebody works on a run."""

    def is_held(self, run_id: str, /) -> bool: ...

    async def wait_released(self, run_id: str, /) -> None: ...

    async def stop(self, run_id: str, /) -> None:
        """End the worker of a run that was cancelled; returns once it has gone."""


class RunSupervisor:
    """Launching and ends of runs. One task calls it: the daemon's loop."""

    def __init__(
        self, state: State, queue: RunQueue, hosts: Hosts, leases: Leases, *, clock: Clock, append: Append
    ) -> None:
        self.state: State = state
        self.queue: RunQueue = queue
        self._hosts, self._leases, self._clock, self._append = hosts, leases, clock, append
        self._launched: dict[str, QueuedRun] = {}
        self._gone: dict[str, Gone] = {}
        """Runs whose worker is gone, and how it went."""
        self._adopted: set[str] = set()
        self._started: set[str] = set()
        """The runs that a worker has claimed and that have not ended in the log."""
        self._cancelled: set[str] = set()
        """Of these the ones that were cancelled, whose workers are to be stopped."""
        self._stopping: set[str] = set()
        self.accepting = True

    # ---- what the log says -------------------------------------------------------------------------------------------

    def observe(self, events: Sequence[StoredEvent]) -> None:
        """Take note of events that the fold has just seen."""
        for stored in events:
            event = stored.event
            if isinstance(event, e.RunRequested):
                self.queue.offer(QueuedRun.of_event(event, stored.offset))
            elif isinstance(event, e.RunStarted):
                self._started.add(event.run_id)
                if event.run_id not in self._launched:
                    run = self.state.runs.get(event.run_id)
                    self.queue.start_elsewhere(event.run_id, QueuedRun.of_state(run) if run else None)
            elif isinstance(event, e.RunCancelled) and event.run_id in self._started:
                self._started.discard(event.run_id)
                self._cancelled.add(event.run_id)
            elif isinstance(event, _ENDS):
                self._started.discard(event.run_id)
                self._forget(event.run_id)

    def _forget(self, run_id: str) -> None:
        """Nobody works on the run any more, or will."""
        self.queue.end(run_id)
        self._launched.pop(run_id, None)
        self._adopted.discard(run_id)

    def resume(self, cancelled: Sequence[str] = ()) -> None:
        """After the fold has reached the head for the first time: queue what nobody has started. Workers of runs that
        were `cancelled` may live still, if the daemon before had no time to stop them."""
        self._cancelled.update(run_id for run_id in cancelled if self._leases.is_held(run_id))
        for run in self.state.runs.values():
            if run.started:
                self._started.add(run.run_id)
                self.queue.start_elsewhere(run.run_id, QueuedRun.of_state(run))
            else:
                self.queue.offer(QueuedRun.of_state(run))

    def adopt(self, tasks: TaskGroup, nudge: Callable[[], None]) -> None:
        """Watch over the started runs that are not this daemon's own, each until its worker's lease is free; and stop
        the workers of those that were cancelled."""
        while self._cancelled:
            run_id = self._cancelled.pop()
            self._stopping.add(run_id)
            tasks.start_soon(self._stop, run_id, nudge)
        known = self._launched.keys() | self._adopted | self._gone.keys() | self._stopping
        for run_id in self.queue.under_way - known:
            self._adopted.add(run_id)
            tasks.start_soon(self._watch_lease, run_id, nudge)

    async def _stop(self, run_id: str, nudge: Callable[[], None]) -> None:
        await self._leases.stop(run_id)
        self._stopping.discard(run_id)
        self._forget(run_id)
        nudge()

    async def _watch_lease(self, run_id: str, nudge: Callable[[], None]) -> None:
        await self._leases.wait_released(run_id)
        self._adopted.discard(run_id)
        self._gone[run_id] = None
        nudge()

    # ---- what the code hosts say -------------------------------------------------------------------------------------

    def hear(self, message: Exited | LaunchFailed | HostDied) -> None:
        """A host's word about workers; acted upon by the next `settle`."""
        if isinstance(message, HostDied):
            for run_id in message.runs:
                self._launched.pop(run_id, None)
                self._gone[run_id] = None
        else:
            self._gone[message.run_id] = message

    async def settle(self) -> None:
        """Write the ends that no worker can write any more. The fold has seen everything the dead had written."""
        gone, self._gone = self._gone, {}
        events: list[e.Event] = []
        for run_id, how in gone.items():
            run = self.state.runs.get(run_id)
            if run is None:
                self.queue.end(run_id)
                continue
            if isinstance(how, Exited) and how.status in (0, LEFT_ALONE):
                how = None  # a doubled launch: its worker left the run to another, which may still be at it
                self._launched.pop(run_id, None)
            if how is None and self._leases.is_held(run_id):
                continue  # somebody works on it: `adopt` watches the lease
            if how is None and not run.started:
                self.queue.end(run_id)  # its host died before anybody had claimed it
                self.queue.offer(QueuedRun.of_state(run))
                continue
            events += conclusion(self.state, run, how)
        if events:
            await self._append(events)

    # ---- launching ---------------------------------------------------------------------------------------------------

    async def launch(self, definitions: DefinitionsSnapshot) -> None:
        """Launch what the queue gives. Nothing is written between the tick and the fork."""
        pools_of = partial(pools_of_run, definitions)
        while self.accepting and self._hosts.current is not None and (run := self.queue.take(pools_of)) is not None:
            self._launched[run.run_id] = run
            inputs = handed_inputs(self.state, definitions, run.targets, at=self._clock.now())
            try:
                plan = build_plan(
                    definitions,
                    run.run_id,
                    run.offset,
                    run.targets,
                    run.checks,
                    inputs=inputs,
                    read_through=self.state.through,
                    run_config=run.run_config,
                    run_tags=run.tags,
                    job_name=run.job_name,
                )
                await self._hosts.launch(plan)
            except CodeHostGone:
                self._launched.pop(run.run_id, None)
                self.queue.give_back(run)
                return
            except (KeyError, InvalidInvocationError) as error:
                why = f"{error} is not defined any more" if isinstance(error, KeyError) else str(error)
                self._gone[run.run_id] = Refused(run.run_id, why)

    @property
    def unsettled(self) -> bool:
        """Whether there are ends for the next `settle` to write, such as of a run that could not be planned."""
        return bool(self._gone)

    @property
    def busy(self) -> int:
        """Runs of this daemon that are under way."""
        return len(self._launched)
