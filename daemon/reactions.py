"""Reaction times, read from the log: from the commit of an upstream event to the start of the step that it set off.

Only the first step of an automatic run is a reaction; steps chained behind it in the same run are not. A decision that
was not taken by the first tick that had seen its cause was held by its condition (something in progress, a gate), and a
run that was requested while every place was taken was held by the limit: both are counted apart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..storage import events as e
from ..storage.log import StoredEvent


@dataclass(slots=True)
class Reactions:
    """Seconds from cause to start, by what the run had to wait for."""

    immediate: list[float] = field(default_factory=list)
    held_by_condition: list[float] = field(default_factory=list)
    held_by_limit: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """p50, p95 and max of the immediate ones, in milliseconds; empty where there are none."""
        return spread_ms(self.immediate)


def spread_ms(seconds: list[float]) -> dict[str, float]:
    """p50, p95 and max, in milliseconds; empty where there is nothing."""
    times = sorted(seconds)
    at = {"p50": 0.5, "p95": 0.95, "max": 1.0} if times else {}
    return {name: times[min(int(share * len(times)), len(times) - 1)] * 1000 for name, share in at.items()}


@dataclass(slots=True)
class _Asked:
    cause: int
    limited: bool
    immediate: bool


def reactions(events: Iterable[StoredEvent], *, max_concurrent_runs: int) -> Reactions:
    """The reaction times of all automatic runs in `events`, a log from its beginning."""
    log = list(events)
    boundaries = _boundaries(log)
    timestamps = {stored.offset: stored.timestamp for stored in log}
    found = Reactions()
    decided: dict[str, float] = {}
    through = 0
    asked: dict[str, _Asked] = {}
    first_step: dict[str, str] = {}
    under_way: set[str] = set()
    for stored in log:
        match stored.event:
            case e.Tick() as tick:
                through = tick.through
                decided = {d.asset_key: max((c.position for c in tick.causes_of(d)), default=0) for d in tick.decisions}
            case e.RunRequested(origin="automation") as run:
                cause = int(max((decided.get(target.asset_key, 0) for target in run.targets), default=0))
                if cause:
                    immediate = bisect_left(boundaries, cause) == bisect_left(boundaries, through)
                    asked[run.run_id] = _Asked(cause, len(under_way) >= max_concurrent_runs, immediate)
                under_way.add(run.run_id)
            case e.StepStarted() as step:
                first_step.setdefault(step.run_id, step.step_key)
            case e.StepSucceeded() | e.StepFailed() as step:
                why = asked.get(step.run_id)
                if why and step.code_started_at and first_step.get(step.run_id) == step.step_key:
                    seconds = step.code_started_at.timestamp() - timestamps[why.cause] / 1_000_000
                    kind = found.held_by_condition if not why.immediate else found.immediate
                    (found.held_by_limit if why.limited else kind).append(seconds)
            case e.RunSucceeded() | e.RunFailed() | e.RunCancelled() as run:
                under_way.discard(run.run_id)
    return found


def _boundaries(log: list[StoredEvent]) -> list[int]:
    """Through which offset each tick had seen the log, silent ones included."""
    ticks = [stored.event for stored in log if isinstance(stored.event, e.Tick)]
    return sorted({tick.through for tick in ticks} | {through for tick in ticks for through, _ in tick.silent})
