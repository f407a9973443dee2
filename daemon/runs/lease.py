"""Leases: a run lives as long as its worker holds the lock on the run's lease file, and not a moment longer.

The lock is a POSIX record lock (`fcntl`): it belongs to one process, a fork does not inherit it, and the kernel gives
it back however the process ends, kill -9 included. So a daemon that starts again can tell the workers that still live
from those that do not without process numbers, which get re-used. Looking at a lease never takes it, not even for a
moment: a look must not make the worker that is about to take it lose the race.

POSIX locks have one trap: when a process closes *any* descriptor of a file, it loses its locks on that file. Therefore
a process never opens a lease that it holds itself; `_held` remembers which ones these are.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path
from types import TracebackType

from ...definitions.errors import HeadwaterError

# `struct flock`, of which the order of the fields differs between the systems.
_FLOCK = "qqihh" if sys.platform == "darwin" else "hhqqi"
_TYPE = 3 if sys.platform == "darwin" else 0

_held: set[tuple[int, Path]] = set()
"""Leases of this process, as (pid, path): a fork copies the set, but the pid tells that the locks were not its own."""


class LeaseTaken(HeadwaterError):
    """Another process holds the lease of a run: it is being worked on."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: another process holds this lease and works on the run. Wait for its end.")
        self.path = path


class Lease:
    """The right to work on one run.

    As a context manager it raises `LeaseTaken` where `take` returns False.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path.absolute()
        self._descriptor: int | None = None

    @classmethod
    def of_run(cls, home: Path, run_id: str) -> Lease:
        return cls(home / "runs" / run_id / "lease")

    def take(self) -> bool:
        """Take the lease without waiting; False where somebody else has it. Makes the folder of the run if need be."""
        if _is_own(self.path):
            return False
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o644)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, flags, 0o644)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # POSIX allows either
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        _held.add((os.getpid(), self.path))
        return True

    def release(self) -> None:
        """Give the lease back; without effect where it is not held. The end of the process does the same."""
        if self._descriptor is None:
            return
        _held.discard((os.getpid(), self.path))
        os.close(self._descriptor)
        self._descriptor = None

    def __enter__(self) -> Lease:
        if not self.take():
            raise LeaseTaken(self.path)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether a living process, this one included, holds the lease at `path`."""
    if _is_own(path):
        return True
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, _question())
        return struct.unpack(_FLOCK, answer)[_TYPE] != fcntl.F_UNLCK
    finally:
        os.close(descriptor)


def _is_own(path: Path) -> bool:
    return (os.getpid(), path.absolute()) in _held


def _question() -> bytes:
    """ "Would an exclusive lock on the whole file be given?" """
    if sys.platform == "darwin":
        return struct.pack(_FLOCK, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
    return struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


async def wait_released(path: Path) -> None:
    """Return as soon as nobody holds the lease at `path`; at once where nobody does.

    Waits in the kernel, in a thread of its own: no polling. When cancelled it leaves that thread behind, which ends
    with the lease or with the process. Only for leases of other processes.
    """
    from anyio import CapacityLimiter, to_thread

    if _is_own(path):
        raise RuntimeError(f"{path}: a process cannot wait for a lease that it holds itself")
    await to_thread.run_sync(_block_until_free, path, abandon_on_cancel=True, limiter=CapacityLimiter(1))


def _block_until_free(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


class Leases:
    """The leases of all runs and backfills under one home folder, as whoever watches over them sees them."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def is_held(self, run_id: str) -> bool:
        return is_held(Lease.of_run(self._home, run_id).path)

    async def wait_released(self, run_id: str) -> None:
        """Return as soon as nobody works on the run."""
        await wait_released(Lease.of_run(self._home, run_id).path)
