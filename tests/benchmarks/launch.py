"""The launch alone, a part of every reaction: from the order to the code host to the user's first line in its worker.

Once with the host at rest, which then has a spare worker ready, and once with each run right behind the last. The limit
is one durable commit and one fork of a process as warm as the host; a spare has its fork behind it and may beat that.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import anyio
from floor import Floor, running_floor
from harness import Effort, Figure, child_environment, median, percentile, scratch_folder

from headwater.daemon.host.client import CodeHost
from headwater.daemon.host.source import CodeSource
from headwater.daemon.runs.plan import RunPlan, StepPlan
from headwater.storage.events import RunRequested
from headwater.storage.events import Target as RunTarget
from headwater.storage.log import EventLog

REST_S = 0.05

DEFINITIONS = """
import os
import time

from headwater import asset

@asset
def trivial() -> None:
    began = time.monotonic_ns()
    with open(os.environ["BENCH_TIMES"], "a") as times:
        times.write(f"{began}\\n")
"""


def launch(effort: Effort) -> list[Figure]:
    return anyio.run(_measure, effort.of(100, 3))


async def _measure(count: int) -> list[Figure]:
    with scratch_folder() as folder, EventLog.open(folder / "home") as log:
        times, definitions = folder / "times", folder / "trivial.py"
        definitions.write_text(DEFINITIONS)
        os.environ["BENCH_TIMES"] = str(times)  # a host has its starter's environment
        host = await CodeHost.start(CodeSource.of_file(definitions, folder=folder), folder / "home")
        try:
            with running_floor(definitions, folder, child_environment()) as floor:
                return [
                    await _launches("host at rest", log, host, floor, times, count=count, rest_s=REST_S),
                    await _launches("right behind the last", log, host, floor, times, count=count, rest_s=0),
                ]
        finally:
            await host.aclose()


async def _launches(
    name: str, log: EventLog, host: CodeHost, floor: Floor, times: Path, *, count: int, rest_s: float
) -> Figure:
    ordered: list[int] = []
    floors: list[float] = []
    for number in range(count):
        if rest_s or number % 10 == 0:
            floors.append(floor.launch())
        if rest_s:
            await anyio.sleep(rest_s)
        plan = _request(log, f"{name} {number}")
        ordered.append(time.monotonic_ns())
        await host.launch(plan)
        await host.receive()
    first_lines = [int(line) for line in (await anyio.Path(times).read_text()).split()][-count:]
    took = [(there - here) / 1e6 for here, there in zip(ordered, first_lines, strict=True)]
    return Figure(
        name=f"launch, {name}",
        value=round(median(took), 2),
        unit="ms",
        limit=round(median(floors), 2),
        limit_is="one durable commit and a fork",
        ratio=round(median(took) / median(floors), 2),
        facts={"p95_ms": round(percentile(took, 0.95), 2), "runs": count},
    )


def _request(log: EventLog, run_id: str) -> RunPlan:
    offsets = log.append([RunRequested(run_id=run_id, targets=(RunTarget(asset_key="trivial"),))])
    step = StepPlan(step_key="trivial", targets=(RunTarget(asset_key="trivial"),))
    return RunPlan(run_id=run_id, requested_offset=offsets[-1], steps=(step,))
