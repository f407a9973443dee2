"""The floor of a reaction, in a process as warm as a code host: two durable commits and one fork.

    python floor.py DEFINITIONS LOG     then one command a line on standard input, one JSON line back for each

    react          ms for two commits to the log file and a fork, until the child's first byte
    launch         ms for one commit and a fork
    burst N K      ms for N forked children, K at a time, each of which opens the file, commits twice and ends

The process imports what a host of these definitions has imported, so that a fork has as much to copy; what it measures
uses os, fcntl and sqlite3 alone.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bare_log import BareLog

from headwater.daemon.host import process, rehearsal  # what a host has imported

__all__ = ["Floor", "process"]


class Floor:
    """The floor process as a benchmark sees it."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def react(self) -> float:
        return self._ask("react")

    def launch(self) -> float:
        return self._ask("launch")

    def burst(self, count: int, at_once: int) -> float:
        return self._ask(f"burst {count} {at_once}")

    def _ask(self, command: str) -> float:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        print(command, file=self._child.stdin, flush=True)
        return json.loads(self._child.stdout.readline())


@contextmanager
def running_floor(definitions: Path, folder: Path, environment: dict[str, str]) -> Iterator[Floor]:
    """A floor process over a log file of its own in `folder`."""
    command = [sys.executable, __file__, str(definitions), str(folder / "floor.db")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as child:
        yield Floor(child)
        assert child.stdin is not None
        child.stdin.close()


def _fork_ms(began: int) -> float:
    """Fork; the time from `began` until the child's first instruction of its own."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(theirs, time.monotonic_ns().to_bytes(8, "big"))
        os._exit(0)
    took = (int.from_bytes(os.read(ours, 8), "big") - began) / 1e6
    os.waitpid(pid, 0)
    os.close(ours)
    os.close(theirs)
    return took


def _burst_ms(path: str, count: int, at_once: int) -> float:
    began = time.monotonic_ns()
    under_way = 0
    for _ in range(count):
        if under_way == at_once:
            os.wait()
            under_way -= 1
        if os.fork() == 0:
            lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT)  # SQLite's own waiting sleeps, which is no floor
            log = BareLog(path, first=time.monotonic_ns())
            for _ in range(2):
                fcntl.flock(lock, fcntl.LOCK_EX)
                log.commit()
                fcntl.flock(lock, fcntl.LOCK_UN)
            os._exit(0)
        under_way += 1
    for _ in range(under_way):
        os.wait()
    return (time.monotonic_ns() - began) / 1e6


def main() -> None:
    definitions, path = sys.argv[1:]
    from headwater.definitions.loading import load_definitions

    load_definitions(Path(definitions), None)
    rehearsal.rehearse(Path(path).parent)
    log = BareLog(path)
    log.commit()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        command, *numbers = line.split()
        if command == "burst":
            took = _burst_ms(f"{path}.burst", int(numbers[0]), int(numbers[1]))
        else:
            began = time.monotonic_ns()
            for _ in range(2 if command == "react" else 1):
                log.commit()
            took = _fork_ms(began)
        print(json.dumps(round(took, 4)), flush=True)


if __name__ == "__main__":
    main()
