"""What a run leaves behind, however its step ends. Real hosts, real forks."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import Any

import pytest

from headwater.daemon.host.client import CodeHostFailed, Exited, LaunchFailed
from headwater.daemon.host.source import CodeSource
from headwater.daemon.host.worker import LEFT_ALONE
from headwater.storage.events import RunFailed, RunStarted, StepFailed
from headwater.storage.instance import Instance

from .conftest import PidFile, Project

pytestmark = pytest.mark.anyio

STEP = """
import os, sys, threading, time
from headwater import asset

@asset
def step():
    {0}
"""


async def test_a_run_is_claimed_executed_and_reported(project: Project) -> None:
    async with project.host(STEP.format("print('made')")) as host:
        assert list(host.snapshot.assets) == ["step"]
        plan = project.request("step")
        await host.launch(plan)
        assert await host.receive() == Exited(plan.run_id, 0)
    claim = ["run_started", "step_started"]
    assert project.types(plan.run_id) == [
        "run_requested",
        *claim,
        "asset_materialized",
        "step_succeeded",
        "run_succeeded",
    ]
    assert not project.works_on(plan.run_id)


async def test_a_worker_asks_the_log_that_it_writes_to_for_what_was_before(project: Project) -> None:
    code = """
from headwater import AssetExecutionContext, asset

@asset
def step(context: AssetExecutionContext):
    last = context.instance.get_latest_materialization_event("source")
    print(last.asset_materialization.metadata["rows"].value)
"""
    Instance(project.log, project.home).report_materialization("source", metadata={"rows": 3})
    async with project.host(code) as host:
        plan = project.request("step")
        await host.launch(plan)
        await host.receive()
    assert project.output(plan.run_id) == "3\n"


async def test_prints_of_a_step_and_of_its_children_go_to_the_files_of_the_run(project: Project) -> None:
    code = "print('a line'); os.system('echo from a child'); print('no newline', end=''); sys.stderr.write('woe')"
    async with project.host(STEP.format(code)) as host:
        plan = project.request("step")
        await host.launch(plan)
        await host.receive()
    assert project.output(plan.run_id) == "a line\nfrom a child\nno newline"
    assert project.output(plan.run_id, "stderr.log") == "woe"


async def test_a_print_is_in_the_file_as_soon_as_its_line_ends(project: Project, pid_written: PidFile) -> None:
    code = f"print('before'); open({str(pid_written.path)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    async with project.host(STEP.format(code)) as host:
        plan = project.request("step")
        await host.launch(plan)
        await pid_written.read()
        assert project.output(plan.run_id) == "before\n"


async def test_what_the_import_printed_is_not_printed_again_by_each_worker(project: Project) -> None:
    code = "print('importing', end='')\n" + STEP.format("pass")
    async with project.host(code) as host:
        plan = project.request("step")
        await host.launch(plan)
        await host.receive()
    assert project.output(plan.run_id) == ""
    assert (project.home / "host.log").read_text() == "importing"


async def test_a_step_that_raises_fails_its_run_and_its_worker_ends_well(project: Project) -> None:
    async with project.host(STEP.format("raise ValueError('no good')")) as host:
        plan = project.request("step")
        await host.launch(plan)
        assert await host.receive() == Exited(plan.run_id, 0)
    (failed,) = [event for event in project.events(plan.run_id) if isinstance(event, StepFailed)]
    assert failed.error.cls == "ValueError"
    assert isinstance(project.events(plan.run_id)[-1], RunFailed)


@pytest.mark.parametrize(
    ("code", "status"),
    [("os._exit(3)", 3), ("os.kill(os.getpid(), 9)", -9), ("os.abort()", -signal.SIGABRT)],
)
async def test_a_step_that_ends_its_process_is_reported_with_how(project: Project, code: str, status: int) -> None:
    async with project.host(STEP.format(code)) as host:
        plan, after = project.request("step"), project.request("step")
        await host.launch(plan)
        assert await host.receive() == Exited(plan.run_id, status)
        assert project.types(plan.run_id)[-1] == "step_started"
        assert not project.works_on(plan.run_id)
        await host.launch(after)
        assert await host.receive() == Exited(after.run_id, status)


async def test_a_run_that_is_launched_twice_is_done_once(project: Project) -> None:
    async with project.host(STEP.format("print('made')")) as host:
        plan = project.request("step")
        await host.launch(plan)
        await host.launch(plan)
        ends = {
            message.status for message in (await host.receive(), await host.receive()) if isinstance(message, Exited)
        }
        assert ends == {0, LEFT_ALONE}
    assert project.types(plan.run_id).count("run_started") == 1
    assert project.output(plan.run_id) == "made\n"


async def test_a_run_that_somebody_has_claimed_is_left_alone(project: Project) -> None:
    async with project.host(STEP.format("print('made')")) as host:
        plan = project.request("step")
        project.log.append([RunStarted(run_id=plan.run_id, worker="somebody")])
        await host.launch(plan)
        assert await host.receive() == Exited(plan.run_id, LEFT_ALONE)
    assert project.types(plan.run_id) == ["run_requested", "run_started"]


@pytest.mark.parametrize("options", [{"start_method": "spawn"}, {}], ids=["spawn", "threads at import"])
async def test_where_a_fork_is_unsafe_a_fresh_interpreter_does_the_run(project: Project, options: Any) -> None:
    thread = "" if options else "threading.Thread(target=time.sleep, args=(600,), name='pusher', daemon=True).start()\n"
    code = STEP.format("print(os.getppid(), os.getsid(0) == os.getpid())") + thread
    async with project.host(code, **options) as host:
        assert ("pusher" in (host.fork_unsafe or "")) == bool(thread)
        plan = project.request("step")
        await host.launch(plan)
        assert await host.receive() == Exited(plan.run_id, 0)
        assert project.output(plan.run_id) == f"{host.pid} True\n"
    assert project.types(plan.run_id)[-1] == "run_succeeded"


HANGS_IN_A_FORK = """
import os, time
os.register_at_fork(after_in_child=lambda: {0})
"""


@pytest.mark.parametrize("how", ["time.sleep(600)", "os._exit(9)"])
async def test_a_fork_that_does_not_come_to_its_claim_is_replaced_by_a_fresh_interpreter(
    project: Project, how: str
) -> None:
    code = HANGS_IN_A_FORK.format(how) + STEP.format("print('made')")
    async with project.host(code, fork_claim_s=0.3) as host:
        plan = project.request("step")
        await host.launch(plan)
        assert await host.receive() == Exited(plan.run_id, 0)
    assert project.output(plan.run_id) == "made\n"


async def test_a_host_whose_forks_fail_does_without_them_after_a_while(project: Project) -> None:
    code = HANGS_IN_A_FORK.format("os._exit(9)") + STEP.format("print('made')")
    async with project.host(code) as host:
        for _ in range(3):
            plan = project.request("step")
            await host.launch(plan)
            assert await host.receive() == Exited(plan.run_id, 0)
    assert (project.home / "host.log").read_text().count("did not claim its run") == 2


async def test_a_plan_of_any_size_reaches_its_worker(project: Project) -> None:
    async with project.host(STEP.format("print('made')")) as host:
        for size in (1_000, 40_000, 3_000_000):
            plan = replace(project.request("step"), definitions="x" * size)
            await host.launch(plan)
            assert await host.receive() == Exited(plan.run_id, 0)
            assert project.output(plan.run_id) == "made\n"


async def test_a_run_that_no_worker_can_start_is_reported_with_the_reason(project: Project) -> None:
    code = "import os\nif os.path.exists('gone'): raise RuntimeError('not twice')\n" + STEP.format("pass")
    async with project.host(code, start_method="spawn") as host:
        plan = project.request("step")
        (project.folder / "gone").touch()
        await host.launch(plan)
        message = await host.receive()
    assert isinstance(message, LaunchFailed)
    assert "not twice" in message.message
    assert project.types(plan.run_id) == ["run_requested"]


async def test_workers_go_on_when_their_host_is_killed(project: Project, pid_written: PidFile) -> None:
    go = project.folder / "go"
    os.mkfifo(go)
    path = str(pid_written.path)
    code = f"open({path!r}, 'w').write(str(os.getpid())); open({str(go)!r}).read(); print('made')"
    async with project.host(STEP.format(code)) as host:
        plan = project.request("step")
        await host.launch(plan)
        await pid_written.read()
        os.kill(host.pid, signal.SIGKILL)
        assert await host.receive() is None
        assert host.returncode in (None, -signal.SIGKILL)
        assert host.in_flight == {plan.run_id}
        assert project.works_on(plan.run_id)
        go.write_text("")
        await project.until(plan.run_id, "run_succeeded")
    assert project.output(plan.run_id) == "made\n"


async def test_a_closed_host_ends_with_its_last_worker(project: Project, pid_written: PidFile) -> None:
    go = project.folder / "go"
    os.mkfifo(go)
    path = str(pid_written.path)
    code = f"open({path!r}, 'w').write(str(os.getpid())); open({str(go)!r}).read()"
    async with project.host(STEP.format(code)) as host:
        plan = project.request("step")
        await host.launch(plan)
        await pid_written.read()
        host.retire()
        go.write_text("")
        assert await host.receive() == Exited(plan.run_id, 0)
        assert await host.receive() is None
    assert host.returncode == 0


@pytest.mark.parametrize("name", ["definitions", "storage", "daemon", "headwater_project"])
async def test_a_module_may_be_called_as_our_own_rooms_are(project: Project, name: str) -> None:
    project.write(STEP.format("import this_helper; print(this_helper.__file__)"), name=f"{name}.py")
    project.write("", name="this_helper.py")
    async with project.host(source=CodeSource.of_module(name, folder=project.folder)) as host:
        plan = project.request("step")
        await host.launch(plan)
        assert await host.receive() == Exited(plan.run_id, 0)
    assert project.output(plan.run_id) == f"{project.folder / 'this_helper.py'}\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nowhere_to_be_found", "nowhere_to_be_found"),
        ("def f(:\n  pass", "SyntaxError"),
        ("import sys\nsys.exit('enough')", "enough"),
        ("import os\nos._exit(4)", "status 4"),
        ("x = 1", "no "),
    ],
)
async def test_sources_that_do_not_load_say_why(project: Project, code: str, said: str) -> None:
    with pytest.raises(CodeHostFailed) as caught:
        async with project.host(code):
            pass
    assert said in "\n".join(caught.value.errors) + caught.value.traceback


async def test_an_import_error_has_the_users_lines_in_its_traceback(project: Project) -> None:
    project.write("def broken():\n    raise RuntimeError('inside')\n", name="part.py")
    with pytest.raises(CodeHostFailed) as caught:
        async with project.host("import part\npart.broken()\n"):
            pass
    assert "part.py" in caught.value.traceback
    assert "RuntimeError: inside" in caught.value.traceback


async def test_all_errors_of_the_definitions_come_at_once(project: Project) -> None:
    code = """
    from headwater import asset

    @asset
    def one(ghost_a): ...

    @asset
    def two(ghost_b): ...
    """
    with pytest.raises(CodeHostFailed) as caught:
        async with project.host(code):
            pass
    assert len(caught.value.errors) == 2
    assert "ghost_a" in caught.value.errors[0]


async def test_an_import_that_does_not_end_is_given_up(project: Project) -> None:
    with pytest.raises(CodeHostFailed) as caught:
        async with project.host("import time\ntime.sleep(600)", load_s=0.5):
            pass
    assert "did not end within 0.5 s" in str(caught.value)
