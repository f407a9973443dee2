"""The worker: one process that does one run and writes what happens straight to the log.

It is forked from the warm host (`run_forked`), where everything that it needs has been imported, or, where forking is
unsafe, starts as a fresh interpreter (`python -m headwater.daemon.host.worker`) that imports the definitions itself.
A forked one may be made ahead, as a *spare* (`run_spare`): it has done all that needs no plan and waits for one. All go
the same way: a session of its own, standard output and error into the run's files, the lease, the log, the
claim (`RunStarted` and the first `StepStarted` in one transaction), then the user's code. It reports to nobody
afterwards: host and daemon may die, the run goes on.

Through its claim pipe it says `CLAIMED` once its first append is durable; anything else that it writes there is the
reason why it never came so far. It ends with status 0 when the run has ended in the log, whatever came of it; with
`LEFT_ALONE` where another process turned out to have the run; with `MACHINERY_FAILED` when headwater itself could not
go on (the log cannot be written); any other status is the user's code leaving by itself, or a signal.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from ...definitions.definitions import Definitions
from ...definitions.loading import load_definitions
from ...storage.batch import Expect
from ...storage.events import Event
from ...storage.instance import Instance
from ...storage.log import EventLog
from ..runs.execute import RunOutcome, execute_run
from ..runs.interrupts import held_interrupts
from ..runs.lease import WORKER, Lease
from ..runs.plan import RunPlan
from .protocol import FrameReader
from .rehearsal import rehearse_in_memory

CLAIMED = b"+"

LEFT_ALONE = 75
"""EX_TEMPFAIL of sysexits(3): another process had the run; whether it still works on it, its lease tells."""

MACHINERY_FAILED = 70
"""EX_SOFTWARE of sysexits(3): seldom used by anybody, so that it is told apart from a step that leaves with 1."""


def run_forked(
    definitions: Definitions, home: Path, run_id: str, plan: bytes, *, claim_fd: int, inherited_fds: Sequence[int]
) -> NoReturn:
    """Do the run `plan` in this process, just forked, and end it. `inherited_fds` are the host's own, to be closed."""
    claim = _Claim(claim_fd)
    status = MACHINERY_FAILED
    try:
        leave_the_host(inherited_fds)
        redirect_output(home, run_id)
        status = work(definitions, home, RunPlan.from_bytes(plan), claim)
    except BaseException as error:
        status = _status_of(error, claim)
    finally:
        leave(status)


def run_spare(
    definitions: Definitions, home: Path, *, orders_fd: int, claim_fd: int, inherited_fds: Sequence[int]
) -> NoReturn:
    """Get ready in this process, just forked, wait for a run at `orders_fd`, do it, and end.

    Getting ready is what a run would otherwise wait for: the fork itself, the open log, and the pages that the first
    run of anything copies or maps. Ends without having done anything when the other end of `orders_fd` is closed.
    """
    claim = _Claim(claim_fd)
    status = MACHINERY_FAILED
    try:
        leave_the_host(inherited_fds)
        log = EventLog.open(home)
        if not select.select([orders_fd], [], [], 0)[0]:  # else a run is waiting already
            rehearse_in_memory()
        run_id, plan = _wait_for_orders(orders_fd)
        redirect_output(home, run_id)
        status = work(definitions, home, RunPlan.from_bytes(plan), claim, log)
    except BaseException as error:
        status = _status_of(error, claim)
    finally:
        leave(status)


def leave_the_host(inherited_fds: Sequence[int]) -> None:
    """Undo what a fork takes over: the host's handlers and descriptors, and its session."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor in inherited_fds:
        os.close(descriptor)
    os.setsid()


def _wait_for_orders(orders_fd: int) -> tuple[str, bytes]:
    reader = FrameReader()
    while data := os.read(orders_fd, 65536):
        for frame in reader.feed(data):
            os.close(orders_fd)
            return frame.message["launch"], frame.blob
    os._exit(0)  # the host is gone or needs no spare any more


def work(definitions: Definitions, home: Path, plan: RunPlan, claim: _Claim, opened: EventLog | None = None) -> int:
    """Take the lease, claim the run and execute it; returns the status to leave with, `LEFT_ALONE` where another has
    it.

    Neither lease nor log is closed: the process ends here, and closing the log would only queue up for its lock.
    """
    if not Lease.of_run(home, plan.run_id).take(WORKER):
        return LEFT_ALONE
    log = opened or EventLog.open(home)

    @contextmanager
    def around_fork() -> Iterator[None]:
        nonlocal log
        log.close()
        yield
        log = EventLog.open(home)

    def append(events: Sequence[Event], expect: Expect | None) -> range:
        offsets = log.append(events, expect=expect)
        claim.made()
        return offsets

    def look_further(position: int) -> int | None:
        newer = log.query(run_id=plan.run_id, after=position, limit=1)
        return newer[0].offset if newer else None

    outcome = execute_run(
        definitions,
        plan,
        append,
        home=home,
        instance=lambda: Instance(log, home),
        look_further=look_further,
        around_fork=around_fork,
        hold_interrupts=held_interrupts,
    )
    return LEFT_ALONE if outcome is RunOutcome.CLAIM_LOST else 0


def redirect_output(home: Path, run_id: str) -> None:
    """Let descriptors 1 and 2 lead to the run's `stdout.log` and `stderr.log`, at their ends."""
    folder = f"{home}/runs/{run_id}"
    os.makedirs(folder, exist_ok=True)
    for descriptor, name in ((1, "stdout.log"), (2, "stderr.log")):
        file = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        os.dup2(file, descriptor)
        os.close(file)


class _Claim:
    """The worker's end of its claim pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self.is_made: bool = False

    def made(self) -> None:
        if self._descriptor is not None:
            self.is_made = True
            self._say(CLAIMED)

    def refuse(self, reason: str) -> None:
        if self._descriptor is not None:
            self._say(reason.encode()[-4000:])  # what fits into a pipe at once: the host may be gone

    def _say(self, what: bytes) -> None:
        assert self._descriptor is not None
        descriptor, self._descriptor = self._descriptor, None
        try:
            os.write(descriptor, what)
        except BrokenPipeError:  # the host is gone, and the run goes on
            pass
        finally:
            os.close(descriptor)


def _status_of(error: BaseException, claim: _Claim) -> int:
    if isinstance(error, KeyboardInterrupt) and claim.is_made:
        return 0  # it was cancelled, and `execute_run` has written so
    traceback.print_exception(error)
    claim.refuse("".join(traceback.format_exception(error)))
    return MACHINERY_FAILED


def leave(status: int) -> NoReturn:
    """End without the exit handlers that were registered in the host: what they would close is not ours."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # a stream that user code closed or replaced must not change the status
            continue
    os._exit(status)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """A run in a fresh interpreter: imports the definitions, then does what a forked worker does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--claim-fd", type=int, required=True)
    parser.add_argument("-f", dest="file", type=Path)
    parser.add_argument("-m", dest="module")
    given = parser.parse_args(arguments)
    claim = _Claim(given.claim_fd)
    os.set_inheritable(given.claim_fd, False)
    status = MACHINERY_FAILED
    try:
        redirect_output(given.home, given.run_id)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        definitions = load_definitions(given.file, given.module)
        status = work(definitions, given.home, RunPlan.from_bytes(given.plan.read_bytes()), claim)
    except BaseException as error:
        status = _status_of(error, claim)
    finally:
        leave(status)


if __name__ == "__main__":
    main()
