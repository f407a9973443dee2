"""The run queue: which requested run is started next, and how many may be under way at once.

A run takes a place in each *pool* that its assets, checks and ops name, from its launch to its end, and waits while one
of them is full; runs behind it go on. A pool has one place unless it was given more: what is named like that mostly
bears one at a time. Runs that others do, such as `materialize` in a program, are not held back, but take their places.

Fed from two sides, which may both name a run: the tick that has just asked for it, and the fold, which sees every run
that anybody asked for. The queue holds no truth of its own: after a restart it is filled from State.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Mapping
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


PoolsOf = Callable[[QueuedRun], Collection[str]]
"""The pools that the assets, the checks and the ops of a run name, under the definitions of the moment."""

POOL_PLACES = 1


def _no_pools(run: QueuedRun) -> Collection[str]:
    return ()


class RunQueue:
    """Higher priority first, then the order of requests; at most `max_concurrent_runs` under way.

    `pools` are the places in each pool that has another number of them than POOL_PLACES.
    """

    def __init__(self, *, max_concurrent_runs: int, pools: Mapping[str, int] | None = None) -> None:
        self.max_concurrent_runs = max_concurrent_runs
        self.pools: dict[str, int] = dict(pools or {})
        self.under_way: set[str] = set()
        self._taken: dict[str, QueuedRun] = {}
        """The runs under way, as far as they are known."""
        self._waiting: list[tuple[int, int, QueuedRun]] = []
        self._known: set[str] = set()

    def offer(self, run: QueuedRun) -> None:
        """Queue a run; without effect if it is queued or under way already."""
        if run.run_id not in self._known:
            self._known.add(run.run_id)
            heapq.heappush(self._waiting, (-run.priority, run.offset, run))

    def start_elsewhere(self, run_id: str, run: QueuedRun | None = None) -> None:
        """Somebody else works on the run: it takes a place and is not launched."""
        self._known.add(run_id)
        self.under_way.add(run_id)
        if run is not None:
            self._taken[run_id] = run

    def take(self, pools_of: PoolsOf = _no_pools) -> QueuedRun | None:
        """The next run to launch, now under way; None while nothing waits or every place is taken."""
        held_back: list[tuple[int, int, QueuedRun]] = []
        taken: QueuedRun | None = None
        while self._waiting and taken is None and len(self.under_way) < self.max_concurrent_runs:
            entry = heapq.heappop(self._waiting)
            run = entry[2]
            if run.run_id not in self._known or run.run_id in self.under_way:
                continue
            if self._has_room(run, pools_of):
                taken = run
            else:
                held_back.append(entry)
        for entry in held_back:
            heapq.heappush(self._waiting, entry)
        if taken is not None:
            self.under_way.add(taken.run_id)
            self._taken[taken.run_id] = taken
        return taken

    def _has_room(self, run: QueuedRun, pools_of: PoolsOf) -> bool:
        wanted = set(pools_of(run))
        if not wanted:
            return True
        places = Counter(pool for other in self._taken.values() for pool in set(pools_of(other)) & wanted)
        return all(places[pool] < self.pools.get(pool, POOL_PLACES) for pool in wanted)

    def give_back(self, run: QueuedRun) -> None:
        """The run could not be launched just now: it waits again, in its old place."""
        self.under_way.discard(run.run_id)
        self._taken.pop(run.run_id, None)
        heapq.heappush(self._waiting, (-run.priority, run.offset, run))

    def end(self, run_id: str) -> None:
        """The run has ended; its place is free, and if it was still waiting it is forgotten."""
        self.under_way.discard(run_id)
        self._taken.pop(run_id, None)
        self._known.discard(run_id)
