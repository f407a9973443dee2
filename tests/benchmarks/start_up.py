"""What a start needs before the first tick: State from the newest snapshot and what came after it; definitions.

The long log has 1 million events of 1,000 assets and the snapshots that a daemon takes by the way. The last one stands
half a snapshot's distance before the end, as it does on average after a crash; a clean stop leaves one at the end.
"""

from __future__ import annotations

import time

from harness import Effort, Figure, Target, interleaved, median, timed
from long_log import definitions_of

from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage.events import DefinitionsLoaded
from headwater.storage.folding import folded
from headwater.storage.log import EventLog
from headwater.storage.snapshots import newest_state
from headwater.storage.state import State

TARGET_MS = Target(1_000)


def start_up(log: EventLog, effort: Effort) -> list[Figure]:
    rounds, head = effort.of(5, 1), log.head().offset
    [whole, snapshot] = interleaved(
        rounds, lambda: timed(lambda: folded(log)), lambda: timed(lambda: newest_state(log))
    )
    tail = head - newest_state(log).through
    began = time.process_time()
    folded(log)
    processor_ms = (time.process_time() - began) * 1_000
    return [
        Figure(
            name=f"start with a log of {head // 1000 * 1000:,} events",
            value=round(median(whole) * 1_000, 1),
            unit="ms",
            target=None if effort.quick else TARGET_MS,
            where="reading the snapshot takes the time in the facts, the rest is folding the events after it",
            facts={
                "events_after_the_snapshot": tail,
                "snapshot_ms": round(median(snapshot) * 1_000, 1),
                "processor_ms": round(processor_ms, 1),
            },
        )
    ]


def loading(effort: Effort) -> list[Figure]:
    """Definitions of 10,000 assets: what the daemon takes over from a code host, and the first fold of them."""
    size = effort.of(10_000, 100)
    data = definitions_of(size).to_bytes()

    def read() -> float:
        return timed(lambda: DefinitionsSnapshot.from_bytes(data)) * 1_000

    def define() -> float:
        return timed(lambda: definitions_of(size)) * 1_000

    def fold() -> float:
        return _first_load_s(data) * 1_000

    defined, taken, loaded = interleaved(effort.of(3, 1), define, read, fold)
    return [
        Figure(name=f"definitions of {size:,} assets, made and put down", value=round(median(defined)), unit="ms"),
        Figure(name=f"definitions of {size:,} assets, read", value=round(median(taken)), unit="ms"),
        Figure(name=f"definitions of {size:,} assets, read and folded", value=round(median(loaded)), unit="ms"),
    ]


def _first_load_s(data: bytes) -> float:
    definitions = DefinitionsSnapshot.from_bytes(data)
    with EventLog.memory() as log:
        log.append([DefinitionsLoaded(hash=definitions.hash)], blobs={definitions.hash: data})
        return timed(lambda: State.empty(log.definitions_bytes).apply(log.read(0)[0]))
