"""What the benchmarks share: figures with their targets, repeats and medians, and the machine that they were taken on.

A figure is the median of several rounds, and stands beside its *limit*: what the same machine does at best for the same
promise, measured in the same rounds (`interleaved`), so that a neighbour's noise falls upon both. The ratio of the two
says more than either.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SCRATCH = ROOT / ".bench"  # on the disk of the checkout: what is temporary for the system may be memory only


@dataclass(frozen=True, slots=True)
class Target:
    """The bound of a figure: at most `bound`, or at least."""

    bound: float
    at_least: bool = False

    def is_reached(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value.

    `elsewhere` is what the field needs for the same, measured once on a machine like this. `where` says where the time
    goes, from a profile; it is shown where a target is missed.
    """

    name: str
    value: float
    unit: str
    target: Target | None = None
    limit: float | None = None
    limit_is: str = ""
    ratio: float | None = None
    ratio_target: Target | None = None
    elsewhere: str = ""
    where: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether every target of this figure is reached; None if it has none."""
        met: list[bool] = []
        if self.target is not None:
            met.append(self.target.is_reached(self.value))
        if self.ratio_target is not None and self.ratio is not None:
            met.append(self.ratio_target.is_reached(self.ratio))
        return all(met) if met else None

    def to_json(self) -> dict[str, Any]:
        targets = {"target": self.target, "ratio_target": self.ratio_target}
        shown = {name: None if target is None else str(target) for name, target in targets.items()}
        return {**asdict(self), **shown, "reached": self.reached}


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: all of it, or so little that only the benchmarks themselves are tried."""

    quick: bool = False

    def of(self, full: int, quick: int) -> int:
        return quick if self.quick else full


Benchmark = Callable[[Effort], list[Figure]]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def interleaved(rounds: int, *ways: Callable[[], float]) -> list[list[float]]:
    """What each way gave in each round. Ways take turns, and who begins does too; the collector sleeps meanwhile."""
    found: list[list[float]] = [[] for _ in ways]
    for number in range(rounds):
        for place in range(len(ways)):
            which = (place + number) % len(ways)
            gc.collect()
            gc.disable()
            try:
                found[which].append(ways[which]())
            finally:
                gc.enable()
    return found


def ratio_of(ours: Sequence[float], limits: Sequence[float]) -> float:
    """The median of the rounds' own ratios."""
    return median([one / limit for one, limit in zip(ours, limits, strict=True)])


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder that is gone afterwards."""
    SCRATCH.mkdir(exist_ok=True)
    # A process that was killed may still be writing its last.
    with tempfile.TemporaryDirectory(dir=SCRATCH, ignore_cleanup_errors=True) as name:
        yield Path(name)


def child_environment(**more: str) -> dict[str, str]:
    """The environment of the processes that are measured: like a user's, in which modules have their bytecode."""
    environment = {**os.environ, **more}
    for name in ("PYTHONDONTWRITEBYTECODE", "HEADWATER_HOME"):
        if name not in more:
            environment.pop(name, None)
    return environment


def machine() -> dict[str, Any]:
    """What the figures depend on: processor, interpreter, and what a flush to this disk costs."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "fsync_4k_ms": round(fsync_ms(), 3),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def fsync_ms(repeats: int = 200) -> float:
    """The median of writing 4 KB behind the end of a file and waiting until they are on the disk."""
    block = b"x" * 4096
    with scratch_folder() as folder:
        file = os.open(folder / "flushed", os.O_WRONLY | os.O_CREAT)

        def flush() -> None:
            os.write(file, block)
            os.fsync(file)

        took = [timed(flush) for _ in range(repeats)]
        os.close(file)
    return median(took) * 1000


def say(text: str) -> None:
    """A word on progress, beside the JSON on standard output."""
    print(text, file=sys.stderr, flush=True)
