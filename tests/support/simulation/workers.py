"""The code host and its workers, played: they write what real ones write, and die as real ones do.

A worker goes through the plan that the supervisor made, one append at a time: its claim (RunStarted with the first
StepStarted), the end of each step with the results of its checks, the start of the next one, the end of the run. Each
append expects the run to be as it left it, so that a cancelled or doubled one ends there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from headwater.daemon.host.client import CodeHostGone, Evaluated, Exited, LaunchFailed
from headwater.daemon.host.evaluate import evaluate
from headwater.daemon.host.orders import Order
from headwater.daemon.host.reload import HostDied
from headwater.daemon.host.source import CodeSource
from headwater.daemon.runs.plan import RunPlan, StepPlan
from headwater.definitions.definitions import Definitions
from headwater.definitions.snapshot import DefinitionsSnapshot, check_node_key
from headwater.storage import events as e
from headwater.storage.errors import ConflictError
from headwater.storage.instance import Instance
from headwater.storage.log import EventLog, Expect

STATUS_LEFT, STATUS_KILLED = 3, -9


@dataclass(slots=True)
class Project:
    """What a host has loaded."""

    definitions: Definitions
    snapshot: DefinitionsSnapshot

    @classmethod
    def of(cls, definitions: Definitions) -> Project:
        return cls(definitions, DefinitionsSnapshot.of(definitions))


@dataclass(slots=True)
class Worker:
    """One process at work on one run."""

    plan: RunPlan
    log: EventLog
    fails: Callable[[str], bool]
    generation: int
    """Of the host that started it: only as long as that one lives somebody hears of its end."""
    position: int = 0
    under_way: StepPlan | None = None
    blocked: dict[str, tuple[e.Target, ...]] = field(default_factory=dict)
    failed: bool = False
    pending: list[StepPlan] = field(default_factory=list)
    over: bool = False

    def __post_init__(self) -> None:
        self.position, self.pending = self.plan.requested_offset, list(self.plan.steps)

    def act(self) -> None:
        """The next append; `over` afterwards, if it was the last."""
        events: list[e.Event] = []
        if self.position == self.plan.requested_offset:
            events.append(e.RunStarted(run_id=self.plan.run_id))
        if self.under_way is not None:
            events += self._end(self.under_way)
            self.under_way = None
        else:
            events += self._next()
        try:
            expect = Expect(run_id=self.plan.run_id, position=self.position)
            self.position = self.log.append(events, expect=expect)[-1]
        except ConflictError:  # cancelled or doubled: what has been done is told all the same
            self.over = True
            done = [event for event in events if isinstance(event, e.AssetMaterialized | e.AssetCheckEvaluated)]
            if done:
                self.log.append(done)

    def _next(self) -> list[e.Event]:
        events: list[e.Event] = []
        while self.pending:
            step = self.pending.pop(0)
            waits_for = [self.blocked[key] for key in (*step.upstream, *step.gates) if key in self.blocked]
            if not waits_for:
                self.under_way = step
                return [*events, self._started(step)]
            parts = tuple(dict.fromkeys(part for found in waits_for for part in found))
            if not step.only_checks:
                self.blocked[step.step_key] = parts
            events.append(
                e.StepSkipped(
                    run_id=self.plan.run_id,
                    step_key=step.step_key,
                    asset_key=self._asset_of(step),
                    partition=None if self._asset_of(step) is None else step.partition,
                    targets=() if step.only_checks else step.targets,
                    blocked_by=parts,
                )
            )
        self.over = True
        if self.failed:
            return [*events, e.RunFailed(run_id=self.plan.run_id, reason="step_failed")]
        return [*events, e.RunSucceeded(run_id=self.plan.run_id)]

    def _asset_of(self, step: StepPlan) -> str | None:
        return None if step.is_shared or step.makes_several else step.asset_key

    def _started(self, step: StepPlan) -> e.StepStarted:
        return e.StepStarted(
            run_id=self.plan.run_id,
            step_key=step.step_key,
            asset_key=self._asset_of(step),
            partition=None if self._asset_of(step) is None else step.partition,
            targets=() if step.only_checks else step.targets,
            check_name=step.checks[0].name if step.only_checks and not step.is_shared else None,
            checks=step.checks if step.is_shared else (),
            inputs=dict(step.inputs),
            read_through=step.read_through,
        )

    def _end(self, step: StepPlan) -> list[e.Event]:
        if not step.only_checks and self.fails(step.asset_key):
            self.failed = True
            self.blocked[step.step_key] = step.targets
            error = e.ErrorInfo(cls="ValueError", message="no")
            failed = e.StepFailed(
                run_id=self.plan.run_id,
                step_key=step.step_key,
                asset_key=self._asset_of(step),
                partition=None if self._asset_of(step) is None else step.partition,
                error=error,
            )
            return [failed]
        events: list[e.Event] = []
        for target in () if step.only_checks else step.targets:
            for partition in self._keys(target):
                events.append(
                    e.AssetMaterialized(
                        asset_key=target.asset_key,
                        partition=partition,
                        run_id=self.plan.run_id,
                        step_key=step.step_key,
                    )
                )
        for check in step.checks:
            passed = not self.fails(check_node_key(check.asset_key, check.name))
            events.append(
                e.AssetCheckEvaluated(
                    asset_key=check.asset_key,
                    check_name=check.name,
                    partition=check.partition,
                    run_id=self.plan.run_id,
                    passed=passed,
                    blocking=check.blocking,
                )
            )
            if check.blocking and not passed:
                made = tuple(t for s in self.plan.steps if not s.only_checks for t in s.targets)
                parts = tuple(t for t in made if t.asset_key == check.asset_key)
                self.blocked[check_node_key(check.asset_key, check.name)] = parts
        return [*events, e.StepSucceeded(run_id=self.plan.run_id, step_key=step.step_key)]

    def _keys(self, target: e.Target) -> list[str | None]:
        """Ranges of the simulation are of days or of names, each of one key or of days in a row."""
        if target.partitions is None:
            return [None]
        return [key for first, last in target.partitions for key in days(first, last)]


def days(first: str, last: str) -> list[str]:
    from datetime import date, timedelta

    if first == last:
        return [first]
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [str(begin + timedelta(days=n)) for n in range((end - begin).days + 1)]


class PlayedHost:
    """What the supervisor and sensing see of a code host. Its messages come out of `outbox`, when the simulation lets
    them."""

    def __init__(self, source: CodeSource, launch: Callable[[RunPlan], None]) -> None:
        self.current: Project | None = None
        self.source, self._launch = source, launch
        self.in_flight: set[str] = set()
        self.evaluating: set[str] = set()
        self.outbox: list[Evaluated | Exited | LaunchFailed | HostDied] = []
        self.generation = 0

    async def launch(self, plan: RunPlan) -> None:
        if self.current is None:
            raise CodeHostGone(self.source)
        self.in_flight.add(plan.run_id)
        self._launch(RunPlan.from_bytes(plan.to_bytes()))

    def evaluate(self, order: Order, log: EventLog) -> None:
        if self.current is None:
            raise CodeHostGone(self.source)
        self.evaluating.add(order.evaluation_id)
        told: list[str] = []
        evaluate(
            self.current.definitions,
            Order.from_bytes(order.to_bytes()),
            open_instance=lambda: Instance(log, Path()),
            tell=lambda result: told.append(json.dumps(result)),
        )
        self.outbox.append(
            Evaluated(order.evaluation_id, tuple({**json.loads(one), "took_s": 0.001} for one in told), "")
        )

    def die(self) -> None:
        gone = frozenset(self.evaluating)
        self.outbox = [m for m in self.outbox if not isinstance(m, Evaluated)]
        self.outbox.append(HostDied(-9, frozenset(self.in_flight), gone))
        self.in_flight.clear()
        self.evaluating.clear()
        self.current = None
        self.generation += 1


class PlayedLeases:
    """Held exactly as long as a worker lives."""

    def __init__(self) -> None:
        self._released: dict[str, anyio.Event] = {}

    def take(self, run_id: str) -> bool:
        if run_id in self._released:
            return False
        self._released[run_id] = anyio.Event()
        return True

    def release(self, run_id: str) -> None:
        self._released.pop(run_id).set()

    def is_held(self, run_id: str) -> bool:
        return run_id in self._released

    async def wait_released(self, run_id: str) -> None:
        if (released := self._released.get(run_id)) is not None:
            await released.wait()

    async def stop(self, run_id: str) -> None:
        """A worker here ends by itself, at the next event that it wants to write."""
        await self.wait_released(run_id)
