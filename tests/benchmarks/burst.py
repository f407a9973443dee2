"""A burst: 50 trivial runs asked for at once of a daemon that runs, from the first request to the last end."""

from __future__ import annotations

import time

from daemons import MAX_CONCURRENT_RUNS, RunningDaemon, running_daemon
from floor import running_floor
from harness import Effort, Figure, Target, child_environment, interleaved, median, ratio_of, scratch_folder

from headwater.storage.events import Event, RunRequested
from headwater.storage.events import Target as RunTarget
from headwater.storage.ids import SystemIds

RUNS = 50

DEFINITIONS = """
from headwater import asset

@asset
def trivial() -> None: ...
"""


def burst(effort: Effort) -> list[Figure]:
    count = effort.of(RUNS, 4)
    with scratch_folder() as folder:
        definitions = folder / "trivial.py"
        definitions.write_text(DEFINITIONS)
        with (
            running_daemon(definitions, folder / "home") as daemon,
            running_floor(definitions, folder, child_environment()) as floor,
        ):
            runs_per_s(daemon, count)
            floor.burst(count, MAX_CONCURRENT_RUNS)
            rates, limits = interleaved(
                effort.of(7, 1),
                lambda: runs_per_s(daemon, count),
                lambda: count / floor.burst(count, MAX_CONCURRENT_RUNS) * 1000,
            )
    return [
        Figure(
            name=f"{RUNS} trivial runs at once",
            value=round(median(rates)),
            unit="runs/s",
            target=Target(50, at_least=True),
            limit=round(median(limits)),
            limit_is="as many forks of the warm host, each child opening the file and committing twice",
            ratio=round(ratio_of(rates, limits), 2),
            elsewhere="1 run/s",
        )
    ]


def runs_per_s(daemon: RunningDaemon, count: int) -> float:
    """From the commit of the requests to that of the last end, by the log's own timestamps."""
    time.sleep(0.3)  # whatever the round before has left to do
    definitions, ids = daemon.definitions_hash(), SystemIds()
    asked: list[Event] = [
        RunRequested(run_id=ids.new_id(), targets=(RunTarget(asset_key="trivial"),), definitions=definitions)
        for _ in range(count)
    ]
    offsets = daemon.log.append(asked)
    ends = daemon.wait_for("run_succeeded", "run_failed", after=offsets[-1], count=count)
    assert all(one.event.type == "run_succeeded" for one in ends), [one.event for one in ends]
    requested = daemon.log.read(offsets[0] - 1, 1)[0]
    return count / ((ends[-1].timestamp - requested.timestamp) / 1e6)
