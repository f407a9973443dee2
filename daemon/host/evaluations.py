"""The evaluations of one code host: each a process of its own, listened to, killed at its limit, and reaped.

Belongs to the host's loop beside `Workers`, and never makes it wait: results come through pipes that the loop watches.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...definitions.definitions import Definitions
from . import evaluating
from .fork_safety import unsafe_to_fork
from .protocol import Message
from .source import CodeSource

RESULTS_LIMIT = 16 << 20  # bytes of results of one evaluation; more is a mistake
FRESH_S = 300.0
"""How much longer a fresh interpreter may take, which imports the definitions first."""


@dataclass(slots=True)
class Evaluation:
    """A process that evaluates, from its start until it is reaped. `problem` is why it was killed."""

    evaluation_id: str
    pid: int
    results_fd: int | None
    deadline: float
    limit_s: float
    results: bytearray = field(default_factory=bytearray)
    problem: str = ""


class Evaluations:
    """Starts a process for each order, and reports what came of it to `report`."""

    def __init__(
        self,
        definitions: Definitions,
        source: CodeSource,
        home: Path,
        *,
        selector: selectors.BaseSelector,
        host_fds: Callable[[], list[int]],
        report: Callable[[Message, bytes], None],
        always_fresh: bool,
    ) -> None:
        self._definitions, self._source, self._home = definitions, source, home
        self._selector, self._host_fds, self._report = selector, host_fds, report
        self._always_fresh = always_fresh
        self._running: dict[int, Evaluation] = {}

    def __len__(self) -> int:
        return len(self._running)

    @property
    def fds(self) -> list[int]:
        return [one.results_fd for one in self._running.values() if one.results_fd is not None]

    @property
    def next_deadline(self) -> float | None:
        """The monotonic instant at which the first one has used up its time."""
        return min((one.deadline for one in self._running.values() if not one.problem), default=None)

    def start(self, evaluation_id: str, limit_s: float, order: bytes) -> None:
        """Start the evaluation: a fork where that is safe, else a fresh interpreter."""
        ours, theirs = os.pipe()
        fresh = self._always_fresh or unsafe_to_fork() is not None
        try:
            pid = self._spawn(order, theirs) if fresh else self._fork(order, ours, theirs)
        except OSError as error:
            os.close(ours)
            message = f"no process could be started: {error}"
            self._report({"evaluated": evaluation_id, "problem": message}, b"")
            return
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        deadline = time.monotonic() + limit_s + (FRESH_S if fresh else 0)
        self._running[pid] = started = Evaluation(evaluation_id, pid, ours, deadline, limit_s)
        self._selector.register(ours, selectors.EVENT_READ, started)

    def _fork(self, order: bytes, ours: int, theirs: int) -> int:
        pid = os.fork()
        if pid == 0:
            evaluating.run_forked(
                self._definitions, self._home, order, results_fd=theirs, inherited_fds=[ours, *self._host_fds()]
            )
        return pid

    def _spawn(self, order: bytes, theirs: int) -> int:
        with tempfile.TemporaryFile() as file:
            file.write(order)
            file.flush()
            file.seek(0)
            for descriptor in (file.fileno(), theirs):
                os.set_inheritable(descriptor, True)
            command = [sys.executable, "-P", "-m", f"{__package__}.evaluating", "--home", str(self._home)]
            command += ["--order-fd", str(file.fileno()), "--results-fd", str(theirs), *self._source.arguments()]
            return os.posix_spawn(sys.executable, command, os.environ, setsid=True, setsigdef=[signal.SIGINT])

    def on_result(self, of: Evaluation) -> None:
        """Read what has come through its pipe."""
        while of.results_fd is not None:
            try:
                said = os.read(of.results_fd, 1 << 18)
            except BlockingIOError:
                return
            of.results += said
            if len(of.results) > RESULTS_LIMIT:
                self._kill(of, f"it answered with more than {RESULTS_LIMIT >> 20} MiB")
                said = b""
            if not said:
                self._selector.unregister(of.results_fd)
                os.close(of.results_fd)
                of.results_fd = None

    def on_child_ended(self) -> None:
        for pid, ended in list(self._running.items()):
            reaped, wait_status = os.waitpid(pid, os.WNOHANG)
            if reaped:
                self.on_result(ended)
                if ended.results_fd is not None:  # something that it started still holds the other end
                    self._selector.unregister(ended.results_fd)
                    os.close(ended.results_fd)
                del self._running[pid]
                _end_session(pid)
                self._conclude(ended, os.waitstatus_to_exitcode(wait_status))

    def _conclude(self, ended: Evaluation, status: int) -> None:
        problem = ended.problem
        if not problem and status:
            by = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
            problem = f"its process ended {by} before the function had returned"
        results = bytes(ended.results)
        whole = results[: results.rfind(b"\n") + 1]  # a line that was cut off is none
        self._report({"evaluated": ended.evaluation_id, "problem": problem}, whole)

    def on_deadline(self) -> None:
        """Kill those that have used up their time."""
        now = time.monotonic()
        for late in list(self._running.values()):
            if late.deadline <= now and not late.problem:
                self._kill(late, f"it took longer than {late.limit_s:g} s and was killed")

    def _kill(self, late: Evaluation, problem: str) -> None:
        late.problem = problem
        _end_session(late.pid)
        os.kill(late.pid, signal.SIGKILL)  # not reaped yet, so that the number is its own


def _end_session(pid: int) -> None:
    """End what an evaluation has started and left behind."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
