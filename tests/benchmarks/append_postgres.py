"""Appending to the log on PostgreSQL: 1, 10 and 100 callers, against bare psycopg with the same batches.

Bare psycopg writes to the same server, with its own synchronous_commit, a table of the same columns and indexes, in one
round trip for each commit: it locks no head, chains no checksums and notifies nobody.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from append import AT_LEAST, batch_sizes, callers, one_writer
from bare_log import PAYLOAD
from harness import Effort, Figure, interleaved, median, ratio_of, scratch_folder, timed
from servers import schema_url

from headwater.storage.log import EventLog

LIMIT_IS = "bare psycopg on the same server, the same batches, each in one round trip"
WHERE = (
    "of 119 microseconds an event at 10 threads 104 are in the commit, of 67 at 100 threads 42, and 6 in the lock of "
    "the head; 82 and 62 are processor of this process, whose threads share an interpreter with the driver"
)
INSERT = "INSERT INTO bare VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def append_postgres(effort: Effort) -> list[Figure]:
    single, many = effort.of(300, 20), effort.of(3_000, 200)
    with scratch_folder() as folder, _postgres() as url:
        return [
            _against_bare("append on PostgreSQL, one writer", one_writer, single, effort, folder / "one", url),
            _against_bare("append on PostgreSQL, 10 threads", callers(10), many, effort, folder / "ten", url),
            _against_bare("append on PostgreSQL, 100 threads", callers(100), many, effort, folder / "hundred", url),
        ]


def _against_bare(
    name: str, way: Callable[[EventLog, int], None], count: int, effort: Effort, home: Path, url: str
) -> Figure:
    with EventLog.open(home) as log, psycopg.connect(url, autocommit=True) as connection:
        bare = BareTable(connection)
        way(log, max(1, count // 10))
        sizes: list[list[int]] = [[1]]

        def ours() -> float:
            before = log.head().offset
            took = timed(lambda: way(log, count))
            sizes.append(batch_sizes(log, after=before))
            return sum(sizes[-1]) / took

        def theirs() -> float:
            return sum(sizes[-1]) / bare.commit_all(sizes[-1])

        ours()
        rates, limits = interleaved(effort.of(5, 1), ours, theirs)
    return Figure(
        name=name,
        value=round(median(rates)),
        unit="events/s",
        limit=round(median(limits)),
        limit_is=LIMIT_IS,
        ratio=round(ratio_of(rates, limits), 2),
        ratio_target=AT_LEAST,
        where=WHERE,
        facts={"events_per_commit": round(median([sum(s) / len(s) for s in sizes[1:]]), 1)},
    )


@contextmanager
def _postgres() -> Iterator[str]:
    with schema_url() as url:
        os.environ["HEADWATER_STORE"] = url
        try:
            yield url
        finally:
            del os.environ["HEADWATER_STORE"]


class BareTable:
    """A table of events with the log's columns and indexes, and a connection that writes to it."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (LIKE events INCLUDING ALL)")
        self._next = 1

    def commit(self, count: int) -> None:
        rows = [_row(self._next + n) for n in range(count)]
        with self._connection.pipeline(), self._connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.executemany(INSERT, rows)
            cursor.execute("COMMIT")
        self._next += count

    def commit_all(self, sizes: Sequence[int]) -> float:
        """Seconds for transactions of these sizes, one after the other."""
        began = time.perf_counter()
        for size in sizes:
            self.commit(size)
        return time.perf_counter() - began


def _row(offset: int) -> tuple[object, ...]:
    id = f"019b0000-0000-7000-8000-{offset:012x}"
    return offset, id, "asset_materialized", 1, 1_700_000_000_000_000 + offset, "orders", None, None, PAYLOAD, "0" * 64
