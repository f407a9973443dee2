"""Steps of one run in processes of their own, forked from a real worker of a real host."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
import pytest

from headwater.daemon.host.client import Exited
from headwater.daemon.runs.plan import RunPlan
from headwater.storage.events import RunRequested, RunStarted, StepStarted, StepSucceeded

from .conftest import Project

pytestmark = pytest.mark.anyio

JOB = """
import os
from headwater import Definitions, DynamicOut, DynamicOutput, job, multiprocess_executor, op

@op(out=DynamicOut())
def names():
    for name in "abcd":
        yield DynamicOutput(name, mapping_key=name)

@op
def pid(name):
    print(name)
    return os.getpid()

@op
def distinct(pids):
    assert len({*pids, os.getppid()}) == 5

@job(executor_def=multiprocess_executor.configured({"max_concurrent": 3}))
def work():
    distinct(names().map(pid).collect())

defs = Definitions(jobs=[work])
"""

HANGING = """
import os
from pathlib import Path
from headwater import Definitions, asset, multiprocess_executor

@asset
def step():
    with open("held", "w") as held:
        held.write("here")
        held.flush()
        Path("never").read_text()

defs = Definitions(assets=[step], executor=multiprocess_executor)
"""


def requested(project: Project, job_name: str) -> RunPlan:
    offset = project.log.append([RunRequested(run_id="run-1", job_name=job_name)])[0]
    return RunPlan(run_id="run-1", requested_offset=offset, job_name=job_name)


async def test_the_steps_of_a_job_have_processes_of_their_own(project: Project) -> None:
    async with project.host(JOB) as host:
        plan = requested(project, "work")
        await host.launch(plan)
        assert await host.receive() == Exited("run-1", 0)
    assert project.types("run-1")[-1] == "run_succeeded"
    assert sum(isinstance(event, StepSucceeded) for event in project.events("run-1")) == 6
    assert sorted(project.output("run-1").split()) == ["a", "b", "c", "d"]
    assert project.output("run-1", "stderr.log") == ""


async def test_the_steps_of_a_worker_that_is_killed_do_not_live_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("held", "never"):
        os.mkfifo(project.folder / name)
    monkeypatch.chdir(project.folder)
    async with project.host(HANGING) as host:
        plan = project.request("step")
        await host.launch(plan)
        with anyio.fail_after(30):
            held = await anyio.open_file(Path(project.folder / "held"))
            assert await held.read(4) == "here"
            (started,) = [event for event in project.events(plan.run_id) if isinstance(event, RunStarted)]
            os.kill(int(started.worker.removeprefix("pid ")), signal.SIGKILL)
            assert await host.receive() == Exited(plan.run_id, -signal.SIGKILL)
            assert await held.read() == "", "the step still holds its end of the pipe"
            await held.aclose()
    assert any(isinstance(event, StepStarted) for event in project.events(plan.run_id))
    assert not project.works_on(plan.run_id)
