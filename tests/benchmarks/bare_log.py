"""The limit of an append: bare sqlite3 with the log's durability, columns and indexes, and nothing else.

No head row, no checksums, no expectations, no lock between processes. Uses sqlite3 alone, so that a process which is to
be as lean as can be may use it too.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SCHEMA = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS events (
        "offset" INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, schema_version INTEGER NOT NULL,
        timestamp BIGINT NOT NULL, asset_key TEXT, "partition" TEXT, run_id TEXT, payload TEXT NOT NULL,
        checksum TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS events_by_asset ON events (asset_key, "offset");
    CREATE INDEX IF NOT EXISTS events_by_run ON events (run_id, "offset");
    CREATE INDEX IF NOT EXISTS events_by_type ON events (type, "offset");
"""
INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
PAYLOAD = '{"type":"asset_materialized","asset_key":"orders","metadata":{"note":{"type":"text","value":"%s"}}}' % (
    "x" * 200
)


class BareLog:
    """One connection to a file of such events."""

    def __init__(self, path: Path | str, *, first: int | None = None) -> None:
        """`first` is the offset of the next event, where several processes write and must not meet."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA busy_timeout = 10000")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA wal_autocheckpoint = 4000")  # as the log does
        self._connection.executescript(SCHEMA)
        self._cursor = self._connection.cursor()
        newest = self._connection.execute('SELECT coalesce(max("offset"), 0) FROM events').fetchone()[0]
        self._next = newest + 1 if first is None else first

    def commit(self, count: int = 1) -> None:
        """Append `count` events in one durable transaction."""
        rows = [row(self._next + n) for n in range(count)]
        self._cursor.execute("BEGIN IMMEDIATE")
        if count == 1:
            self._cursor.execute(INSERT, rows[0])
        else:
            self._cursor.executemany(INSERT, rows)
        self._cursor.execute("COMMIT")
        self._next += count

    def commit_all(self, sizes: Sequence[int]) -> float:
        """Commit transactions of these sizes, one after the other; returns the seconds that it took."""
        began = time.perf_counter()
        for size in sizes:
            self.commit(size)
        return time.perf_counter() - began

    def close(self) -> None:
        self._connection.close()


def row(offset: int) -> tuple[Any, ...]:
    id = f"019b0000-0000-7000-8000-{offset:012x}"
    return offset, id, "asset_materialized", 1, 1_700_000_000_000_000 + offset, "orders", None, None, PAYLOAD, "0" * 64
