"""What the driver of backfills costs: 10,000 daily partitions of 3 chained assets, with workers that take no time.

    python tests/benchmarks/backfill.py [PARTITIONS]

Measured is what the daemon's loop spends on a backfill: folding its events, and deciding what comes next. The middle of
the chain is made by runs of its own (its policy differs), so that each partition takes three runs.
"""

from __future__ import annotations

import sys
import time
from datetime import date, timedelta

from headwater.daemon.runs.backfill.driver import BackfillDriver
from headwater.definitions.asset import asset
from headwater.definitions.backfill_policy import BackfillPolicy
from headwater.definitions.definitions import Definitions
from headwater.definitions.partitions import DailyPartitionsDefinition
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from headwater.storage.clock import VirtualClock
from headwater.storage.ids import SeededIds
from headwater.storage.log import EventLog
from headwater.storage.memory import MemoryStore
from headwater.storage.state import State
from headwater.storage.wakeup import LocalWakeups
from support.world import START

WINDOW = 20


def main(partitions: int = 10_000) -> None:
    first, last = date(1990, 1, 1), date(1990, 1, 1) + timedelta(days=partitions - 1)
    days = DailyPartitionsDefinition(first.isoformat(), end_date=(last + timedelta(days=1)).isoformat())
    for chain in ("one run a partition", "three runs a partition"):
        middle = BackfillPolicy.multi_run(2) if chain.startswith("three") else None
        raw = asset(name="raw", partitions_def=days)(lambda: None)
        clean = asset(name="clean", partitions_def=days, deps=[raw], backfill_policy=middle)(lambda: None)
        mart = asset(name="mart", partitions_def=days, deps=[clean])(lambda: None)
        snapshot = DefinitionsSnapshot.of(Definitions(assets=[raw, clean, mart]))
        span = ((first.isoformat(), last.isoformat()),)
        figures = measure(snapshot, tuple(e.Target(asset_key=k, partitions=span) for k in ("raw", "clean", "mart")))
        print(f"{chain}, {partitions} partitions: {figures}")


def measure(snapshot: DefinitionsSnapshot, targets: tuple[e.Target, ...]) -> str:
    clock, ids = VirtualClock(START), SeededIds()
    log = EventLog(MemoryStore(), LocalWakeups(), clock=clock, ids=ids)
    state = State.empty(log.definitions_bytes)
    driver = BackfillDriver(state, run_id=ids.new_id, window=WINDOW)
    log.append([e.DefinitionsLoaded(hash=snapshot.hash)], blobs={snapshot.hash: snapshot.to_bytes()})
    log.append([e.BackfillRequested(backfill_id="b", targets=targets)])
    waiting: list[e.RunRequested] = []
    fold_s = decide_s = worst_s = 0.0
    decisions = runs = 0
    while True:
        began = time.perf_counter()
        for stored in log.read(state.through, 100_000):
            state.apply(stored)
        folded = time.perf_counter()
        steps = driver.decide(clock.now())
        took_s = time.perf_counter() - folded
        fold_s, decide_s, worst_s, decisions = (
            fold_s + folded - began,
            decide_s + took_s,
            max(worst_s, took_s),
            decisions + 1,
        )
        if steps.events:
            log.append(steps.events)
            waiting += [event for event in steps.events if isinstance(event, e.RunRequested)]
        if not waiting:
            if "b" not in state.backfills.active:
                break
            continue
        run = waiting.pop(0)
        runs += 1
        log.append(played(state, run))
    end = log.query(types=["backfill_ended"])[0].event
    assert isinstance(end, e.BackfillEnded)
    assert end.status == "succeeded", end
    events = log.head().offset
    return (
        f"{runs} runs, {events} events; deciding {decide_s:.2f} s in {decisions} turns "
        f"({decide_s / decisions * 1e6:.0f} us a turn, {decide_s / events * 1e6:.0f} us an event, "
        f"worst {worst_s * 1e3:.1f} ms); "
        f"folding {fold_s:.2f} s ({fold_s / events * 1e6:.0f} us an event)"
    )


def played(state: State, run: e.RunRequested) -> list[e.Event]:
    events: list[e.Event] = [e.RunStarted(run_id=run.run_id)]
    for target in run.targets:
        key, space = target.asset_key, state.space(target.asset_key)
        events.append(e.StepStarted(run_id=run.run_id, step_key=key, targets=(target,)))
        for ordinal in space.bits(target.partitions):
            partition = space.key(ordinal)
            events.append(e.AssetMaterialized(asset_key=key, partition=partition, run_id=run.run_id, step_key=key))
        events.append(e.StepSucceeded(run_id=run.run_id, step_key=key))
    return [*events, e.RunSucceeded(run_id=run.run_id)]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
