"""The command line as a test uses it: in this process for the quick ones, as the real command where that matters.

commands.write(FLOW)
assert commands("asset", "materialize", "-f", "flow.py", "--select", "orders").exit_code == 0
with commands.daemon() as daemon:
    daemon.wait_for("run_succeeded")
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from headwater.daemon.cli.app import app
from headwater.storage.events import Event
from headwater.storage.log import EventLog, StoredEvent

DEADLINE_S = 60  # a daemon that has not done by then what a test waits for will not do it

PROGRAM = [sys.executable, "-m", "headwater.daemon.cli.entry"]


class Commands:
    """Runs commands in the folder of a project; `home` is its default home."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / ".headwater"
        self._runner = CliRunner()

    def __call__(self, *arguments: str) -> Any:
        """The result of a command that runs in this process: exit_code, stdout, stderr."""
        return self._runner.invoke(app, list(arguments))

    def json(self, *arguments: str) -> Any:
        """What a command prints for programs."""
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def process(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """The real command, run to its end."""
        return subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
            **options,
        )

    def write(self, code: str, *, name: str = "flow.py") -> None:
        """Put a file there in one step, as an editor does."""
        new = self.folder / f"{name}.new"
        new.write_text(textwrap.dedent(code))
        new.replace(self.folder / name)

    def append(self, *events: Event) -> None:
        with EventLog.open(self.home) as log:
            log.append(list(events))

    def events(self, *types: str) -> list[Event]:
        """The events of these types in the log, oldest first."""
        with EventLog.open(self.home) as log:
            return [stored.event for stored in log.query(types=types or None)]

    @contextmanager
    def daemon(self, *arguments: str) -> Iterator[RunningDaemon]:
        """A daemon in a process of its own, which is stopped at the end."""
        arguments = arguments or ("-f", "flow.py")
        with (
            EventLog.open(self.home) as log,
            (self.folder / "dev.log").open("w+") as output,
            subprocess.Popen([*PROGRAM, "dev", *arguments], cwd=self.folder, stdout=output, stderr=output) as process,
        ):
            daemon = RunningDaemon(process, log, self.folder / "dev.log")
            try:
                yield daemon
            finally:
                if process.poll() is None:
                    daemon.stop()


class RunningDaemon:
    def __init__(self, process: subprocess.Popen[bytes], log: EventLog, output: Path) -> None:
        self.process, self._log, self._output, self._seen = process, log, output, 0

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, type: str, **fields: Any) -> Event:
        """The next event of this type with these values, past those that were waited for before."""
        ends_at = time.monotonic() + DEADLINE_S
        with self._log.subscribe() as woken:
            while time.monotonic() < ends_at and self.process.poll() is None:
                for stored in self._log.query(types=[type], after=self._seen):
                    if _has(stored, fields):
                        self._seen = stored.offset
                        return stored.event
                woken.wait_blocking()
        raise AssertionError(f"no {type} {fields} came; the daemon says:\n{self.output}")

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to stop, and return its exit code."""
        os.kill(self.process.pid, number)
        return self.process.wait(DEADLINE_S)


def _has(stored: StoredEvent, fields: dict[str, Any]) -> bool:
    return all(getattr(stored.event, name) == value for name, value in fields.items())


def lines_of(text: str) -> Sequence[dict[str, Any]]:
    """JSON lines as values."""
    return [json.loads(line) for line in text.splitlines()]
