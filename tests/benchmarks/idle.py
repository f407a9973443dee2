"""What a daemon costs that has nothing to do: processor time, memory; and how soon `headwater --version` answers.

The project is the demo's: five assets, one of them a folder that is watched. Memory is proportional (each shared page
is divided among its processes) and that of the daemon, its code host and the spare worker together; what a bare
interpreter needs that has imported what the user's file imports is taken off.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from daemons import running_daemon
from harness import ROOT, Effort, Figure, Target, child_environment, interleaved, median, percentile, scratch_folder

SETTLE_S = 8  # the log tidies up 5 s after its last event
OVER_S = 20
USERS_IMPORTS = "import os, pathlib, duckdb"


def idle(effort: Effort) -> list[Figure]:
    if not Path("/proc/self/smaps_rollup").exists():
        return [_version(effort)]  # the rest is read from what Linux tells of processes
    users_kb = _bare_kb()
    with scratch_folder() as folder:
        demo = ROOT / "deploy" / "demo" / "flights.py"
        with running_daemon(demo, folder / "home", HEADWATER_DEMO_DATA=str(folder / "data")) as daemon:
            time.sleep(effort.of(SETTLE_S, 1))
            processes = _family(daemon.process.pid)
            began, before = time.monotonic(), {pid: _cpu_s(pid) for pid in processes}
            time.sleep(effort.of(OVER_S, 1))
            took = time.monotonic() - began
            used = [_cpu_s(pid) - before[pid] for pid in processes]
            memory_kb = [_proportional_kb(pid) for pid in processes]
    own_kb = sum(memory_kb) - users_kb
    return [
        Figure(
            name="idle daemon, processor",
            value=round(sum(used) / took * 100, 3),
            unit="% of a core",
            target=Target(0.5),
            elsewhere="3.9 %",
            facts={"by_process": [round(one / took * 100, 3) for one in used], "over_s": round(took)},
        ),
        Figure(
            name="idle daemon, memory beside the user's imports",
            value=round(own_kb / 1000, 1),
            unit="MB PSS",
            target=Target(120),
            elsewhere="537 MB",
            facts={
                "daemon_host_spare_mb": [round(kb / 1000, 1) for kb in memory_kb],
                "users_imports_mb": round(users_kb / 1000, 1),
                "users_imports": USERS_IMPORTS,
            },
        ),
        _version(effort),
    ]


def _version(effort: Effort) -> Figure:
    program = Path(sys.executable).with_name("headwater")
    environment = child_environment()

    def ms(*command: str) -> float:
        began = time.perf_counter()
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - began) * 1000

    ms(str(program), "--version")  # which writes bytecode where there is none
    times, bare = interleaved(
        effort.of(10, 2), lambda: ms(str(program), "--version"), lambda: ms(sys.executable, "-c", "pass")
    )
    return Figure(
        name="headwater --version",
        value=round(median(times), 1),
        unit="ms",
        target=Target(120),
        limit=round(median(bare), 1),
        limit_is="an interpreter that does nothing",
        ratio=round(median(times) / median(bare), 2),
        facts={"p95_ms": round(percentile(times, 0.95), 1)},
    )


def _bare_kb() -> int:
    """The proportional memory of an interpreter with the user's imports, while no daemon shares any page with it."""
    code = f"{USERS_IMPORTS}\nprint(flush=True)\ninput()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, env=child_environment()) as process:
        assert process.stdout is not None
        process.stdout.readline()
        memory_kb = _proportional_kb(process.pid)
        process.communicate(b"\n")
    return memory_kb


def _family(pid: int) -> list[int]:
    """A process and all that it has started: the daemon, its host, the spare worker."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _cpu_s(pid: int) -> float:
    """Processor time of all threads; in nanoseconds, where /proc/PID/stat counts hundredths of a second."""
    stats = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(fields[0]) for fields in stats) / 1e9


def _proportional_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
