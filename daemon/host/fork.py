"""The workers of one code host: how they are forked, watched until their claim, and reaped.

    launched ── claims in time ──> claimed ── ends ──> exited
        └ dies, or misses its deadline, before the claim: once more in a fresh interpreter ── fails ──> launch failed

A launch takes the *spare* if there is one: a worker that was forked ahead and waits, ready, for its plan. The next one
is forked once no worker is on its way to its claim, so that it takes nothing from a run that starts. Without a spare
(several launches at once) a launch forks.

A fork takes the import for granted that the host has done, so it starts in milliseconds. A fork that does not come as
far as its claim has most likely inherited something that does not survive one (see `fork_safety.py`); nothing of the
run has happened then, so it is safe to try again in a fresh interpreter, which is slow but inherits nothing. Should the
dead worker's claim have been made in the last instant after all, the second one loses it and leaves the run alone.
After `FORKS_TRIED` failures in a row the host forks no more, so that not every run has to wait for the deadline first.

"Exited" therefore promises one thing: no worker of this host is at the run any more. Whether the run has ended, the log
knows; whether another process is at it, the lease.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...definitions.definitions import Definitions
from . import worker
from .fork_safety import unsafe_to_fork
from .protocol import Message, pack
from .source import CodeSource

FORK_CLAIM_S = 5.0
"""How long a forked worker may take to claim its run. It takes milliseconds; with hundreds at once, a second."""

FORKS_TRIED = 2

SPARE_PLAN_LIMIT = 32_768
"""Bytes of a plan that go into an empty pipe in one piece, so that the host never waits for a spare that hangs."""

FRESH_CLAIM_S = 300.0
"""The same for a fresh interpreter, which first imports the definitions."""


@dataclass(slots=True)
class Worker:
    """A process at a run, from its start until it is reaped.

    `claim_fd` is closed as soon as nothing more can come; `deadline` is None once the claim was made or given up.
    """

    run_id: str
    plan: bytes
    fresh: bool
    pid: int
    claim_fd: int | None
    deadline: float | None
    claimed: bool = False
    refusal: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Spare:
    """A forked worker without a run. `orders_fd` takes one frame; when the host closes it, or dies, it leaves."""

    pid: int
    orders_fd: int
    claim_fd: int


class Workers:
    """Starts a worker for each run it is told of, and reports how they ended to `report`.

    Belongs to the host's loop: `selector` carries the claim pipes (with a `Worker` as data, to be given to `on_claim`),
    `on_child_ended` is called after SIGCHLD and `on_deadline` when `next_deadline` has come.
    `host_fds` are the descriptors that a fork has to close.
    """

    def __init__(
        self,
        definitions: Definitions,
        source: CodeSource,
        home: Path,
        *,
        selector: selectors.BaseSelector,
        host_fds: Callable[[], list[int]],
        report: Callable[[Message], None],
        always_fresh: bool = False,
        fork_claim_s: float = FORK_CLAIM_S,
    ) -> None:
        self._definitions, self._source, self._home = definitions, source, home
        self._selector, self._host_fds, self._report = selector, host_fds, report
        self._always_fresh, self._fork_claim_s = always_fresh, fork_claim_s
        self._workers: dict[int, Worker] = {}
        self._spare: Spare | None = None
        self._wants_spare = not always_fresh
        self._forks_failed = 0

    def __len__(self) -> int:
        return len(self._workers)

    @property
    def next_deadline(self) -> float | None:
        """The monotonic instant at which the first unclaimed worker is given up."""
        return min((w.deadline for w in self._workers.values() if w.deadline is not None), default=None)

    def launch(self, run_id: str, plan: bytes) -> None:
        """Start a worker for the run: a fork where that is safe, else a fresh interpreter."""
        try:
            if self._spare is not None and self._order(self._spare, run_id, plan):
                return
            if self._always_fresh or unsafe_to_fork() is not None:
                self._start_fresh(run_id, plan)
            else:
                self._fork(run_id, plan)
        except OSError as error:  # no memory, no process numbers, no descriptors, a full disk
            self._report({"launch_failed": run_id, "message": f"no worker could be started: {error}"})

    def _fork(self, run_id: str, plan: bytes) -> None:
        ours, theirs = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(ours)
            os.close(theirs)
            raise
        if pid == 0:
            worker.run_forked(
                self._definitions, self._home, run_id, plan, claim_fd=theirs, inherited_fds=[ours, *self.all_fds()]
            )
        os.close(theirs)
        self._watch(Worker(run_id, plan, False, pid, ours, time.monotonic() + self._fork_claim_s))

    def all_fds(self) -> list[int]:
        """What a fork has to close: the host's own descriptors, and those of other children."""
        pipes = [w.claim_fd for w in self._workers.values() if w.claim_fd is not None]
        if self._spare is not None:
            pipes += [self._spare.orders_fd, self._spare.claim_fd]
        return [*self._host_fds(), *pipes]

    # ---- spares ------------------------------------------------------------------------------------------------------

    def prepare_spare(self) -> None:
        """Fork a spare where there is none and no run is waiting for its worker just now."""
        if self._spare is not None or not self._wants_spare or self.next_deadline is not None:
            return
        if unsafe_to_fork() is not None:
            return
        orders_theirs, orders = os.pipe()
        claim, claim_theirs = os.pipe()
        try:
            pid = os.fork()
        except OSError:  # a launch will try again, and report it
            for descriptor in (orders, orders_theirs, claim, claim_theirs):
                os.close(descriptor)
            self._wants_spare = False
            return
        if pid == 0:
            worker.run_spare(
                self._definitions,
                self._home,
                orders_fd=orders_theirs,
                claim_fd=claim_theirs,
                inherited_fds=[orders, claim, *self.all_fds()],
            )
        os.close(orders_theirs)
        os.close(claim_theirs)
        os.set_blocking(orders, False)
        self._spare = Spare(pid, orders, claim)

    def dismiss_spare(self) -> None:
        """Send the spare away; no other takes its place."""
        self._wants_spare = False
        if self._spare is not None:
            # It would leave by itself, unless it hangs since the fork. Not reaped yet, so that the number is its own.
            os.kill(self._spare.pid, signal.SIGKILL)
            os.waitpid(self._spare.pid, 0)
            self._forget_spare(self._spare)

    def _forget_spare(self, spare: Spare) -> None:
        os.close(spare.orders_fd)
        os.close(spare.claim_fd)
        self._spare = None

    def _order(self, spare: Spare, run_id: str, plan: bytes) -> bool:
        """Whether the spare could be given the run."""
        frame = pack({"launch": run_id}, plan)
        if len(frame) > SPARE_PLAN_LIMIT:
            return False
        self._spare = None
        try:
            ordered = os.write(spare.orders_fd, frame) == len(frame)
        except (BrokenPipeError, BlockingIOError):
            ordered = False
        os.close(spare.orders_fd)
        if ordered:
            self._watch(Worker(run_id, plan, False, spare.pid, spare.claim_fd, time.monotonic() + self._fork_claim_s))
        else:
            os.close(spare.claim_fd)
            os.kill(spare.pid, signal.SIGKILL)
            os.waitpid(spare.pid, 0)
        return ordered

    # ---- fresh interpreters and claims -------------------------------------------------------------------------------

    def _start_fresh(self, run_id: str, plan: bytes) -> None:
        folder = self._home / "runs" / run_id
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "plan.json"
        file.write_bytes(plan)
        ours, theirs = os.pipe()
        try:
            os.set_inheritable(theirs, True)
            command = [sys.executable, "-P", "-m", f"{__package__}.worker", "--home", str(self._home)]
            command += ["--run-id", run_id, "--plan", str(file), "--claim-fd", str(theirs), *self._source.arguments()]
            # SIGINT is ignored in the host, and an ignored signal stays so across exec.
            pid = os.posix_spawn(sys.executable, command, os.environ, setsid=True, setsigdef=[signal.SIGINT])
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._watch(Worker(run_id, plan, True, pid, ours, time.monotonic() + FRESH_CLAIM_S))

    def _watch(self, started: Worker) -> None:
        assert started.claim_fd is not None
        os.set_blocking(started.claim_fd, False)
        self._workers[started.pid] = started
        self._selector.register(started.claim_fd, selectors.EVENT_READ, started)

    def on_claim(self, of: Worker) -> None:
        """Read what has come through a worker's claim pipe."""
        if of.claim_fd is None:
            return
        try:
            said = os.read(of.claim_fd, 65536)
        except BlockingIOError:
            return
        if said == worker.CLAIMED:
            of.claimed, of.deadline = True, None
            if not of.fresh:
                self._forks_failed = 0
        elif said:
            of.refusal += said
            return
        self._close_claim(of)

    def _close_claim(self, of: Worker) -> None:
        if of.claim_fd is not None:
            self._selector.unregister(of.claim_fd)
            os.close(of.claim_fd)
            of.claim_fd = None

    def on_child_ended(self) -> None:
        """Reap the workers that have ended, and only these: user code may have started processes at import."""
        if self._spare is not None and os.waitpid(self._spare.pid, os.WNOHANG)[0]:
            print("A spare worker ended by itself: the host makes no more of them.", file=sys.stderr)
            self._wants_spare = False
            self._forget_spare(self._spare)
        for pid, ended in list(self._workers.items()):
            reaped, wait_status = os.waitpid(pid, os.WNOHANG)
            if reaped:
                self.on_claim(ended)  # it may have spoken after we last listened
                self._close_claim(ended)
                del self._workers[pid]
                self._ended(ended, os.waitstatus_to_exitcode(wait_status))

    def _ended(self, ended: Worker, status: int) -> None:
        if ended.claimed or status in (0, worker.LEFT_ALONE):
            self._report({"exited": ended.run_id, "status": status})
        elif not ended.fresh:
            reason = _reason(ended, status)
            self._forks_failed += 1
            if self._forks_failed >= FORKS_TRIED:
                self._always_fresh = True
                self.dismiss_spare()
            print(f"{ended.run_id}: the forked worker did not claim its run ({reason}); starting anew", file=sys.stderr)
            try:
                self._start_fresh(ended.run_id, ended.plan)
            except OSError as error:
                self._report({"launch_failed": ended.run_id, "message": f"{reason}; then: {error}"})
        else:
            self._report({"launch_failed": ended.run_id, "message": _reason(ended, status)})

    def on_deadline(self) -> None:
        """Kill the workers that have not claimed in time; their runs are seen to when they are reaped."""
        now = time.monotonic()
        for late in self._workers.values():
            if late.deadline is not None and late.deadline <= now:
                self.on_claim(late)
                if not late.claimed:
                    late.refusal += b"not claimed within its deadline, killed"
                    late.deadline = None
                    os.kill(late.pid, signal.SIGKILL)


def _reason(ended: Worker, status: int) -> str:
    if ended.refusal:
        return ended.refusal.decode(errors="replace")
    if status < 0:
        return f"the worker was ended by {signal.Signals(-status).name} before it claimed the run"
    return f"the worker ended with status {status} before it claimed the run"
