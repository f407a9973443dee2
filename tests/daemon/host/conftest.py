"""A project on disk with a log of its own, and the few things that tests of hosts and workers do with it."""

from __future__ import annotations

import os
import signal
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from headwater.daemon.host.client import CodeHost
from headwater.daemon.host.source import CodeSource
from headwater.daemon.runs.lease import Lease, is_held
from headwater.daemon.runs.plan import RunPlan, StepPlan
from headwater.storage.events import Event, RunRequested, Target
from headwater.storage.log import EventLog


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path)
    yield project
    project.log.close()


class Project:
    """`defs.py` in a folder, HEADWATER_HOME beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.log = EventLog.open(self.home)
        self.source = CodeSource.of_file(folder / "defs.py", folder=folder)
        self._run_count = 0

    def write(self, code: str, *, name: str = "defs.py") -> None:
        """Put a file there in one step, as an editor does."""
        new = self.folder / f"{name}.new"
        new.write_text(textwrap.dedent(code))
        new.replace(self.folder / name)

    @asynccontextmanager
    async def host(self, code: str | None = None, **options: Any) -> AsyncIterator[CodeHost]:
        if code is not None:
            self.write(code)
        host = await CodeHost.start(options.pop("source", self.source), self.home, **options)
        try:
            yield host
        finally:
            await host.aclose()

    def request(self, asset_key: str) -> RunPlan:
        """Append the request of a run of one unpartitioned asset, and plan it."""
        self._run_count += 1
        run_id = f"run-{self._run_count}"
        offsets = self.log.append([RunRequested(run_id=run_id, targets=(Target(asset_key=asset_key),))])
        step = StepPlan(step_key=asset_key, targets=(Target(asset_key=asset_key),))
        return RunPlan(run_id=run_id, requested_offset=offsets[-1], steps=(step,))

    def events(self, run_id: str) -> list[Event]:
        return [stored.event for stored in self.log.query(run_id=run_id)]

    def types(self, run_id: str) -> list[str]:
        return [event.type for event in self.events(run_id)]

    async def until(self, run_id: str, event_type: str) -> None:
        """Wait until the log holds an event of this type of the run."""
        with anyio.fail_after(30):
            with self.log.subscribe() as wakeups:
                while event_type not in self.types(run_id):
                    await wakeups.wait()

    def output(self, run_id: str, name: str = "stdout.log") -> str:
        return (self.home / "runs" / run_id / name).read_text()

    def works_on(self, run_id: str) -> bool:
        """Whether a living worker holds the run's lease."""
        return is_held(Lease.of_run(self.home, run_id).path)


@pytest.fixture
def pid_written(tmp_path: Path) -> Iterator[PidFile]:
    """Where a step writes its process id; whatever is left of that process is ended with the test."""
    file = PidFile(tmp_path / "pid")
    yield file
    if file.path.exists():
        try:
            os.kill(file.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


class PidFile:
    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        assert self._pid is not None
        return self._pid

    async def read(self) -> int:
        """Wait until the step has said who it is."""
        self._pid = int(await anyio.Path(self.path).read_text())
        return self._pid
