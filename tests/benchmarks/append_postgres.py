"""Appending to a log on PostgreSQL against a bare insert of the driver: same server, durability, columns and batches.

The server is the one that the tests have (support/postgres.py). Bare is one prepared statement for one event, and a
pipeline with a transaction for more: no head row, no checksums, no notification.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psycopg
from append import AT_LEAST, EVENT
from bare_log import row
from harness import Effort, Figure, interleaved, median, ratio_of, scratch_folder, timed

from headwater.storage.log import EventLog

sys.path.insert(0, str(Path(__file__).parents[1]))

LIMIT_IS = "bare psycopg, synchronous_commit=on, the same batches"
INSERT = "INSERT INTO bare VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def append_postgres(effort: Effort) -> list[Figure]:
    return [_one(effort, batch=size, count=effort.of(count, 5)) for size, count in ((1, 700), (8, 200), (100, 30))]


def _one(effort: Effort, *, batch: int, count: int) -> Figure:
    from support.postgres import schema_url

    with schema_url() as url, scratch_folder() as folder:
        os.environ["HEADWATER_STORE"] = url
        try:
            with EventLog.open(folder / "home") as log, psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE TABLE bare (LIKE events INCLUDING ALL)")
                bare = _Bare(connection)

                def ours() -> float:
                    return batch * count / timed(lambda: [log.append([EVENT] * batch) for _ in range(count)])

                def theirs() -> float:
                    return batch * count / timed(lambda: [bare.commit(batch) for _ in range(count)])

                ours()
                theirs()
                rates, limits = interleaved(effort.of(7, 1), ours, theirs)
        finally:
            del os.environ["HEADWATER_STORE"]
    return Figure(
        name=f"append on PostgreSQL, one writer, {batch} event{'s' * (batch > 1)} at once",
        value=round(median(rates)),
        unit="events/s",
        limit=round(median(limits)),
        limit_is=LIMIT_IS,
        ratio=round(ratio_of(rates, limits), 2),
        ratio_target=AT_LEAST,
    )


class _Bare:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection, self._cursor, self._next = connection, connection.cursor(), 1

    def commit(self, count: int) -> None:
        rows = [row(self._next + n) for n in range(count)]
        if count == 1:
            self._cursor.execute(INSERT, rows[0])
        else:
            with self._connection.pipeline(), self._connection.transaction():
                self._cursor.executemany(INSERT, rows)
        self._next += count
