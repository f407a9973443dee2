"""Ending the worker of a run that was cancelled: it is asked first, and made to after a while.

    SIGINT        interrupts the step as ctrl-C would: `finally` blocks run, resources are closed, and what was made
                  before is written; then the worker leaves
    SIGTERM       after `ASKED_S`: for code that does not notice an interrupt, such as a long call into a library
    SIGKILL       after another `TOLD_S`, to all that the worker has started

Who the worker is says the lease: the kernel knows which process holds its lock, so a number that was given to another
process is never hit. A lease that a worker holds is marked as such. Other programs that do a run themselves
(`materialize` in a notebook) are left alone: they end the run after the step they are in.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio

from .lease import Lease, holder, is_marked, wait_released

ASKED_S = 5.0
TOLD_S = 2.0


async def stop_worker(home: Path, run_id: str, *, asked_s: float = ASKED_S, told_s: float = TOLD_S) -> None:
    """Have the worker of a run that has ended in the log stop; returns when nobody works on the run any more."""
    path = Lease.of_run(home, run_id).path
    if is_marked(path):
        for number, wait_s in ((signal.SIGINT, asked_s), (signal.SIGTERM, told_s)):
            if not _signalled(path, number):
                return
            with anyio.move_on_after(wait_s):
                await wait_released(path)
                return
        _signalled(path, signal.SIGKILL)
    await wait_released(path)


def _signalled(path: Path, number: signal.Signals) -> bool:
    """Send a signal to whoever holds the lease, the last one to its whole session; whether anybody does."""
    pid = holder(path)
    if pid is None:
        return False
    try:
        process = os.pidfd_open(pid)  # from here on the number cannot become another process's
    except (AttributeError, OSError):  # not on this system, or it has just ended
        return holder(path) == pid and _killed(pid, number)
    try:
        if holder(path) != pid:
            return False
        if number == signal.SIGKILL:
            return _killed(pid, number)
        signal.pidfd_send_signal(process, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(process)


def _killed(pid: int, number: signal.Signals) -> bool:
    try:
        if number == signal.SIGKILL and os.getpgid(pid) == pid:  # a worker leads a session of its own
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
