"""The run supervisor: launches what the queue gives, and sees to it that every run comes to an end in the log.

A run's worker writes its own events. The supervisor writes only what no worker can say any more:

    the worker left by itself inside a step      -> StepFailed, StepSkipped for the rest, RunFailed(step_failed)
    the worker was killed, or could not go on    -> RunFailed(worker_killed or worker_failed)
    nobody could start the run                   -> RunFailed(launch_failed)
    the lease is free and the run has not ended  -> RunFailed(orphaned)

In all cases but the first nobody's code is to blame, and the run's partitions are requested again. It knows whether a
worker lives from the code host (which reaps its children) or, for a worker of an earlier host or of another process,
from the lease that the worker holds. Conclusions wait until the fold has seen all that the worker had written:
`settle` is called between reading the log to its head and the tick.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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
from ...storage.state import RunState, State
from ...storage.state.runs import Part
from ..host.client import CodeHostGone, Exited, LaunchFailed
from ..host.reload import HostDied
from ..host.worker import LEFT_ALONE, MACHINERY_FAILED
from .handing import handed_inputs
from .plan import RunPlan
from .planning import build_plan
from .queue import QueuedRun, RunQueue

log: FilteringBoundLogger = structlog.get_logger("headwater.runs")

Append = Callable[[Sequence[e.Event]], Awaitable[object]]
_ENDS = (e.RunSucceeded, e.RunFailed, e.RunCancelled)


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


def pools_of_targets(definitions: DefinitionsSnapshot, targets: Sequence[e.Target]) -> set[str]:
    """The pools that the assets among `targets` name."""
    assets = (definitions.assets.get(target.asset_key) for target in targets)
    return {asset.pool for asset in assets if asset is not None and asset.pool is not None}


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
        self.accepting = True

    # ---- what the log says -------------------------------------------------------------------------------------------

    def observe(self, events: Sequence[StoredEvent]) -> None:
        """Take note of events that the fold has just seen."""
        for stored in events:
            event = stored.event
            if isinstance(event, e.RunRequested):
                self.queue.offer(QueuedRun.of_event(event, stored.offset))
            elif isinstance(event, e.RunStarted):
                if event.run_id not in self._launched:
                    run = self.state.runs.get(event.run_id)
                    self.queue.start_elsewhere(event.run_id, run.targets if run else ())
            elif isinstance(event, _ENDS):
                self.queue.end(event.run_id)
                self._launched.pop(event.run_id, None)
                self._adopted.discard(event.run_id)

    def resume(self) -> None:
        """After the fold has reached the head for the first time: queue what nobody has started."""
        for run in self.state.runs.values():
            if run.started:
                self.queue.start_elsewhere(run.run_id, run.targets)
            else:
                self.queue.offer(QueuedRun.of_state(run))

    def adopt(self, tasks: TaskGroup, nudge: Callable[[], None]) -> None:
        """Watch over the started runs that are not this daemon's own, each until its worker's lease is free."""
        known = self._launched.keys() | self._adopted | self._gone.keys()
        for run_id in self.queue.under_way - known:
            self._adopted.add(run_id)
            tasks.start_soon(self._watch_lease, run_id, nudge)

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
        pools_of = partial(pools_of_targets, definitions)
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


@dataclass(frozen=True, slots=True)
class Refused:
    """The run cannot be planned under the definitions in force; trying again would not help."""

    run_id: str
    message: str


Gone = Exited | LaunchFailed | Refused | None
"""How a run's worker went; None: its lease is free and nobody knows."""


def conclusion(state: State, run: RunState, how: Gone) -> list[e.Event]:
    """The events that end a run whose worker is gone and did not end it itself.

    What stands below a step that failed in it before is skipped because of that step, however the run ended.
    """
    end = _end(state, run, how)
    return end if len(end) > 1 else [*_skips(state, run, run.failed, below_only=True), *end]


def _end(state: State, run: RunState, how: Gone) -> list[e.Event]:
    if isinstance(how, Refused):
        return [e.RunFailed(run_id=run.run_id, reason="launch_failed", message=how.message)]
    if isinstance(how, LaunchFailed):
        return [e.RunFailed(run_id=run.run_id, reason="launch_failed", infrastructure=True, message=how.message)]
    if how is None:
        message = "The process that worked on this run is gone and had not finished it."
        return [e.RunFailed(run_id=run.run_id, reason="orphaned", infrastructure=True, message=message)]
    if not run.started:
        message = f"The worker ended with status {how.status} before it had claimed the run; see the run's stderr.log."
        return [e.RunFailed(run_id=run.run_id, reason="launch_failed", infrastructure=True, message=message)]
    if how.status == MACHINERY_FAILED:
        message = "The worker could not go on; the traceback is in the run's stderr.log."
        return [e.RunFailed(run_id=run.run_id, reason="worker_failed", infrastructure=True, message=message)]
    if how.status == -signal.SIGKILL:
        message = "The worker was killed (SIGKILL): by hand, or by the system for want of memory."
        return [e.RunFailed(run_id=run.run_id, reason="worker_killed", infrastructure=True, message=message)]
    return _left_inside_a_step(state, run, how.status)


def _left_inside_a_step(state: State, run: RunState, status: int) -> list[e.Event]:
    if status < 0:
        message = f"The step's process was stopped by {signal.Signals(-status).name}."
    else:
        message = f"The step ended its process with status {status}; a step has to return or raise."
    error = e.ErrorInfo(cls="StepExited", message=message)
    events: list[e.Event] = []
    parts: list[Part] = list(run.failed)
    for step_key, step in run.steps.items():
        for check in step.checks:
            events += _shut_gate(run, check, message)
        checked: list[Part] = [(asset_key, partition) for asset_key, _, partition in step.checks]
        asset_key, partition = _shared([*step.handled_before, *checked])
        events.append(
            e.StepFailed(run_id=run.run_id, step_key=step_key, asset_key=asset_key, partition=partition, error=error)
        )
        parts += [*step.handled_before, *checked]
    events += _skips(state, run, parts, below_only=False)
    return [*events, e.RunFailed(run_id=run.run_id, reason="step_failed", message=message)]


def _shared(parts: Sequence[Part]) -> tuple[str | None, str | None]:
    """The asset and the partition that all of `parts` are of."""
    keys, partitions = {key for key, _ in parts}, {partition for _, partition in parts}
    return keys.pop() if len(keys) == 1 else None, partitions.pop() if len(partitions) == 1 else None


def _shut_gate(run: RunState, check: tuple[str, str, str | None], message: str) -> list[e.Event]:
    """A blocking check that cannot speak keeps its gate shut, as one that raises does."""
    asset_key, name, partition = check
    if name not in run.blocking_checks(asset_key):
        return []
    return [
        e.AssetCheckEvaluated(
            asset_key=asset_key,
            check_name=name,
            partition=partition,
            run_id=run.run_id,
            passed=False,
            blocking=True,
            description=message,
            raised=True,
        )
    ]


def _skips(state: State, run: RunState, failed: Sequence[Part], *, below_only: bool) -> list[e.Event]:
    """What the run has not started, skipped: because of `failed` where it is below, else simply not produced."""
    blockers = tuple(target_of(key, partition) for key, partition in failed)
    below = _below(state.definitions, {key for key, _ in failed})
    events: list[e.Event] = []
    for target in run.targets:
        waits = target.asset_key in below
        if not state.asset(target.asset_key).unstarted.get(run.run_id) or (below_only and not waits):
            continue
        events.append(
            e.StepSkipped(
                run_id=run.run_id,
                step_key=_step_of(state.definitions, target.asset_key),
                asset_key=target.asset_key,
                targets=(target,),
                reason="upstream_failed" if waits else "not_produced",
                blocked_by=blockers if waits else (),
            )
        )
    return events


def _step_of(definitions: DefinitionsSnapshot | None, key: str) -> str:
    asset = definitions.assets.get(key) if definitions else None
    return (asset.step if asset else "") or key


def _below(definitions: DefinitionsSnapshot | None, keys: set[str]) -> set[str]:
    """The assets downstream of `keys`, without them."""
    below: set[str] = set()
    for key, asset in definitions.assets.items() if definitions else ():  # upstream first
        if any(dep.key in keys or dep.key in below for dep in asset.deps):
            below.add(key)
    return below


def target_of(asset_key: str, partition: str | None) -> e.Target:
    return e.Target(asset_key=asset_key, partitions=None if partition is None else ((partition, partition),))
