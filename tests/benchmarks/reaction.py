"""Reaction time: from the commit of an upstream event to the start of the downstream step's own code in its worker.

On a lean project (one report, one trivial step) and on the demo, from what the log itself says. The floor is measured
while they run: two durable commits and one fork of a process as warm as the code host.

An event's timestamp is taken before its commit, so each time here holds the commit of the upstream event too, which
neither the measure nor the floor asks for: the figures are high by that commit.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from daemons import MAX_CONCURRENT_RUNS, running_daemon
from floor import Floor, running_floor
from harness import ROOT, Effort, Figure, Target, child_environment, median, percentile, scratch_folder

from headwater.daemon.reactions import Reactions, reactions
from headwater.storage import events as e
from headwater.storage.log import EventLog

DEMO = ROOT / "deploy" / "demo"
DAYS = 30
DEMO_DEADLINE_S = 180  # it takes a quarter of a second for a day
PAUSE_S = 0.03  # between two reactions on the lean project; a spare worker is ready long before
FLOOR_EVERY_S = 0.25  # beside the demo, at the pace of its files

LEAN = """
from headwater import AssetSpec, AutomationCondition, Definitions, asset

source = AssetSpec("source")

@asset(deps=[source], automation_condition=AutomationCondition.eager())
def report() -> None: ...

defs = Definitions(assets=[source, report])
"""

WHERE = (
    "medians over runs that nothing held: decide (commit of the event, wake-up, fold, tick) {decide} ms, "
    "launch_and_claim (commit of the tick, order to the spare worker, its files and lease) {launch_and_claim} ms,"
    " begin (commit of the claim, then the step) {begin} ms: each holds a durable commit. In a trace of system "
    "calls, which slows everything, worker and host stood still in the very call that woke another process, while"
    " the daemon took its turn."
)


def reaction(effort: Effort) -> list[Figure]:
    return [*_lean(effort.of(200, 5)), *_demo(effort.of(DAYS, 5))]


def _lean(count: int) -> list[Figure]:
    with scratch_folder() as folder:
        definitions, home = folder / "lean.py", folder / "home"
        definitions.write_text(LEAN)
        floors: list[float] = []
        with (
            running_daemon(definitions, home) as daemon,
            running_floor(definitions, folder, child_environment()) as floor,
        ):
            for number in range(count + count // 10):
                time.sleep(PAUSE_S)
                floors.append(floor.react())
                before = daemon.log.append([e.AssetMaterialized(asset_key="source", origin="report")])[-1]
                daemon.wait_for("run_succeeded", after=before)
                if number == count // 10:
                    floors.clear()
            found, stages = _found(daemon.log), _stages(daemon.log)
    found.immediate = found.immediate[-count:]
    return _figures("lean project", found, floors, stages)


def _demo(days: int) -> list[Figure]:
    with scratch_folder() as folder:
        data = folder / "data"
        environment = child_environment(HEADWATER_DEMO_DATA=str(data))
        with running_floor(DEMO / "flights.py", folder, environment) as floor, _beside(floor) as floors:
            subprocess.run(
                [sys.executable, str(DEMO / "run.py"), "--days", str(days)],
                env=environment,
                check=True,
                timeout=DEMO_DEADLINE_S,
                stdout=subprocess.DEVNULL,
            )
        with EventLog.open(data / "headwater") as log:
            found, stages = _found(log), _stages(log)
    return _figures("demo", found, floors, stages)


@contextmanager
def _beside(floor: Floor) -> Iterator[list[float]]:
    """The floor, measured again and again while the body runs."""
    floors: list[float] = [floor.react()]
    done = threading.Event()

    def measure() -> None:
        while not done.wait(FLOOR_EVERY_S):
            floors.append(floor.react())

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield floors
    finally:
        done.set()
        thread.join()


def _found(log: EventLog) -> Reactions:
    return reactions(log.read(0, 10**7), max_concurrent_runs=MAX_CONCURRENT_RUNS)


def _stages(log: EventLog) -> dict[str, float]:
    """The medians of what an immediate reaction consists of, in ms; a timestamp is taken just before its commit."""
    requested: dict[str, tuple[int, int]] = {}
    claimed: dict[str, int] = {}
    stages: dict[str, list[float]] = {"decide": [], "launch_and_claim": [], "begin": []}
    timestamps: dict[int, int] = {}
    seen = newest = 0
    for stored in log.read(0, 10**7):
        event = stored.event
        timestamps[stored.offset] = stored.timestamp
        match event:
            case e.Tick():
                seen = max([seen, *(through for through, _ in event.silent)])
                newest = max(
                    (int(cause.position) for one in event.decisions for cause in event.causes_of(one)), default=0
                )
                newest, seen = newest if newest > seen else 0, event.through  # else an earlier tick had let it wait
            case e.RunRequested(origin="automation") if newest:
                requested[event.run_id] = (timestamps[newest], stored.timestamp)
            case e.RunStarted() if event.run_id in requested:
                claimed[event.run_id] = stored.timestamp
            case e.StepSucceeded() if event.code_started_at and event.run_id in claimed:
                caused, asked = requested.pop(event.run_id)
                began = claimed.pop(event.run_id)  # later steps of the run are no reactions
                stages["decide"].append((asked - caused) / 1000)
                stages["launch_and_claim"].append((began - asked) / 1000)
                stages["begin"].append(event.code_started_at.timestamp() * 1000 - began / 1000)
    return {name: round(median(times), 2) for name, times in stages.items() if times}


def _figures(project: str, found: Reactions, floors: list[float], stages: dict[str, float]) -> list[Figure]:
    """Median and p95 with their floors."""
    times = [seconds * 1000 for seconds in found.immediate]
    held = {"by_condition": found.held_by_condition, "by_limit": found.held_by_limit}
    facts: dict[str, Any] = {
        f"held_{why}": {"runs": len(waits), "p50_ms": round(median(waits) * 1000, 1) if waits else None}
        for why, waits in held.items()
    }
    facts |= {"stages_ms": stages, "runs": len(times), "max_ms": round(max(times), 1)}
    figures: list[Figure] = []
    for share, name, bound in ((0.5, "p50", 6), (0.95, "p95", 15)):
        value, floor = percentile(times, share), percentile(floors, share)
        figures.append(
            Figure(
                name=f"reaction, {project}, {name}",
                value=round(value, 2),
                unit="ms",
                target=Target(bound),
                limit=round(floor, 2),
                limit_is=f"floor, {name}: two durable commits and a fork",
                ratio=round(value / floor, 2),
                ratio_target=Target(3) if name == "p50" else None,
                elsewhere="2.5 s; 16 s by default" if name == "p50" else "",
                where=WHERE.format_map(stages),
                facts=facts if name == "p50" else {},
            )
        )
    return figures
