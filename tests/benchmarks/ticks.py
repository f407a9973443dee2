"""A tick over many assets: 1,000 and 10,000 unpartitioned eager ones, in 100 chains over roots that others make.

Three ticks: one in which something happened that concerns no asset, one after one root changed (its chain is a
hundredth of all), and one after the root of everything did. No target yet: figures to look ahead by.
"""

from __future__ import annotations

import gc
import time

from harness import Effort, Figure, median

from headwater import AssetSpec, AutomationCondition, Definitions, asset
from headwater.daemon.evaluation.ticker import Ticker
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from headwater.storage.clock import SystemClock
from headwater.storage.ids import SystemIds
from headwater.storage.log import EventLog
from headwater.storage.state import State

CHAINS = 100
ELSEWHERE = {
    (1_000, "quiet"): "6.6 s",
    (1_000, "one root"): "13.6 s",
    (10_000, "quiet"): "67 s",
}


def ticks(effort: Effort) -> list[Figure]:
    sizes = [200] if effort.quick else [1_000, 10_000]
    return [figure for size in sizes for figure in _over(size, rounds=effort.of(5, 1))]


def _over(size: int, *, rounds: int) -> list[Figure]:
    ticking = Ticking(size)
    found: dict[str, list[tuple[float, int]]] = {"quiet": [], "one root": [], "root of all": []}
    for number in range(rounds):
        changes = [("quiet", "nobody_reads_this"), ("one root", "root_7"), ("root of all", "everything")]
        for name, key in changes if number == 0 or size <= 1_000 else changes[:2]:  # all of 10,000 take a while
            ticking.log.append([e.AssetMaterialized(asset_key=key, origin="report")])
            found[name].append(ticking.tick())
            ticking.settle()
    ticking.log.close()
    return [
        Figure(
            name=f"tick over {size:,} assets, {name}",
            value=round(median([ms for ms, _ in measured]), 3),
            unit="ms",
            elsewhere=ELSEWHERE.get((size, name), ""),
            facts={"visited": int(median([visited for _, visited in measured]))},
        )
        for name, measured in found.items()
    ]


class Ticking:
    """A State with `size` fresh assets, its log in memory, and a hand that plays the workers."""

    def __init__(self, size: int) -> None:
        self.clock = SystemClock()
        self.log = EventLog.memory()
        self.state = State.empty(self.log.definitions_bytes)
        self.ticker = Ticker(self.state, run_id=SystemIds().new_id)
        snapshot = DefinitionsSnapshot.of(definitions(size))
        loaded = e.DefinitionsLoaded(hash=snapshot.hash, asset_count=size)
        self.log.append([loaded], blobs={snapshot.hash: snapshot.to_bytes()})
        self.tick()
        roots = [key for key, one in snapshot.assets.items() if one.external]
        self.log.append([e.AssetMaterialized(asset_key=key, origin="report") for key in roots])
        self.settle()

    def tick(self) -> tuple[float, int]:
        """One tick over all that has landed: the milliseconds it took, folding included, and the assets visited."""
        landed = self.log.read(self.state.through, 10**6)
        gc.collect()
        began = time.perf_counter()
        self.ticker.absorb(landed)
        outcome = self.ticker.tick(self.clock.now())
        took_ms = (time.perf_counter() - began) * 1000
        if outcome.events:
            self.ticker.written(self.log.append(outcome.events)[-1])
            for event in outcome.events:
                if isinstance(event, e.RunRequested):
                    self._play(event)
        return took_ms, len(outcome.visited)

    def settle(self) -> None:
        """Tick until all is fresh."""
        while self.log.head().offset > self.state.through:
            self.tick()

    def _play(self, run: e.RunRequested) -> None:
        """What a worker writes for a run in which all goes well."""
        events: list[e.Event] = [e.RunStarted(run_id=run.run_id)]
        for target in run.targets:
            key = target.asset_key
            events += [
                e.StepStarted(run_id=run.run_id, step_key=key, targets=(target,)),
                e.AssetMaterialized(asset_key=key, run_id=run.run_id, step_key=key),
                e.StepSucceeded(run_id=run.run_id, step_key=key),
            ]
        self.log.append([*events, e.RunSucceeded(run_id=run.run_id)])


def definitions(size: int) -> Definitions:
    """Chains of eager assets; each begins at a root of its own and at the root of everything."""
    eager = AutomationCondition.eager()

    def link(number: int) -> object:
        first = number < CHAINS
        deps = [f"root_{number}", "everything"] if first else [f"asset_{number - CHAINS}"]

        @asset(name=f"asset_{number}", deps=deps, automation_condition=eager)
        def trivial() -> None: ...

        return trivial

    roots = [AssetSpec("everything"), *(AssetSpec(f"root_{number}") for number in range(CHAINS))]
    return Definitions(assets=[*roots, *(link(number) for number in range(size))])  # type: ignore[list-item]
