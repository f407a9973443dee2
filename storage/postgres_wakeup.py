"""Wake-ups on PostgreSQL: every append notifies, in its own transaction, and every tailer listens.

A subscription is a connection of its own that does nothing but listen. The notification is sent by the server when the
commit is done, to every process on every machine. A broken connection is made anew at the next wait; what landed
meanwhile is found by reading the log, which is why reconnecting counts as having been woken.
"""

from __future__ import annotations

import select
import time
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.lowlevel
import psycopg
from psycopg.sql import SQL, Identifier

from .errors import StoreUnavailable
from .postgres_connection import Connection, connected
from .wakeup import POLL_S, Subscription


class PostgresSubscription(Subscription):
    """Becomes readable when the log has grown, or when the server is gone."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = self._connect()
        self.path: Path | None = None

    def _connect(self) -> Connection:
        return connected(self._url, _listen)

    def fileno(self) -> int:
        return self._connection.fileno()

    async def wait(self, timeout_s: float = POLL_S) -> bool:
        if self.clear():
            await anyio.lowlevel.checkpoint()
            return True
        if self._connection.closed:
            await anyio.sleep(min(timeout_s, POLL_S))
            return await anyio.to_thread.run_sync(self._reconnect)
        with anyio.move_on_after(timeout_s):
            await anyio.wait_readable(self._connection.fileno())
        return self.clear()

    def wait_blocking(self, timeout_s: float = POLL_S) -> bool:
        if self.clear():
            return True
        if self._connection.closed:
            time.sleep(min(timeout_s, POLL_S))
            return self._reconnect()
        select.select([self._connection], [], [], timeout_s)
        return self.clear()

    def clear(self) -> bool:
        """Forget the wake-ups that have come; whether there were any. A lost connection is closed here."""
        if self._connection.closed:
            return False
        has_come = False
        try:
            self._connection.pgconn.consume_input()
            while self._connection.pgconn.notifies() is not None:
                has_come = True
        except psycopg.Error:
            self._connection.close()
        return has_come

    def _reconnect(self) -> bool:
        """Whether the server is there again; the log may have grown meanwhile."""
        with suppress(StoreUnavailable):
            self._connection = self._connect()
            return True
        return False

    def send(self) -> None:
        """The server does it."""

    def close(self) -> None:
        self._connection.close()


def _listen(connection: Connection) -> None:
    row = connection.execute("SELECT concat('headwater ', current_schema())").fetchone()
    assert row is not None
    connection.execute(SQL("LISTEN {}").format(Identifier(row[0])))


class PostgresWakeups:
    """Wake-ups between all processes, on all machines, that have the log at `url` open."""

    def __init__(self, url: str) -> None:
        self._url = url

    def subscribe(self) -> Subscription:
        return PostgresSubscription(self._url)

    def notify(self) -> None:
        """The append's own transaction has done it."""

    def close(self) -> None:
        """Each subscription is closed by who has it."""
