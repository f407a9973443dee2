"""Wake-ups: telling every process that tails a log that it has grown.

A tailer binds a datagram socket in a directory that belongs to the log; whoever commits sends an empty datagram to each
socket it finds there, without ever waiting, and removes those of tailers that died. Tailers in the same process are
woken in the same way. A wake-up carries no data: many are as good as one, the truth is read from the log, and one that
is lost costs a tailer its poll interval, never an event.

The directory is `/tmp/headwater-<uid of the home's owner>/<hash of the home>`, since the path of a socket ends at 108
bytes and every process has to find the same one, whatever its environment says. It is read again only when the stamp
has changed: a few bytes beside the log, mapped into every process, which each new tailer overwrites.
"""

from __future__ import annotations

import mmap
import os
import secrets
import select
import socket
import stat
import threading
import weakref
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import anyio
import anyio.lowlevel

RUN_ROOT = Path("/tmp")
TRUSTED_OWNERS = frozenset({0, os.getuid()})  # of the directory; in one of somebody else nothing is ours to touch
POLL_S = 1.0  # what a lost wake-up costs
STAMP_NAME = "events.wake"
STAMP_BYTES = 8


class Subscription:
    """Becomes readable when the log has grown. Subscribe first, then read the log, then wait.

    One task or thread at a time may wait.
    """

    def __init__(
        self, receiver: socket.socket, *, path: Path | None = None, sender: socket.socket | None = None
    ) -> None:
        self._receiver = receiver
        self.path: Path | None = path
        self._sender = sender
        self._owner_pid = os.getpid()

    def fileno(self) -> int:
        """The descriptor to wait on; call `clear` when it was readable, before reading the log."""
        return self._receiver.fileno()

    async def wait(self, timeout_s: float = POLL_S) -> bool:
        """Whether a wake-up came within `timeout_s`. The log may have grown even if none came."""
        if self.clear():
            await anyio.lowlevel.checkpoint()
            return True
        with anyio.move_on_after(timeout_s):
            await anyio.wait_readable(self._receiver)
        return self.clear()

    def wait_blocking(self, timeout_s: float = POLL_S) -> bool:
        """`wait` for code without an event loop."""
        select.select([self._receiver], [], [], timeout_s)
        return self.clear()

    def clear(self) -> bool:
        """Forget the wake-ups that have come; whether there were any."""
        has_come = False
        try:
            while True:
                self._receiver.recv(1)
                has_come = True
        except (BlockingIOError, InterruptedError):
            return has_come

    def send(self) -> None:
        """Wake it from this process, which is what `LocalWakeups` made it with."""
        assert self._sender is not None
        with suppress(OSError):  # it has wake-ups that it has not looked at yet, or it was closed
            self._sender.send(b"")

    def close(self) -> None:
        self._receiver.close()
        if self._sender is not None:
            self._sender.close()
        if self.path is not None and self._owner_pid == os.getpid():
            self.path.unlink(missing_ok=True)
            with suppress(OSError):  # others tail this log too
                self.path.parent.rmdir()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()


class LogWakeups(Protocol):
    """How those who tail a log hear that it has grown."""

    def subscribe(self) -> Subscription: ...

    def notify(self) -> None:
        """Called after each commit of this process."""
        ...

    def close(self) -> None: ...


class LocalWakeups:
    """Wake-ups of a log that only this process can see."""

    def __init__(self) -> None:
        self._subscriptions: weakref.WeakSet[Subscription] = weakref.WeakSet()

    def subscribe(self) -> Subscription:
        sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.setblocking(False)
        receiver.setblocking(False)
        subscription = Subscription(receiver, sender=sender)
        self._subscriptions.add(subscription)
        return subscription

    def notify(self) -> None:
        if self._subscriptions:
            for subscription in list(self._subscriptions):
                subscription.send()

    def close(self) -> None:
        self._subscriptions.clear()


class Wakeups:
    """Wake-ups between all processes that have the log of `home` open."""

    def __init__(self, home: Path, *, root: Path = RUN_ROOT) -> None:
        real = os.path.realpath(home)
        self._parent = root / f"headwater-{os.stat(real).st_uid}"
        self._directory = self._parent / sha256(os.fsencode(real)).hexdigest()[:16]
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sender.setblocking(False)
        self._stamp = _shared_bytes(home / STAMP_NAME)
        self._mutex = threading.Lock()
        self._tailers: tuple[str, ...] = ()
        self._listed_at: bytes | None = None  # the stamp of that listing

    def subscribe(self) -> Subscription:
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.setblocking(False)
        path = self._directory / f"{os.getpid()}-{secrets.token_hex(4)}"
        while True:
            self._parent.mkdir(mode=0o700, exist_ok=True)
            self._directory.mkdir(mode=0o700, exist_ok=True)
            try:
                receiver.bind(str(path))
            except FileNotFoundError:
                continue  # the last tailer left just now and took the directory with it
            self._stamp[:] = os.urandom(STAMP_BYTES)
            return Subscription(receiver, path=path)

    def notify(self) -> None:
        """Wake every tailer. Never waits and never fails: who is not reached looks by itself a little later."""
        if self._stamp[:] != self._listed_at:
            self._list()
        for path in self._tailers:
            try:
                self._sender.sendto(b"", path)
            except BlockingIOError:
                pass  # it has wake-ups that it has not looked at yet
            except OSError:  # nobody is bound to it any more
                self._remove(path)

    def _list(self) -> None:
        with self._mutex:
            listed_at = self._stamp[:]  # read first: who subscribes from here on changes it again
            try:
                status = os.stat(self._directory, follow_symlinks=False)
                ours = stat.S_ISDIR(status.st_mode) and status.st_uid in TRUSTED_OWNERS
                self._tailers = tuple(entry.path for entry in os.scandir(self._directory)) if ours else ()
            except OSError:
                self._tailers = ()
            self._listed_at = listed_at

    def _remove(self, path: str) -> None:
        with suppress(OSError):
            os.unlink(path)
        with self._mutex:
            self._tailers = tuple(tailer for tailer in self._tailers if tailer != path)

    def close(self) -> None:
        self._sender.close()
        self._stamp.close()


def _shared_bytes(path: Path) -> mmap.mmap:
    """A few bytes that all processes see: cheaper to look at, at every commit, than any call of the system."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if os.fstat(descriptor).st_size < STAMP_BYTES:
            os.ftruncate(descriptor, STAMP_BYTES)
        return mmap.mmap(descriptor, STAMP_BYTES)
    finally:
        os.close(descriptor)
