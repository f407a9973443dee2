"""Leadership: one daemon per log.

The leader holds a lock on `HOME/daemon.lock` for as long as it lives (the kernel gives it back however the process
ends) and a term in the log's head, which it names with every decision. The lock keeps a second daemon from starting;
the term keeps a first one that lost its lock from deciding. Of a log on a server, which daemons of several machines may
want to lead, see server_leadership.py.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path
from types import TracebackType

from ..definitions.errors import HeadwaterError
from ..storage.clock import Clock

FILE_NAME = "daemon.lock"


class DaemonRunning(HeadwaterError):
    """Another daemon leads this log."""

    def __init__(
        self,
        where: Path | str,
        holder: dict[str, str],
        *,
        advice: str = "Stop it first, or set another HEADWATER_HOME.",
    ) -> None:
        who = ", ".join(f"{name} {value}" for name, value in holder.items()) or "unknown process"
        super().__init__(f"{where}: a daemon already runs on this log ({who}). {advice}")
        self.where = where
        self.holder: dict[str, str] = holder


class Leadership:
    """The lock, as a context manager.

    Raises:
        DaemonRunning: on entering, when another process has it. It says who.
    """

    def __init__(self, home: Path, *, clock: Clock, definitions: str) -> None:
        self._home, self._path = home, home / FILE_NAME
        self._me = {
            "pid": str(os.getpid()),
            "host": socket.gethostname(),
            "definitions": definitions,
            "folder": os.getcwd(),
            "since": clock.now().isoformat(timespec="seconds"),
        }
        self._descriptor = -1

    @property
    def holder(self) -> str:
        return json.dumps(self._me)

    def __enter__(self) -> Leadership:
        self._home.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise DaemonRunning(self._home, read_holder(self._home)) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, self.holder.encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def read_holder(home: Path) -> dict[str, str]:
    """Who wrote the lock file last: pid, host, definitions, folder (that a module is looked for in), since. Empty
    where nobody did."""
    try:
        return json.loads((home / FILE_NAME).read_text() or "{}")
    except (FileNotFoundError, ValueError):
        return {}


def running_daemon(home: Path) -> dict[str, str] | None:
    """Who leads the log of `home` (pid, host, definitions, since), or None where nobody does.

    Read from what the daemon has written: trying its lock could make one that is just starting believe it is taken.
    """
    holder = read_holder(home)
    if not holder:
        return None
    if holder.get("host") == socket.gethostname() and not _lives(int(holder.get("pid", 0))):
        return None  # it was killed
    return holder


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
