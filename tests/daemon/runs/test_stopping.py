"""Stopping the worker of a cancelled run: it is asked first, and ended if it does not heed that."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest

from headwater.daemon.runs.lease import Lease, holder, is_held, is_marked
from headwater.daemon.runs.stopping import stop_worker

HOLD = """
import os, signal, subprocess, sys, time
from pathlib import Path
from headwater.daemon.runs.lease import WORKER, Lease

home, how = Path(sys.argv[1]), sys.argv[2]
os.setsid()
assert Lease.of_run(home, "r").take(b"" if how == "unmarked" else WORKER)
if how in ("deaf", "dogged"):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
if how == "dogged":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (home / "child").write_text(str(subprocess.Popen(["sleep", "1000"]).pid))
print("held", flush=True)
try:
    time.sleep(1000 if how != "unmarked" else 0.5)
finally:
    (home / "left").write_text("in good order")
"""

Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(how: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path), how],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def stop(home: Path) -> None:
    async def briefly() -> None:
        with anyio.fail_after(60):
            await stop_worker(home, "r", asked_s=0.2, told_s=0.2)

    anyio.run(briefly)


def test_the_holder_of_a_lease_is_known(tmp_path: Path, hold: Start) -> None:
    process = hold("heeds")
    path = Lease.of_run(tmp_path, "r").path
    assert (holder(path), is_marked(path)) == (process.pid, True)


def test_a_worker_is_interrupted_and_leaves_in_good_order(tmp_path: Path, hold: Start) -> None:
    async def patiently() -> None:
        with anyio.fail_after(60):
            await stop_worker(tmp_path, "r", asked_s=60)

    hold("heeds")
    anyio.run(patiently)
    assert (tmp_path / "left").read_text() == "in good order"


@pytest.mark.parametrize("how", ["deaf", "dogged"])
def test_a_worker_that_does_not_heed_an_interrupt_is_ended(tmp_path: Path, hold: Start, how: str) -> None:
    process = hold(how)
    stop(tmp_path)
    assert process.wait(60) == (-15 if how == "deaf" else -9)
    assert not (tmp_path / "left").exists()
    if how == "dogged":
        child, ends_at = (tmp_path / "child").read_text(), time.monotonic() + 60
        while is_running(child):
            assert time.monotonic() < ends_at, "what the worker had started goes on"
            time.sleep(0.02)


def is_running(pid: str) -> bool:
    """Whether it is there, and no zombie that nobody has buried."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, check=False).stdout.strip()
    return shown != b"" and not shown.startswith(b"Z")


def test_a_program_that_does_the_run_itself_is_waited_for_and_not_interrupted(tmp_path: Path, hold: Start) -> None:
    process = hold("unmarked")
    stop(tmp_path)
    assert (tmp_path / "left").read_text() == "in good order"
    assert process.wait(60) == 0


def test_where_nobody_works_on_the_run_there_is_nothing_to_do(tmp_path: Path) -> None:
    stop(tmp_path)
    assert not is_held(Lease.of_run(tmp_path, "r").path)
