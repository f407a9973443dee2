"""Leases: held by one process, given back by its death, and never disturbed by a look."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from headwater.daemon.runs.lease import Lease, LeaseTaken, is_held, wait_released

HOLDER = """
import sys
from pathlib import Path
from headwater.daemon.runs.lease import Lease
assert Lease(Path(sys.argv[1])).take()
print("taken", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lease until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_lease_lies_in_the_folder_of_its_run(tmp_path: Path) -> None:
    assert Lease.of_run(tmp_path, "r1").path == tmp_path / "runs" / "r1" / "lease"


def test_a_lease_that_nobody_took_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    assert not is_held(path)
    path.touch()
    assert not is_held(path)


def test_taking_makes_the_folder_and_releasing_frees_the_lease(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "deep" / "down" / "lease")
    assert lease.take()
    assert is_held(lease.path)
    lease.release()
    assert not is_held(lease.path)
    lease.release()


def test_a_process_that_looks_at_its_own_lease_keeps_it(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "lease")
    with lease:
        assert is_held(lease.path)
        assert not Lease(lease.path).take()
        # The lock itself is still there: another process sees it.
        seen = subprocess.run(
            [sys.executable, "-c", f"{LOOK}print(is_held(Path({str(lease.path)!r})))"], capture_output=True, text=True
        )
        assert seen.stdout == "True\n"


LOOK = "from pathlib import Path\nfrom headwater.daemon.runs.lease import is_held\n"


def test_a_lease_of_another_process_cannot_be_taken(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    with held_by_another(path):
        assert is_held(path)
        assert not Lease(path).take()
        with pytest.raises(LeaseTaken, match="lease"), Lease(path):
            pass


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    with held_by_another(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not is_held(path)
        with Lease(path):
            assert is_held(path)


def test_a_forked_child_does_not_hold_its_parents_lease(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "lease")
    assert lease.take()
    pid = os.fork()
    if pid == 0:  # the child sees that its parent holds it, and cannot take it
        os._exit(0 if is_held(lease.path) and not Lease(lease.path).take() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert is_held(lease.path)
    lease.release()


def test_waiting_ends_with_the_process_that_holds_the_lease(tmp_path: Path) -> None:
    path = tmp_path / "lease"

    async def wait() -> None:
        with held_by_another(path) as process, anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait_released, path)
                await anyio.wait_all_tasks_blocked()
                assert is_held(path)
                process.send_signal(signal.SIGKILL)

    anyio.run(wait)
    assert not is_held(path)


def test_waiting_for_a_free_lease_ends_at_once(tmp_path: Path) -> None:
    anyio.run(wait_released, tmp_path / "lease")


def test_a_wait_can_be_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "lease"

    async def wait() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait_released, path)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert is_held(path)

    with held_by_another(path):
        anyio.run(wait)


def test_a_process_does_not_wait_for_itself(tmp_path: Path) -> None:
    with Lease(tmp_path / "lease") as lease, pytest.raises(RuntimeError, match="holds itself"):
        anyio.run(wait_released, lease.path)
