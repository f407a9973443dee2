"""The lead of a log on PostgreSQL: an advisory lock that one session of the server holds, and that ends with it.

The lock lives on a connection of its own, which does nothing else. The server gives it back when that connection ends,
however it does: by `release`, with the process, with the machine, or with the way between them. So whoever holds it has
to watch the connection (`until_lost`): when it is gone, the lock is free for somebody else. Both sides look after some
seconds of silence whether the other is still there.

The lock does not keep anybody from writing; that is what the leader's term in the head row does. It belongs to the
schema that the log is in, as several logs may share a database. A pooler between that hands each transaction to another
session of the server would break it.
"""

from __future__ import annotations

import anyio
import psycopg
from sqlalchemy import func, select

from .postgres_connection import Connection, connected, execute

_name = func.concat("headwater lead ", func.current_schema())
_try_lock = select(func.pg_try_advisory_lock(func.hashtextextended(_name, 0)))

SILENCE_S, REPEAT_S, REPEATS = 10, 5, 3  # of a connection on which nothing is said, before it counts as lost
_server_looks_too = [
    select(func.set_config(name, str(value), False))
    for name, value in (
        ("tcp_keepalives_idle", SILENCE_S),
        ("tcp_keepalives_interval", REPEAT_S),
        ("tcp_keepalives_count", REPEATS),
    )
]


class LeadLock:
    """The lock of the log at `url`, which this process holds after a successful `acquire` and until it is lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody has it.

        Raises:
            StoreUnavailable: the server cannot be reached.
        """
        assert self._connection is None, "it is held already"
        found: list[bool] = []

        def ask(connection: Connection) -> None:
            for setting in _server_looks_too:
                execute(connection, setting)
            row = execute(connection, _try_lock).fetchone()
            found.append(row is not None and row[0])

        looks = {"keepalives_idle": SILENCE_S, "keepalives_interval": REPEAT_S, "keepalives_count": REPEATS}
        connection = connected(self._url, ask, **looks)
        if not found[-1]:
            connection.close()
            return False
        self._connection = connection
        return True

    async def until_lost(self) -> None:
        """Return when the connection has broken; then the lock is no longer held."""
        assert self._connection is not None, "it is not held"
        try:
            while True:
                await anyio.wait_readable(self._connection.fileno())
                self._connection.pgconn.consume_input()  # a word of the server; or the end, which is an error
        except (psycopg.Error, OSError):
            self.release()

    def release(self) -> None:
        """Give the lock back. Does nothing if it is not held."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
