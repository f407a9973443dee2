"""What the benchmarks of ticks share: a State and its ticker over a log in memory, and a hand that plays workers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater import Definitions
from headwater.daemon.evaluation.ticker import Ticker
from headwater.definitions.collector import collector_paused
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from headwater.storage.clock import SystemClock
from headwater.storage.ids import SystemIds
from headwater.storage.log import EventLog
from headwater.storage.state import State
from headwater.storage.uncollected import set_aside

EVERYTHING = 10**7  # more events than any benchmark lets lie


def most_memory_mb() -> int:
    """The most that this program has had. `getrusage` would tell of the process that it was forked from as well."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """Definitions as the daemon gets them, and what it took to make them out of code: seconds, megabytes at most."""

    hash: str
    data: bytes
    asset_count: int
    took_s: float
    memory_mb: int


def load(make: Callable[..., Definitions], *arguments: Any, **named: Any) -> Loaded:
    """Make definitions in another process, as the daemon has it done."""
    with ProcessPoolExecutor(1) as host:
        return host.submit(_loaded, make, arguments, named).result()


def _loaded(make: Callable[..., Definitions], arguments: tuple[Any, ...], named: dict[str, Any]) -> Loaded:
    began = time.perf_counter()
    with collector_paused():  # as the code host does
        snapshot = DefinitionsSnapshot.of(make(*arguments, **named))
        data = snapshot.to_bytes()
    took_s, memory_mb = time.perf_counter() - began, most_memory_mb()
    return Loaded(snapshot.hash, data, len(snapshot.assets), took_s, memory_mb)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one tick over all that had landed took, and what came of it."""

    fold_ms: float
    tick_ms: float
    visited: int
    requested: int
    """Assets that were asked for, in whatever number of partitions."""

    @property
    def total_ms(self) -> float:
        return self.fold_ms + self.tick_ms


class Ticking:
    """Definitions that were loaded and evaluated a first time. `plays` says whether runs are made at once."""

    def __init__(self, loaded: Loaded, *, plays: bool = True) -> None:
        self.clock = SystemClock()
        self.log = EventLog.memory()
        self.state = State.empty(self.log.definitions_bytes)
        self.ticker = Ticker(self.state, run_id=SystemIds().new_id)
        self.plays = plays
        self.asked: list[e.RunRequested] = []
        """The runs that the last tick asked for."""
        event = e.DefinitionsLoaded(hash=loaded.hash, asset_count=loaded.asset_count)
        self.log.append([event], blobs={loaded.hash: loaded.data})
        self.first = self.turn()
        self.settle()
        self.memory_mb = most_memory_mb()  # later the log in memory counts too
        set_aside()  # as the daemon does

    def land(self, events: Iterable[e.Event]) -> None:
        self.log.append(list(events))

    def turn(self) -> Turn:
        """One tick over all that has landed."""
        landed = self.log.read(self.state.through, EVERYTHING)
        began = time.perf_counter()
        self.ticker.absorb(landed)
        folded = time.perf_counter()
        outcome = self.ticker.tick(self.clock.now())
        done = time.perf_counter()
        if outcome.events:
            self.ticker.written(self.log.append(outcome.events)[-1])
        self.asked = [event for event in outcome.events if isinstance(event, e.RunRequested)]
        for run in self.asked if self.plays else ():
            self.land(played(run))
        requested = sum(len(event.decisions) for event in outcome.events if isinstance(event, e.Tick))
        return Turn((folded - began) * 1000, (done - folded) * 1000, len(outcome.visited), requested)

    def settle(self) -> None:
        """Tick until all that was asked for is made."""
        while self.log.head().offset > self.state.through:
            self.turn()


def played(run: e.RunRequested) -> list[e.Event]:
    """What a worker writes for a run in which all goes well."""
    events: list[e.Event] = [e.RunStarted(run_id=run.run_id)]
    for target in run.targets:
        key = target.asset_key
        partition = None if target.partitions is None else target.partitions[0][0]
        events += [
            e.StepStarted(run_id=run.run_id, step_key=key, targets=(target,)),
            e.AssetMaterialized(asset_key=key, partition=partition, run_id=run.run_id, step_key=key),
            e.StepSucceeded(run_id=run.run_id, step_key=key),
        ]
    return [*events, e.RunSucceeded(run_id=run.run_id)]


def reported(key: str, partitions: Iterable[str | None] = (None,)) -> list[e.Event]:
    return [e.AssetMaterialized(asset_key=key, partition=partition, origin="report") for partition in partitions]
