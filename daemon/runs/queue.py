"""The run queue: which requested run is started next, and how many may be under way at once.

Fed from two sides, which may both name a run: the tick that has just asked for it, and the fold, which sees every run
that anybody asked for. The queue holds no truth of its own: after a restart it is filled from State.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...storage.events import PlannedCheck, RunRequested, Target
from ...storage.state import RunState


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A requested run, with the offset that its claim will expect to be its newest event."""

    run_id: str
    offset: int
    targets: tuple[Target, ...]
    checks: tuple[PlannedCheck, ...]
    priority: int = 0
    run_config: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    job_name: str | None = None

    @classmethod
    def of_event(cls, event: RunRequested, offset: int) -> QueuedRun:
        return cls(
            event.run_id,
            offset,
            event.targets,
            event.checks,
            event.priority,
            event.run_config,
            event.tags,
            event.job_name,
        )

    @classmethod
    def of_state(cls, run: RunState) -> QueuedRun:
        return cls(
            run.run_id,
            run.offset,
            run.targets,
            run.checks,
            run.priority,
            run.run_config,
            run.tags,
            run.job_name,
        )


class RunQueue:
    """Higher priority first, then the order of requests; at most `max_concurrent_runs` under way."""

    def __init__(self, *, max_concurrent_runs: int) -> None:
        self.max_concurrent_runs = max_concurrent_runs
        self.under_way: set[str] = set()
        self._waiting: list[tuple[int, int, QueuedRun]] = []
        self._known: set[str] = set()

    def offer(self, run: QueuedRun) -> None:
        """Queue a run; without effect if it is queued or under way already."""
        if run.run_id not in self._known:
            self._known.add(run.run_id)
            heapq.heappush(self._waiting, (-run.priority, run.offset, run))

    def start_elsewhere(self, run_id: str) -> None:
        """Somebody else works on the run: it takes a place and is not launched."""
        self._known.add(run_id)
        self.under_way.add(run_id)

    def take(self) -> QueuedRun | None:
        """The next run to launch, now under way; None while nothing waits or every place is taken."""
        while self._waiting and len(self.under_way) < self.max_concurrent_runs:
            run = heapq.heappop(self._waiting)[2]
            if run.run_id in self._known and run.run_id not in self.under_way:
                self.under_way.add(run.run_id)
                return run
        return None

    def give_back(self, run: QueuedRun) -> None:
        """The run could not be launched just now: it waits again, in its old place."""
        self.under_way.discard(run.run_id)
        heapq.heappush(self._waiting, (-run.priority, run.offset, run))

    def end(self, run_id: str) -> None:
        """The run has ended; its place is free, and if it was still waiting it is forgotten."""
        self.under_way.discard(run_id)
        self._known.discard(run_id)
