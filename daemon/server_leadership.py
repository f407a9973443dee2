"""Leadership of a log on a server: one daemon of all machines.

Beside the lock on its own home (leadership.py) a daemon holds one on the server (storage/postgres_lead.py), so that a
second daemon of another machine is refused by name, as one on the same machine is. What keeps a daemon that has lost
the lead from writing decisions is neither of the two but the term, as ever.

A daemon whose connection breaks does not know whether it still leads. It decides nothing more until it does:

1. it gets the lock back, and the term in the log is still its own: nobody has led in between, and it goes on;
2. the term is another: somebody else leads, and it ends;
3. neither within `REGAIN_S`, as the server does not come back or does not notice that the old connection is gone: it
   ends.

Runs that are under way go on by themselves in each of these cases.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import structlog
from structlog.typing import FilteringBoundLogger

from ..definitions.errors import HeadwaterError
from ..storage.errors import ConflictError, StoreUnavailable
from ..storage.events import DaemonStarted
from ..storage.log import EventLog
from .leadership import DaemonRunning

if TYPE_CHECKING:
    from ..storage.postgres_lead import LeadLock

log: FilteringBoundLogger = structlog.get_logger("headwater.leadership")

REGAIN_S = 60.0  # longer than the server needs to see that a connection is dead
RETRY_S = 0.5
PATIENCE_S = 2.0  # until the server has taken note that a daemon which was killed a moment ago is gone


class LeadLost(HeadwaterError):
    """This daemon led the log, and does not any more."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: this daemon has lost the lead of the log: {reason}. It has stopped deciding.")


class ServerLeadership:
    """The lead on the server, once `taken`; `lock` is None where the log is on no server, and nothing is to be done."""

    def __init__(self, lock: LeadLock | None, events: EventLog, where: str) -> None:
        self._lock, self._events, self._where = lock, events, where
        self._held = anyio.Event()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold it.

        Raises:
            DaemonRunning: on entering, when the daemon of another machine has it. It says who.
        """
        if self._lock is not None and not _acquired(self._lock):
            raise DaemonRunning(self._where, leader_in(self._events), advice="Stop it first, or use another log.")
        self._held.set()
        try:
            yield
        finally:
            if self._lock is not None:
                self._lock.release()

    async def held(self) -> None:
        """Return as soon as this daemon may decide: at once, while it has the lock."""
        await self._held.wait()

    async def keep(self, term: int) -> None:
        """Watch over the lead of `term`, for as long as there is one.

        Raises:
            LeadLost: it is gone for good.
        """
        while self._lock is not None:
            await self._lock.until_lost()
            self._held = anyio.Event()
            log.warning("lead_in_doubt", store=self._where, term=term)
            await self._regain(self._lock, term)
            self._held.set()
            log.info("lead_regained", store=self._where, term=term)

    async def _regain(self, lock: LeadLock, term: int) -> None:
        reason = "the server does not give the lock back, which somebody holds"
        with anyio.move_on_after(REGAIN_S):
            while True:
                try:
                    if await anyio.to_thread.run_sync(self._is_mine_again, lock, term):
                        return
                except StoreUnavailable as error:
                    reason = str(error).rstrip(".")
                await anyio.sleep(RETRY_S)
        raise LeadLost(self._where, f"{reason} (for {REGAIN_S:.0f} seconds)")

    def _is_mine_again(self, lock: LeadLock, term: int) -> bool:
        has_lock = lock.acquire()
        if self._events.head().term != term:
            raise self.lost_to_another()
        return has_lock

    def lost_to_another(self) -> LeadLost:
        who = ", ".join(f"{name} {value}" for name, value in leader_in(self._events).items())
        return LeadLost(self._where, f"another daemon leads it now ({who or 'unknown process'})")

    def reason_in(self, error: BaseException) -> LeadLost | None:
        """What to say where the lead was lost while tasks were under way, whichever of them noticed first."""
        leaves = list(_leaves(error))
        if lost := next((leaf for leaf in leaves if isinstance(leaf, LeadLost)), None):
            return lost
        fenced = any(isinstance(leaf, ConflictError) and leaf.is_about_term for leaf in leaves)
        return self.lost_to_another() if fenced else None


def _acquired(lock: LeadLock) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not lock.acquire():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def leader_in(events: EventLog) -> dict[str, str]:
    """Who took the lead last, by what the log says: pid, host, definitions, folder, since."""
    newest = events.query(types=["daemon_started"], newest_first=True, limit=1)
    event = newest[0].event if newest else None
    try:
        return json.loads(event.holder) if isinstance(event, DaemonStarted) else {}
    except ValueError:
        return {}


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error
