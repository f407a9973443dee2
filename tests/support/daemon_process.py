"""A real daemon in a process of its own, for tests that watch, stop or kill it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from headwater.storage import events as e
from headwater.storage.log import EventLog, StoredEvent
from headwater.storage.state import State

PATIENCE_S = 60.0


class DaemonProcess:
    """`headwater dev` over one home and one definitions file, with `DATA` in its environment."""

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder, self.project = folder, project
        self.home, self.output = folder / "headwater", folder / "daemon.log"
        self.home.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "headwater.daemon.cli.entry", "dev", "-f", str(self.project)]
        environment = {**os.environ, "HEADWATER_HOME": str(self.home), "DATA": str(self.folder)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # imports are to be quick
        environment["PYTHONPYCACHEPREFIX"] = str(Path("/tmp") / f"headwater-tests-bytecode-{os.getuid()}")
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, process_group=0)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL, self.output.read_text()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def assert_alive(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()[-3000:]

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def drop(inbox: Path, name: str, text: str) -> None:
    """Put a file into a folder as a careful writer does."""
    inbox.mkdir(parents=True, exist_ok=True)
    building = inbox / f".{name}"
    building.write_text(text)
    building.replace(inbox / name)


def fold(log: EventLog) -> State:
    state = State.empty(log.definitions_bytes)
    while page := log.read(state.through, 10_000):
        for stored in page:
            state.apply(stored)
    return state


def wait_until(log: EventLog, holds: Callable[[], bool], what: str, *, daemon: DaemonProcess) -> None:
    """Wait, event by event, until something holds; fail with the daemon's own log when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    with log.subscribe() as grown:
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"it never came that {what}\n{daemon.output.read_text()[-3000:]}")
            daemon.assert_alive()
            grown.wait_blocking(0.2)


def events_of(log: EventLog, *types: type[e.Event]) -> list[StoredEvent]:
    """All stored events of some types, oldest first."""
    names: Iterable[str] = [kind.model_fields["type"].default for kind in types]
    return log.query(types=list(names), limit=100_000)


def made(log: EventLog, key: str, partition: str) -> Callable[[], bool]:
    """Whether a partition was made and no run is under way."""

    def holds() -> bool:
        state = fold(log)
        table, ordinal = state.asset(key).locate(partition)
        return ordinal in table.materialized and not state.runs

    return holds
