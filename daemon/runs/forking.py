"""Doing the steps of a run several at a time, each attempt in a process forked from the worker.

    worker   takes a step, writes its StepStarted, forks ── reads the child's frames, and writes what they say
    child                                                └─ does the attempt; sends its end, then what its hooks did

The worker alone writes to the log, so a child can be killed at any instant and nothing is lost: a child that goes
without having sent an end has failed its step. A child ends itself when the worker is gone, whose death closes the pipe
that all children hold. Resources are opened in the children, each its own; values go through IO managers. The log is
closed for the moment of a fork, since its connections do not survive one: a child that asks it opens it anew.
"""

from __future__ import annotations

import heapq
import os
import pickle
import selectors
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn

from ...definitions.errors import ExecutionError
from ...storage.events import ErrorInfo, Event, StepFailed, StepStarted, StepUpForRetry, decode, encode
from .driving import T, Work, retry_of, wanted_hooks
from .journal import Journal
from .pause import LOOK_EVERY_S
from .step_end import StepEnd
from .toolbox import Toolbox

READ_BYTES = 1 << 20
HEED_S = 3.0
"""How long a step that is interrupted may take for its own clean-up before it is killed."""

_LENGTH = struct.Struct("!Q")


@dataclass(slots=True)
class Child(Generic[T]):
    """A process at an attempt, until it is reaped. `ended` once it has sent the end of its step."""

    task: T
    attempt: int
    started: StepStarted
    pid: int
    pipe: int
    buffer: bytearray = field(default_factory=bytearray)
    ended: bool = False


class Forks(Generic[T]):
    """Drives `work` with at most `max_concurrent` processes at a time."""

    def __init__(self, work: Work[T], journal: Journal, toolbox: Toolbox, *, max_concurrent: int) -> None:
        self._work, self._journal, self._toolbox, self._max = work, journal, toolbox, max_concurrent
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, Child[T]] = {}
        self._waiting: list[tuple[float, int, T, int]] = []
        """Attempts to come: when, in which order, of what, and their number."""
        self._order = 0
        self._looked_at = toolbox.pause.now()
        self._alive, self._own_end = os.pipe()

    def run(self) -> None:
        """Do everything. Whatever ends this early also ends the children."""
        try:
            while True:
                self._start_what_can()
                self._journal.write()
                if not self._children and not self._waiting:
                    return
                for key, _ in self._selector.select(self._timeout()):
                    self._hear(key.data)
                self._look()
        finally:
            self._end_children()
            self._selector.close()
            os.close(self._alive)
            os.close(self._own_end)

    def _look(self) -> None:
        """Now and then, see whether the run was ended by somebody else; raises ConflictError."""
        now = self._toolbox.pause.now()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._journal.check()

    def _start_what_can(self) -> None:
        pause = self._toolbox.pause
        while len(self._children) < self._max:
            if self._waiting and self._waiting[0][0] <= pause.now():
                _, _, task, attempt = heapq.heappop(self._waiting)
                self._start(task, attempt)
            elif (task := self._work.take()) is not None:
                self._start(task, 1)
            else:
                return

    def _timeout(self) -> float:
        if not self._waiting or len(self._children) >= self._max:
            return LOOK_EVERY_S
        return max(0.0, min(self._waiting[0][0] - self._toolbox.pause.now(), LOOK_EVERY_S))

    # ---- children ----------------------------------------------------------------------------------------------------

    def _start(self, task: T, attempt: int) -> None:
        started = task.started(attempt)
        self._journal.tell([started])
        ours, theirs = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        random = self._toolbox.pause.random()  # drawn here: forks of one worker would all draw the same
        with self._toolbox.around_fork():
            pid = os.fork()
            if pid == 0:
                inherited = [ours, self._own_end, *(child.pipe for child in self._children.values())]
                _do(task, attempt, random, self._toolbox, pipe=theirs, alive=self._alive, inherited=inherited)
        os.close(theirs)
        child = Child(task, attempt, started, pid, ours)
        self._children[pid] = child
        self._selector.register(ours, selectors.EVENT_READ, child)

    def _hear(self, child: Child[T]) -> None:
        data = os.read(child.pipe, READ_BYTES)
        if not data:
            self._reap(child)
            return
        child.buffer += data
        while len(child.buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(child.buffer)
            if len(child.buffer) < _LENGTH.size + length:
                return
            frame = bytes(child.buffer[_LENGTH.size : _LENGTH.size + length])
            del child.buffer[: _LENGTH.size + length]
            self._take_in(child, pickle.loads(frame))

    def _take_in(self, child: Child[T], said: dict[str, Any]) -> None:
        events = [decode(*one) for one in said["events"]]
        if "end" not in said:
            self._journal.tell(events)
            return
        end: StepEnd = said["end"]
        end.events = events
        self._ended(child, end, next((event for event in events if isinstance(event, StepUpForRetry)), None))

    def _ended(self, child: Child[T], end: StepEnd, again: StepUpForRetry | None) -> None:
        child.ended = True
        if again is not None:
            self._journal.tell([again])
            self._order += 1
            due = self._toolbox.pause.now() + again.wait_s
            heapq.heappush(self._waiting, (due, self._order, child.task, child.attempt + 1))
            return
        self._journal.add(*end.events)
        self._work.ended(child.task, end)
        self._journal.write()

    def _reap(self, child: Child[T]) -> None:
        self._selector.unregister(child.pipe)
        os.close(child.pipe)
        del self._children[child.pid]
        status = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        if not child.ended:
            end = _lost(child, status)
            random = self._toolbox.pause.random()
            self._ended(child, end, retry_of(child.task, end, child.attempt, self._journal.run_id, random))

    def _end_children(self) -> None:
        """Interrupt what still runs, as one interrupts a worker; what does not heed it is killed."""
        for child in self._children.values():
            os.kill(child.pid, signal.SIGINT)
        until = time.monotonic() + HEED_S
        left = dict(self._children)
        while left and time.monotonic() < until:
            for pid in [pid for pid in left if os.waitpid(pid, os.WNOHANG)[0]]:
                del left[pid]
            time.sleep(0.01 if left else 0)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for child in self._children.values():
            os.close(child.pipe)
        self._children.clear()


def _lost(child: Child[Any], status: int) -> StepEnd:
    """The end of a step whose process went without a word."""
    if status < 0:
        message = f"The step's process was stopped by {signal.Signals(-status).name}."
    else:
        message = f"The step ended its process with status {status}; a step has to return or raise."
    started = child.started
    failed = StepFailed(
        run_id=started.run_id,
        step_key=started.step_key,
        asset_key=started.asset_key,
        partition=started.partition,
        error=ErrorInfo(cls="StepExited", message=message),
    )
    return StepEnd(events=[failed], error=StepExited(message))


class StepExited(ExecutionError):
    """The process of a step ended by itself, or was ended."""


# ---- in the child ----------------------------------------------------------------------------------------------------


def _do(
    task: Any, attempt: int, random: float, toolbox: Toolbox, *, pipe: int, alive: int, inherited: Sequence[int]
) -> NoReturn:
    """Do one attempt in this process, just forked, send what came of it, and end the process."""
    status = 1
    try:
        for descriptor in inherited:
            os.close(descriptor)
        _end_with(alive)
        toolbox.open_log_anew()

        def tell(events: Sequence[Event]) -> None:
            _send(pipe, {"events": _packed(events)})

        end = task.attempt(attempt, tell)
        again = retry_of(task, end, attempt, toolbox.run_id, random)
        _send(pipe, {"events": _packed(end.events if again is None else [again]), "end": _sendable(end)})
        if again is None and wanted_hooks(task, end):
            tell(task.run_hooks(end))
        toolbox.close()
        status = 0
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        status = 1
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # a stream that user code closed or replaced must not change the status
                continue
        os._exit(status)


def _end_with(alive: int) -> None:
    """End this process as soon as the other end of `alive` is closed: the worker is gone."""

    def watch() -> None:
        os.read(alive, 1)
        os._exit(1)

    threading.Thread(target=watch, name="headwater-worker-watch", daemon=True).start()


def _send(pipe: int, said: dict[str, Any]) -> None:
    data = pickle.dumps(said)
    view = memoryview(_LENGTH.pack(len(data)) + data)
    while view:
        view = view[os.write(pipe, view) :]


def _packed(events: Sequence[Event]) -> list[tuple[str, int, str]]:
    return [(event.type, event.schema_version, encode(event)) for event in events]


def _sendable(end: StepEnd) -> StepEnd:
    """The end without what need not, or cannot, be sent: values stay where the IO manager put them."""
    error = end.error
    if error is not None:
        try:
            if type(pickle.loads(pickle.dumps(error))) is not type(error):
                raise TypeError
        except Exception:  # user code: an exception that cannot be pickled, or not be made again
            error = ExecutionError(f"{type(error).__name__}: {error}")
    return StepEnd(error=error, shut_gates=end.shut_gates, unmade=end.unmade, produced=dict(end.produced))
