"""The code host: a process that imports the user's definitions once and forks workers from what it has imported.

    python -P -m headwater.daemon.host.process --control-fd N --home HOME (-f FILE | -m MODULE)

It says on its control socket what the definitions are, or why they cannot be loaded, and then starts a worker for each
run, and a process for each evaluation of a schedule or sensor, that it is told of (`protocol.py`). It never opens the
log: neither the connections nor the locks of SQLite survive a fork. It has one thread, and after the import it runs
none of the user's code. `gc.freeze()` keeps the collector away from what the import has made, so that children share
those pages instead of copying them.

It ends once the control socket is closed (the daemon has gone or has a newer host) and its last worker has ended.
Killed before that, it takes nothing with it: each worker has a session of its own.
"""

from __future__ import annotations

import argparse
import gc
import os
import selectors
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from ...definitions.collector import collector_paused
from ...definitions.definitions import Definitions
from ...definitions.errors import DefinitionErrors, DefinitionsNotLoadable
from ...definitions.loading import load_definitions
from ...definitions.snapshot import DefinitionsSnapshot
from .evaluations import Evaluation, Evaluations
from .fork import FORK_CLAIM_S, Worker, Workers
from .fork_safety import unsafe_to_fork
from .protocol import FrameReader, Message, pack
from .rehearsal import rehearse
from .source import CodeSource


def main(arguments: Sequence[str] | None = None) -> None:
    """Load, report and serve; see the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--control-fd", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--start-method", choices=["fork", "spawn"], default="fork")
    parser.add_argument("--fork-claim-s", type=float, default=FORK_CLAIM_S)
    parser.add_argument("-f", dest="file", type=Path)
    parser.add_argument("-m", dest="module")
    given = parser.parse_args(arguments)
    source = CodeSource(file=given.file, module=given.module, folder=Path.cwd())

    control = socket.socket(fileno=given.control_fd)
    control.set_inheritable(False)
    if os.getsid(0) != os.getpid():
        os.setsid()
    sys.argv = [str(source)]  # what a script of the user's sees
    definitions = _load(source, control)
    if definitions is None:
        return
    rehearse(given.home)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    warnings.filterwarnings("ignore", ".* is multi-threaded, use of fork", DeprecationWarning)  # we know which are safe
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    always_fresh = given.start_method == "spawn"
    HostLoop(definitions, source, given.home, control, always_fresh=always_fresh, fork_claim_s=given.fork_claim_s).run()


def _load(source: CodeSource, control: socket.socket) -> Definitions | None:
    """Import the definitions and report on them; None where they are not to be used."""
    try:
        with collector_paused():
            definitions = load_definitions(source.file, source.module)
            snapshot = DefinitionsSnapshot.of(definitions)
            blob = snapshot.to_bytes()
    except DefinitionErrors as error:
        failed: Message = {"failed": [str(one) for one in error.errors], "traceback": traceback.format_exc()}
    except DefinitionsNotLoadable as error:
        failed = {"failed": [str(error)], "traceback": error.traceback or traceback.format_exc()}
    except BaseException as error:  # the border to the user's code, which may also call sys.exit()
        failed = {"failed": [f"{source}: {type(error).__name__}: {error}"], "traceback": traceback.format_exc()}
    else:
        control.sendall(pack({"loaded": snapshot.hash, "fork_unsafe": unsafe_to_fork()}, blob))
        return definitions
    control.sendall(pack(failed))
    return None


class HostLoop:
    """Waits for launches, claims and ends of children; one thread, no user code."""

    def __init__(
        self,
        definitions: Definitions,
        source: CodeSource,
        home: Path,
        control: socket.socket,
        *,
        always_fresh: bool,
        fork_claim_s: float,
    ) -> None:
        self._control: socket.socket | None = control
        self._reader = FrameReader()
        self._selector = selectors.DefaultSelector()
        self._wake, wake_writer = socket.socketpair()
        self._wake_writer = wake_writer
        for end in (self._wake, wake_writer):
            end.setblocking(False)
        self._listening = True
        self._workers = Workers(
            definitions,
            source,
            home,
            selector=self._selector,
            host_fds=self._fds,
            report=self._send,
            always_fresh=always_fresh,
            fork_claim_s=fork_claim_s,
        )
        self._evaluations = Evaluations(
            definitions,
            source,
            home,
            selector=self._selector,
            host_fds=lambda: self._workers.all_fds(),
            report=self._send,
            always_fresh=always_fresh,
        )

    def run(self) -> None:
        """Serve until the other side has closed and the last worker has ended."""
        assert self._control is not None
        # Installed after the import: what the user imports may set handlers of its own.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        while self._listening or len(self._workers) or len(self._evaluations):
            if self._listening:
                self._workers.prepare_spare()
            deadlines = (self._workers.next_deadline, self._evaluations.next_deadline)
            deadline = min((one for one in deadlines if one is not None), default=None)
            ready = self._selector.select(None if deadline is None else max(0.0, deadline - time.monotonic()))
            for key, _ in ready:
                if isinstance(key.data, Worker):
                    self._workers.on_claim(key.data)
                elif isinstance(key.data, Evaluation):
                    self._evaluations.on_result(key.data)
                elif key.fileobj is self._wake:
                    self._wake.recv(4096)
                    self._workers.on_child_ended()
                    self._evaluations.on_child_ended()
                elif self._listening:
                    self._receive()
            self._workers.on_deadline()
            self._evaluations.on_deadline()

    def _fds(self) -> list[int]:
        sockets = [self._wake, self._wake_writer]
        if self._control is not None:
            sockets.append(self._control)
        descriptors = [*(one.fileno() for one in sockets), *self._evaluations.fds]
        if hasattr(self._selector, "fileno"):  # epoll and kqueue have a descriptor of their own, select has not
            descriptors.append(self._selector.fileno())  # type: ignore[attr-defined]
        return descriptors

    def _receive(self) -> None:
        assert self._control is not None
        try:
            data = self._control.recv(1 << 18)
        except ConnectionError:
            data = b""
        if not data:
            self._stop_listening()
            return
        for frame in self._reader.feed(data):
            if "evaluate" in frame.message:
                self._evaluations.start(frame.message["evaluate"], frame.message["limit_s"], frame.blob)
            else:
                self._workers.launch(frame.message["launch"], frame.blob)

    def _send(self, message: Message, blob: bytes = b"") -> None:
        if self._control is None:
            return
        try:
            self._control.sendall(pack(message, blob))
        except OSError:  # the daemon is gone: the log has all that matters
            self._stop_listening()
            self._control.close()
            self._control = None

    def _stop_listening(self) -> None:
        if self._listening and self._control is not None:
            self._listening = False
            self._workers.dismiss_spare()
            self._selector.unregister(self._control)


if __name__ == "__main__":
    main()
