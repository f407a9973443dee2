"""What ticks cost: eager assets in layers without partitions, with thousands of them, and under a steady stream.

Without partitions: 1,000, 10,000 and 100,000 assets in layers, each with 3 random parents in the layer before. How long
they take to load and to be evaluated a first time, and what a tick costs after a change at a root (per asset that it
reaches) and near the leaves. With partitions: all of a root's updated at once, or a single one; 3,500 that a sweep
observed. A steady stream: reports and the events of the workers, 2,000 a second, into 10,000 assets.

Ticks are measured without the store: from the events in memory, folding included, to the decision. Each shape has a
process of its own, so that neither memory nor the collector of one counts for another.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import deque
from typing import Any

from graphs import chains, daily_partitions, layered, swept
from harness import Effort, Figure, Target, child_environment, median, percentile
from ticking import Ticking, Turn, load, played, reported

from headwater.storage import events as e

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 5
ELSEWHERE = {1_000: "13.6 s a tick"}
OF_LAYERS = (
    "by a profile half is the visit and the decision, a third the condition; the same nodes are visited for each asset "
    "at each size, what larger graphs add is waiting for memory"
)
OF_PARTITIONS = (
    "each asset that is reached takes 0.06 ms, and this reaches all of them: the cost follows the assets reached, and "
    "neither the partitions that there are nor the graph"
)
OF_ALL = (
    "a fifth is the folding of the updates, a tenth telling them as reasons; the rest is 0.08 ms an asset: half of "
    "that to find that it reads what others read, half its decision, its leaves and what its condition remembers"
)
OF_SWEEP = "half is the folding of the observations, a quarter their way through the mappings, the rest telling reasons"
OF_LOADING = "half in the decorators (spec, signature, dependencies), half in checking, binding and putting down"
PER_ASSET_US = Target(50)
NEAR_LEAF_MS = Target(1)
ALL_MS, ONE_MS, SWEEP_MS, LAG_MS = Target(100), Target(2), Target(50), Target(50)
CHAIN = 5  # assets below each root of the steady stream
RATE = 2_000  # events a second
OF_A_REPORT = 3 + 3 * CHAIN  # events: itself, the beginning and the end of its run, and three a step


def ticks(effort: Effort) -> list[Figure]:
    sizes = [200] if effort.quick else SIZES
    figures = [figure for size in sizes for figure in _layers(size)]
    if not effort.quick:
        near = [figure.value for figure in figures if "near a leaf" in figure.name]
        ratio = max(near) / min(near)
        figures.append(
            Figure(name="near a leaf, slowest to fastest", value=round(ratio, 2), unit="times", target=Target(1.5))
        )
    shapes = [(5, 50)] if effort.quick else [(35, 2_000), (1_000, 3_650)]
    figures += [figure for size, days in shapes for figure in _partitioned(size, days)]
    return [*figures, *_sweep(effort.of(3_500, 50)), *_stream(effort.of(10_000, 100), seconds=effort.of(10, 1))]


# ---- without partitions ----------------------------------------------------------------------------------------------


def _layers(size: int) -> list[Figure]:
    found = _apart("layers", size)
    loading = Target(1) if size == 10_000 else None
    name = f"{size:,} assets"
    return [
        Figure(
            name=f"{name}, loaded from code",
            value=found["load_s"],
            unit="s",
            target=loading,
            where=OF_LOADING,
            facts={"memory_mb": found["load_mb"]},
        ),
        Figure(
            name=f"{name}, first evaluation",
            value=found["first_s"],
            unit="s",
            target=Target(5) if size == 100_000 else None,
            where=OF_LAYERS,
            facts={"fold_s": found["fold_s"]},
        ),
        Figure(
            name=f"{name}, a root changes, for each asset reached",
            value=found["reached_us"],
            unit="µs",
            target=PER_ASSET_US,
            where=OF_LAYERS,
            elsewhere=ELSEWHERE.get(size, ""),
            facts={"reached": found["reached"]},
        ),
        Figure(name=f"{name}, a change near a leaf", value=found["near_leaf_ms"], unit="ms", target=NEAR_LEAF_MS),
        Figure(name=f"{name}, memory once evaluated", value=found["memory_mb"], unit="MB", target=Target(1_000)),
    ]


def layers(size: int) -> dict[str, Any]:
    """Run in a process of its own."""
    width = max(10, size // 50)
    loaded = load(layered, size, width=width)
    ticking = Ticking(loaded)
    ticking.land(event for number in range(width) for event in reported(f"root_{number}"))
    ticking.settle()
    assert ticking.state.definitions is not None
    root = ticking.state.definitions.assets["asset_0"].deps[0].key  # one that is read
    far = _rounds(ticking, root, rounds=3 if size <= 10_000 else 1)
    near = _rounds(ticking, f"asset_{size - width - 1}", rounds=20)
    return {
        "load_s": round(loaded.took_s, 2),
        "load_mb": loaded.memory_mb,
        "fold_s": round(ticking.first.fold_ms / 1000, 2),
        "first_s": round(ticking.first.tick_ms / 1000, 2),
        "reached": far[0].visited,
        "reached_us": round(median([turn.total_ms * 1000 / turn.visited for turn in far]), 1),
        "near_leaf_ms": round(median([turn.total_ms for turn in near]), 3),
        "memory_mb": ticking.memory_mb,
    }


def _rounds(ticking: Ticking, key: str, *, rounds: int) -> list[Turn]:
    """The ticks after reports of `key`, each made in full before the next."""
    turns = []
    for _ in range(rounds):
        ticking.land(reported(key))
        turns.append(ticking.turn())
        ticking.settle()
    return turns


# ---- with partitions -------------------------------------------------------------------------------------------------


def _partitioned(size: int, days: int) -> list[Figure]:
    found = _apart("partitioned", size, days)
    name = f"{size:,} assets of {days:,} days"
    reach = {"reached": found["reached"]}
    return [
        Figure(
            name=f"{name}, one partition of the root",
            value=found["one_ms"],
            unit="ms",
            target=ONE_MS,
            where=OF_PARTITIONS,
            facts=reach,
        ),
        Figure(name=f"{name}, one partition near a leaf", value=found["near_leaf_ms"], unit="ms", target=ONE_MS),
        Figure(
            name=f"{name}, all of the root", value=found["all_ms"], unit="ms", target=ALL_MS, where=OF_ALL, facts=reach
        ),
    ]


def partitioned(size: int, days: int) -> dict[str, Any]:
    """Run in a process of its own. Everything is downstream of one root, of which nothing was made before."""
    partitions = daily_partitions(days)
    keys = partitions.get_partition_keys()
    width = max(1, min(20, size // 5))
    ticking = Ticking(load(layered, size, width=width, roots=1, partitions=partitions))

    def change(key: str, partition: str) -> Turn:
        ticking.land(reported(key, [partition]))
        turn = ticking.turn()
        ticking.settle()
        return turn

    one = [change("root_0", keys[number * 7]) for number in range(ROUNDS)]
    near = [change(f"asset_{size - width - 1}", keys[number * 7]) for number in range(ROUNDS)]
    ticking.plays = False
    ticking.land(reported("root_0", keys))
    everything = ticking.turn()
    return {
        "one_ms": round(median([turn.total_ms for turn in one]), 2),
        "near_leaf_ms": round(median([turn.total_ms for turn in near]), 2),
        "all_ms": round(everything.total_ms, 1),
        "reached": everything.requested,
    }


def _sweep(days: int) -> list[Figure]:
    found = _apart("sweep", days)
    name = f"{days:,} partitions observed in one sweep, 10 readers"
    facts = {"fold_ms": found["fold_ms"], "requested": found["requested"]}
    return [
        Figure(name=name, value=found["ms"], unit="ms", target=SWEEP_MS, elsewhere="930 s", where=OF_SWEEP, facts=facts)
    ]


def sweep(days: int) -> dict[str, Any]:
    """Run in a process of its own."""
    loaded, turns = load(swept, days, readers=10), []
    for _ in range(3):
        ticking = Ticking(loaded, plays=False)
        keys = daily_partitions(days).get_partition_keys()
        ticking.land(e.AssetObserved(asset_key="root_0", partition=key, data_version=f"of {key}") for key in keys)
        turns.append(ticking.turn())
        ticking.log.close()
    turn = sorted(turns, key=lambda turn: turn.total_ms)[1]
    return {"ms": round(turn.total_ms, 1), "fold_ms": round(turn.fold_ms, 1), "requested": turn.requested}


# ---- a steady stream -------------------------------------------------------------------------------------------------


def _stream(size: int, *, seconds: int) -> list[Figure]:
    found = _apart("stream", size, seconds)
    name = f"{RATE:,} events/s into {size:,} assets, lag at the 95th percentile"
    facts = {"median_ms": found["median_ms"], "ticks": found["ticks"], "requested": found["requested"]}
    return [Figure(name=name, value=found["p95_ms"], unit="ms", target=LAG_MS, facts=facts)]


def stream(size: int, seconds: int) -> dict[str, Any]:
    """Run in a process of its own. Events land by the clock: reports of roots, and between them those of the
    workers, who do what ticks ask for. The lag of an event is the time until the tick that read it has decided."""
    ticking = Ticking(load(chains, size, length=CHAIN), plays=False)
    roots = size // CHAIN
    ticking.land(event for number in range(roots) for event in reported(f"root_{number}"))
    work: deque[e.Event] = deque(ticking_work(ticking))
    ticking.land(work)
    ticking.turn()
    work.clear()
    lags: list[float] = []
    landed = ticks = requested = reports = 0
    began = time.perf_counter()
    while landed < RATE * seconds:
        due = min(int((time.perf_counter() - began) * RATE), RATE * seconds)
        if due == landed:
            time.sleep(1 / RATE)
            continue
        batch: list[e.Event] = []
        for number in range(landed, due):
            if number % OF_A_REPORT == 0:
                batch += reported(f"root_{reports * 7 % roots}")
                reports += 1
            elif work:
                batch.append(work.popleft())
            else:
                batch += reported("nobody_reads_this")
        ticking.land(batch)
        found = ticking_work(ticking)
        work.extend(found)
        ticks, requested = ticks + 1, requested + sum(isinstance(event, e.StepStarted) for event in found)
        decided = time.perf_counter() - began
        lags += [(decided - number / RATE) * 1000 for number in range(landed, due)]
        landed = due
    p95, middle = percentile(lags, 0.95), median(lags)
    return {"p95_ms": round(p95, 2), "median_ms": round(middle, 2), "ticks": ticks, "requested": requested}


def ticking_work(ticking: Ticking) -> list[e.Event]:
    """Tick, and what the workers will write for what it asks for."""
    ticking.turn()
    return [event for run in ticking.asked for event in played(run)]


# ---- processes -------------------------------------------------------------------------------------------------------


def _apart(shape: str, *numbers: int) -> dict[str, Any]:
    command = [sys.executable, __file__, shape, *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=child_environment())
    return json.loads(done.stdout)


if __name__ == "__main__":
    shapes = {"layers": layers, "partitioned": partitioned, "sweep": sweep, "stream": stream}
    print(json.dumps(shapes[sys.argv[1]](*map(int, sys.argv[2:]))))
