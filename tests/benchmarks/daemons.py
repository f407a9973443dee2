"""A daemon in a process of its own, as a user starts it, for the benchmarks that measure one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import child_environment

from headwater.storage.events import DefinitionsLoaded
from headwater.storage.log import EventLog, StoredEvent
from headwater.storage.wakeup import Subscription

DEADLINE_S = 60.0
MAX_CONCURRENT_RUNS = 10


class RunningDaemon:
    def __init__(self, process: subprocess.Popen[bytes], log: EventLog, woken: Subscription, home: Path) -> None:
        self.process, self.log, self.home, self._woken = process, log, home, woken

    def wait_for(self, *types: str, after: int, count: int = 1) -> list[StoredEvent]:
        """The first `count` events of these types behind offset `after`."""
        ends_at = time.monotonic() + DEADLINE_S
        while time.monotonic() < ends_at and self.process.poll() is None:
            found = self.log.query(types=types, after=after, limit=count)
            if len(found) == count:
                return found
            self._woken.wait_blocking(0.5)
        raise RuntimeError(f"{count} x {types} did not come; the daemon says:\n{(self.home / 'dev.log').read_text()}")

    def definitions_hash(self) -> str:
        event = self.log.query(types=["definitions_loaded"], newest_first=True, limit=1)[0].event
        assert isinstance(event, DefinitionsLoaded)
        return event.hash


@contextmanager
def running_daemon(definitions: Path, home: Path, **environment: str) -> Iterator[RunningDaemon]:
    """A daemon that has loaded its definitions; stopped at the end."""
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "headwater.daemon.cli.entry", "dev", "-f", str(definitions), "--home", str(home)]
    command += ["--max-concurrent-runs", str(MAX_CONCURRENT_RUNS)]
    with (
        EventLog.open(home) as log,
        log.subscribe() as woken,
        (home / "dev.log").open("wb") as output,
        subprocess.Popen(
            command, env=child_environment(**environment), stdout=output, stderr=output, process_group=0
        ) as process,
    ):
        daemon = RunningDaemon(process, log, woken, home)
        try:
            daemon.wait_for("definitions_loaded", after=0)
            yield daemon
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
