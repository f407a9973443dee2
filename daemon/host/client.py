"""A code host as the daemon sees it: start it, launch runs on it, hear what became of them, let it go.

The host is a process in a session of its own, so that ctrl-C in the daemon's terminal does not reach it; its output
goes to `HOME/host.log`, never into a pipe that somebody must read. Its messages are read by whoever calls `receive`, in
one task; nothing runs in the background.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio

from ...definitions.errors import HeadwaterError
from ...definitions.snapshot import DefinitionsSnapshot
from ..runs.plan import RunPlan
from .orders import Order, Result
from .protocol import Frame, FrameReader, ProtocolError, pack
from .source import CodeSource

LOAD_S = 600.0
"""How long an import may take before the host is given up. Heavy projects take tens of seconds, a hang for ever."""

END_S = 2.0
"""How long a host that has nothing to do may take to end by itself."""


@dataclass(frozen=True, slots=True)
class Exited:
    """No worker of this host is at the run any more. Whether the run has ended is in the log.

    `status` is 0 where the worker came to its end in good order, `worker.MACHINERY_FAILED` where it could not (why is
    in the run's stderr.log), another status where user code left by itself, minus a signal's number where one did it.
    """

    run_id: str
    status: int


@dataclass(frozen=True, slots=True)
class LaunchFailed:
    """No worker came as far as claiming the run, in a fresh interpreter neither."""

    run_id: str
    message: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation is over. `problem` is empty where its process ended in good order; `results` are those of the calls
    that had ended by then."""

    evaluation_id: str
    results: tuple[Result, ...] = ()
    problem: str = ""


class CodeHostFailed(HeadwaterError):
    """The definitions cannot be loaded: the errors, one by one, and the traceback of the import."""

    def __init__(self, source: CodeSource, errors: tuple[str, ...], traceback: str) -> None:
        super().__init__("\n".join(errors))
        self.source: CodeSource = source
        self.errors: tuple[str, ...] = errors
        self.traceback: str = traceback


class CodeHostGone(HeadwaterError):
    """The host process has ended, or was closed, and takes no more runs."""

    def __init__(self, source: CodeSource) -> None:
        super().__init__(f"The code host of {source} has ended. Its output is in host.log; launch on the next one.")


class CodeHost:
    """A running code host with its definitions loaded. Made by `start`; ended by `aclose`."""

    def __init__(self, source: CodeSource, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.source = source
        self.in_flight: set[str] = set()
        self.evaluating: set[str] = set()
        self.fork_unsafe: str | None = None
        self._process, self._control = process, control
        self._reader, self._frames = FrameReader(), deque[Frame]()
        self._sending = anyio.Lock()
        self._snapshot: DefinitionsSnapshot | None = None
        self._gone = self._retired = False

    @classmethod
    async def start(
        cls,
        source: CodeSource,
        home: Path,
        *,
        start_method: Literal["fork", "spawn"] = "fork",
        fork_claim_s: float | None = None,
        load_s: float = LOAD_S,
    ) -> CodeHost:
        """Start a host and wait until it has loaded the definitions. When cancelled, the host is killed.

        Raises:
            CodeHostFailed: they do not load, are not valid, or the import took longer than `load_s`.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", f"{__package__}.process", "--control-fd", str(theirs.fileno())]
            command += ["--start-method", start_method]
            if fork_claim_s is not None:
                command += ["--fork-claim-s", str(fork_claim_s)]
            process = _start_process(command + source.arguments(), source.folder, home, theirs.fileno())
        ours.setblocking(False)
        host = cls(source, process, ours)
        try:
            with anyio.fail_after(load_s):
                await host._wait_loaded()
        except TimeoutError:
            host._kill()
            message = f"{source}: the import did not end within {load_s:g} s. What does the module wait for?"
            raise CodeHostFailed(source, (message,), "") from None
        except BaseException:
            host._kill()
            raise
        return host

    async def _wait_loaded(self) -> None:
        frame = await self._next_frame()
        if frame is None:
            status = await self._wait_ended()
            message = f"{self.source}: the interpreter ended with status {status} during the import; see host.log."
            raise CodeHostFailed(self.source, (message,), "")
        if "failed" in frame.message:
            raise CodeHostFailed(self.source, tuple(frame.message["failed"]), frame.message["traceback"])
        try:
            self._snapshot = DefinitionsSnapshot.from_bytes(frame.blob)
        except HeadwaterError as error:  # a kind of partitions or condition that only the user's own code knows
            raise CodeHostFailed(self.source, (f"{self.source}: {error}",), "") from error
        self.fork_unsafe = frame.message["fork_unsafe"]

    @property
    def snapshot(self) -> DefinitionsSnapshot:
        """What the sources define, as pure data."""
        assert self._snapshot is not None, "a host is handed out after it has loaded"
        return self._snapshot

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The status with which the host ended; None while it runs."""
        return self._process.poll()

    @property
    def is_retired(self) -> bool:
        return self._retired

    async def launch(self, plan: RunPlan) -> None:
        """Have a worker started for the run; returns when the host has been told, not when the worker runs.

        Raises:
            CodeHostGone: the host takes no more runs. Nothing was started.
        """
        self.in_flight.add(plan.run_id)
        try:
            await self._send(pack({"launch": plan.run_id}, plan.to_bytes()))
        except CodeHostGone:
            self.in_flight.discard(plan.run_id)
            raise

    async def evaluate(self, order: Order) -> None:
        """Have a schedule or a sensor evaluated; returns when the host has been told.

        Raises:
            CodeHostGone: the host takes no more orders. Nothing was started.
        """
        message = {"evaluate": order.evaluation_id, "limit_s": order.limit_s}
        self.evaluating.add(order.evaluation_id)
        try:
            await self._send(pack(message, order.to_bytes()))
        except CodeHostGone:
            self.evaluating.discard(order.evaluation_id)
            raise

    async def _send(self, frame: bytes) -> None:
        if self._gone or self._retired:
            raise CodeHostGone(self.source)
        async with self._sending:
            try:
                while frame:
                    try:
                        frame = frame[self._control.send(frame) :]
                    except BlockingIOError:
                        await anyio.wait_writable(self._control)
            except OSError as error:
                raise CodeHostGone(self.source) from error

    async def receive(self) -> Exited | LaunchFailed | Evaluated | None:
        """The next thing that the host has to say; None once it has ended. One task at a time may wait here."""
        frame = await self._next_frame()
        if frame is None:
            return None
        if (evaluation_id := frame.message.get("evaluated")) is not None:
            self.evaluating.discard(evaluation_id)
            results = tuple(json.loads(line) for line in frame.blob.splitlines())
            return Evaluated(evaluation_id, results, frame.message["problem"])
        if (run_id := frame.message.get("exited")) is not None:
            self.in_flight.discard(run_id)
            return Exited(run_id, frame.message["status"])
        run_id = frame.message["launch_failed"]
        self.in_flight.discard(run_id)
        return LaunchFailed(run_id, frame.message["message"])

    def retire(self) -> None:
        """Launch nothing more here. The host ends when its last worker has; until then `receive` goes on."""
        if not self._retired and not self._gone:
            self._retired = True
            self._control.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Let the host go: it ends by itself, at once where it is idle, else with its last worker.

        Workers are not stopped; what becomes of them is no longer heard here. A host without work that does not end
        within `END_S` is killed.
        """
        self._gone = True
        self._control.close()
        if self.in_flight or self.evaluating:
            _left_to_themselves.append(self._process)
            return
        await self._wait_ended()

    async def _wait_ended(self) -> int:
        """The status of a host that is ending; it is killed when it takes longer than `END_S`."""
        with anyio.move_on_after(END_S, shield=True):
            while self._process.poll() is None:  # noqa: ASYNC110 - a child's end has no event without a handler
                await anyio.sleep(0.005)
        return self._kill()

    async def _next_frame(self) -> Frame | None:
        while not self._frames:
            if self._gone:
                return None
            try:
                data = self._control.recv(1 << 18)
            except BlockingIOError:
                await anyio.wait_readable(self._control)
                continue
            except OSError:
                data = b""
            if not data:
                self._gone = True
                return None
            try:
                self._frames.extend(self._reader.feed(data))
            except ProtocolError:
                self._kill()
                raise
        return self._frames.popleft()

    def _kill(self) -> int:
        self._gone = True
        self._control.close()
        if self._process.poll() is None:
            self._process.kill()
        return self._process.wait()


def _start_process(command: list[str], folder: Path, home: Path, control_fd: int) -> subprocess.Popen[bytes]:
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "host.log", "ab") as file:
        return subprocess.Popen(
            [*command, "--home", str(home)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            pass_fds=[control_fd],
            start_new_session=True,
        )


_left_to_themselves: list[subprocess.Popen[bytes]] = []
"""Hosts that outlive this process. Kept, so that `subprocess` does not complain about them being forgotten."""
