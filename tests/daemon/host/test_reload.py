"""Hot reload and the supervisor: which host is current, what is reported, what survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from headwater.daemon.host.client import CodeHostGone, Exited
from headwater.daemon.host.reload import HostDied, HostEvent, HostSupervisor, Loaded, LoadFailed

from .conftest import PidFile, Project

pytestmark = pytest.mark.anyio

ASSET = "import os\nfrom headwater import asset\n\n@asset\ndef {0}():\n    {1}\n"


@asynccontextmanager
async def supervised(project: Project) -> AsyncIterator[HostSupervisor]:
    hosts = HostSupervisor(project.source, project.home)
    async with anyio.create_task_group() as tasks:
        await tasks.start(hosts.run)
        with anyio.fail_after(30):
            yield hosts
        tasks.cancel_scope.cancel()
    hosts.events.close()


async def next_event(hosts: HostSupervisor, kind: type[HostEvent]) -> HostEvent:
    event = await hosts.events.receive()
    assert isinstance(event, kind), event
    return event


async def test_broken_sources_are_reported_and_their_fix_is_picked_up(project: Project) -> None:
    project.write("def broken(:\n")
    async with supervised(project) as hosts:
        failed = await next_event(hosts, LoadFailed)
        assert isinstance(failed, LoadFailed)
        assert "SyntaxError" in failed.errors[0]
        assert hosts.current is None
        with pytest.raises(CodeHostGone):
            await hosts.launch(project.request("one"))
        project.write(ASSET.format("one", "pass"))
        loaded = await next_event(hosts, Loaded)
        assert isinstance(loaded, Loaded)
        assert list(loaded.snapshot.assets) == ["one"]


async def test_a_change_takes_over_and_a_broken_one_does_not(project: Project) -> None:
    project.write(ASSET.format("one", "pass"))
    async with supervised(project) as hosts:
        await next_event(hosts, Loaded)
        project.write(ASSET.format("two", "pass"))
        loaded = await next_event(hosts, Loaded)
        assert isinstance(loaded, Loaded)
        assert list(loaded.snapshot.assets) == ["two"]
        project.write("raise RuntimeError('half an edit')")
        failed = await next_event(hosts, LoadFailed)
        assert isinstance(failed, LoadFailed)
        assert "half an edit" in failed.traceback
        plan = project.request("two")
        await hosts.launch(plan)
        assert await next_event(hosts, Exited) == Exited(plan.run_id, 0)


async def test_a_run_in_flight_finishes_on_the_host_it_started_on(project: Project, pid_written: PidFile) -> None:
    go = project.folder / "go"
    os.mkfifo(go)
    body = f"open({str(pid_written.path)!r}, 'w').write(str(os.getpid())); open({str(go)!r}).read(); print('old')"
    project.write(ASSET.format("one", body))
    async with supervised(project) as hosts:
        await next_event(hosts, Loaded)
        plan = project.request("one")
        await hosts.launch(plan)
        await pid_written.read()
        project.write(ASSET.format("one", "print('new')"))
        await next_event(hosts, Loaded)
        go.write_text("")
        assert await next_event(hosts, Exited) == Exited(plan.run_id, 0)
        newer = project.request("one")
        await hosts.launch(newer)
        assert await next_event(hosts, Exited) == Exited(newer.run_id, 0)
    assert project.output(plan.run_id) == "old\n"
    assert project.output(newer.run_id) == "new\n"


async def test_a_host_that_is_killed_is_reported_with_its_runs_and_replaced(
    project: Project, pid_written: PidFile
) -> None:
    go = project.folder / "go"
    os.mkfifo(go)
    body = f"open({str(pid_written.path)!r}, 'w').write(str(os.getpid())); open({str(go)!r}).read()"
    project.write(ASSET.format("one", body))
    async with supervised(project) as hosts:
        await next_event(hosts, Loaded)
        plan = project.request("one")
        await hosts.launch(plan)
        await pid_written.read()
        assert hosts.current is not None
        os.kill(hosts.current.pid, signal.SIGKILL)
        assert await next_event(hosts, HostDied) == HostDied(-signal.SIGKILL, frozenset({plan.run_id}))
        await next_event(hosts, Loaded)
        go.write_text("")
        await project.until(plan.run_id, "run_succeeded")


DAEMON = """
import sys
from pathlib import Path
import anyio
from headwater.daemon.host.client import CodeHost
from headwater.daemon.host.source import CodeSource
from headwater.daemon.runs.plan import RunPlan

async def main():
    host = await CodeHost.start(CodeSource.of_file(sys.argv[1]), Path(sys.argv[2]))
    await host.launch(RunPlan.from_bytes(sys.stdin.buffer.read()))
    await anyio.sleep_forever()

anyio.run(main)
"""


async def test_ctrl_c_in_the_daemons_terminal_does_not_reach_a_step(project: Project, pid_written: PidFile) -> None:
    go = project.folder / "go"
    os.mkfifo(go)
    body = f"open({str(pid_written.path)!r}, 'w').write(str(os.getpid())); open({str(go)!r}).read()"
    project.write(ASSET.format("one", body))
    plan = project.request("one")
    command = [sys.executable, "-c", DAEMON, str(project.source.file), str(project.home)]
    daemon = subprocess.Popen(  # noqa: ASYNC220 - a moment, in a test
        command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert daemon.stdin is not None
    daemon.stdin.write(plan.to_bytes())
    daemon.stdin.close()
    await pid_written.read()
    os.killpg(daemon.pid, signal.SIGINT)
    await anyio.to_thread.run_sync(daemon.wait)
    assert project.works_on(plan.run_id)
    go.write_text("")
    await project.until(plan.run_id, "run_succeeded")
