"""What the benchmarks of ticks share: a State and its ticker over a log in memory, and a hand that plays workers."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable
from dataclasses import dataclass

from headwater import Definitions
from headwater.daemon.evaluation.ticker import Ticker
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from headwater.storage.clock import SystemClock
from headwater.storage.ids import SystemIds
from headwater.storage.log import EventLog
from headwater.storage.state import State

EVERYTHING = 10**7  # more events than any benchmark lets lie


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

    def __init__(self, definitions: Definitions, *, plays: bool = True) -> None:
        self.clock = SystemClock()
        self.log = EventLog.memory()
        self.state = State.empty(self.log.definitions_bytes)
        self.ticker = Ticker(self.state, run_id=SystemIds().new_id)
        self.plays = plays
        snapshot = DefinitionsSnapshot.of(definitions)
        loaded = e.DefinitionsLoaded(hash=snapshot.hash, asset_count=len(snapshot.assets))
        self.log.append([loaded], blobs={snapshot.hash: snapshot.to_bytes()})
        del snapshot, definitions
        self.first = self.turn()
        self.settle()
        gc.freeze()  # as the daemon does

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
        if self.plays:
            for event in outcome.events:
                if isinstance(event, e.RunRequested):
                    self.land(played(event))
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
