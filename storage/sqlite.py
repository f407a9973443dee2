"""The log on SQLite: one file in WAL mode, every commit durable.

Writers of all processes queue up on an advisory lock of a side file before they begin: SQLite's own busy handler sleeps
and is unfair, the lock wakes the next one at once and is released by the kernel when its holder is killed. Within a
process `commit.py` lets one thread at a time write. Readers have connections of their own and read a page in one
statement, which is one short transaction: an open one would keep the WAL from shrinking.

The statements are Core constructs compiled to text (statements.py) and run on the driver's connection; only transaction
control and pragmas are written out. `SqliteStore.prepare()` compiles them without opening anything, which a host does
before it forks: neither connections nor locks of SQLite survive a fork.

Nothing else in a process may open and close the database file: POSIX would drop the locks that SQLite holds on it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path

from sqlalchemy import ClauseElement
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from . import statements
from .errors import ArchivedMeanwhile, StoreUnavailable
from .schema import check_version, definitions, events, metadata, snapshot_parts, snapshots
from .statements import Statement
from .store import ArchiveRow, Head, Row, RowFilter, SnapshotRow

FILE_NAME = "events.db"
LOCK_NAME = "events.lock"

BUSY_TIMEOUT_MS = 10_000  # somebody who does not know the side file, such as a backup tool, holds the database
CHECKPOINT_PAGES = 2000  # 8 MB of WAL, then the writer copies it into the database without waiting for readers
AT_ONCE = (64, 16, 4, 1)
"""Events that are inserted by one statement. The driver lets go of the interpreter at each, and where a hundred threads
append it has to queue up for it again: one by one that took three times as long."""
JOURNAL_LIMIT_BYTES = 16 << 20  # a WAL that a long reader let grow is cut back to this

_dialect = sqlite.dialect()

# A blob of the same hash is the same blob.
_insert_blob = sqlite.insert(definitions).on_conflict_do_nothing()
_insert_part = sqlite.insert(snapshot_parts).on_conflict_do_nothing()
_insert_snapshot = sqlite.insert(snapshots)


@cache
def _compiled(construct: ClauseElement) -> Statement:
    return statements.compiled(construct, _dialect)


class SqliteStore:
    """A `Store` on a file, or in memory where `path` is None (then one connection serves readers and writers)."""

    def __init__(self, path: Path | None) -> None:
        if path is not None and _open_in_parent and path.absolute() in _open_in_parent:
            raise StoreUnavailable(path, "it was open when this process was forked, which SQLite does not survive")
        self._path = path
        self._where = path or ":memory:"
        self._reported = _Reported(self._where)
        self._lock_fd: int | None = None
        self._readers: list[sqlite3.Connection] = []  # those that nobody uses just now
        self._memory_lock = threading.Lock()
        # These run at every append; the others are looked up.
        self._lock_head = _compiled(statements.LOCK_HEAD).sql
        self._move_head = _compiled(statements.MOVE_HEAD).sql
        with self._reported:
            if path is None:
                self._writer = self._connect_writer()
                self._cursor = self._writer.cursor()
                self._set_up()
                return
            self._lock_fd = _open_lock(path)
            # Held while the tables are looked for and made, so that of two that open a new log one makes them.
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
            try:
                self._writer = self._connect_writer()
                self._cursor = self._writer.cursor()
                try:
                    self._set_up()
                except BaseException:
                    self._writer.close()
                    raise
                fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
            except BaseException:
                os.close(self._lock_fd)
                raise

    @staticmethod
    def prepare() -> None:
        """Compile the statements of every append and of tailing. Opens nothing, so a process may fork afterwards."""
        for construct in (
            statements.LOCK_HEAD,
            statements.READ_HEAD,
            statements.READ_SCHEMA_VERSION,
            statements.MOVE_HEAD,
            statements.RUN_POSITION,
            statements.READ_BLOB,
            statements.select_for(RowFilter()),
            _insert_blob,
            statements.insert_events(1),
        ):
            _compiled(construct)

    # ---- writing ----

    assumes: bool = False  # its lock costs no more than a look

    def begin(self, *, may_assume: bool = False) -> Head:
        self._lock()
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            return Head._make(self._cursor.execute(self._lock_head).fetchone())
        except sqlite3.Error as error:
            self.rollback()
            raise StoreUnavailable(self._where, error) from error
        except BaseException:
            self.rollback()
            raise

    def run_position(self, run_id: str) -> int:
        with self._reported:
            return self._cursor.execute(_compiled(statements.RUN_POSITION).sql, (run_id,)).fetchone()[0] or 0

    def commit(self, rows: list[Row], blobs: dict[str, bytes], head: Head) -> None:
        cursor = self._cursor
        try:
            self._insert(rows)
            if blobs:
                cursor.executemany(_compiled(_insert_blob).sql, blobs.items())
            cursor.execute(self._move_head, head)
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreUnavailable(self._where, error) from error
        self._unlock()

    def _insert(self, rows: list[Row]) -> None:
        done = 0
        for size in AT_ONCE:
            while len(rows) - done >= size:
                chunk = rows[done : done + size]
                text = _compiled(statements.insert_events(size)).sql
                self._cursor.execute(text, list(chain.from_iterable(chunk)))
                done += size

    def rollback(self) -> None:
        try:
            if self._writer.in_transaction:
                with self._reported:
                    self._writer.execute("ROLLBACK")
        finally:
            self._unlock()

    def _lock(self) -> None:
        if self._lock_fd is None:
            self._memory_lock.acquire()
            return
        with self._reported:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX)

    def _unlock(self) -> None:
        if self._lock_fd is None:
            self._memory_lock.release()
        else:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    def tidy(self) -> None:
        """Move the whole WAL into the database and start it anew, unless somebody reads it just now.

        Its file keeps its place on the disk, up to the limit: a commit that makes a file longer takes 0.34 ms where one
        that writes over what is there takes 0.2 (the file system has to write down the new length too).
        """
        if self._path is None:
            return
        with self._reported, self._reader() as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")

    # ---- reading ----

    def rows(self, wanted: RowFilter) -> list[Row]:
        statement = _compiled(statements.select_for(wanted))
        values = statement.values(statements.select_values(wanted))
        with self._reported:
            try:
                with self._reader() as connection:
                    return connection.execute(statement.sql, values).fetchall()
            except sqlite3.OperationalError as error:
                if "decode to UTF-8" not in str(error):
                    raise
            # A damaged text. It is given as it is, so that the checksum or the decoder can name its offset.
            with self._reader() as connection:
                connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
                try:
                    return connection.execute(statement.sql, values).fetchall()
                finally:
                    connection.text_factory = str

    def next_asset_key(self, after: str) -> str | None:
        with self._reported, self._reader() as connection:
            return connection.execute(_compiled(statements.NEXT_ASSET_KEY).sql, (after,)).fetchone()[0]

    def unfinished_runs(self) -> list[str]:
        statement = _compiled(statements.UNFINISHED_RUNS)
        with self._reported, self._reader() as connection:
            return [run_id for (run_id,) in connection.execute(statement.sql, statement.values({}))]

    def head(self) -> Head:
        with self._reported, self._reader() as connection:
            return Head(*connection.execute(_compiled(statements.READ_HEAD).sql).fetchone())

    def blob(self, digest: str) -> bytes | None:
        with self._reported, self._reader() as connection:
            row = connection.execute(_compiled(statements.READ_BLOB).sql, (digest,)).fetchone()
            return None if row is None else row[0]

    def blob_hashes(self) -> list[str]:
        with self._reported, self._reader() as connection:
            return [row[0] for row in connection.execute(_compiled(statements.READ_BLOB_HASHES).sql)]

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        if self._path is None:  # the one connection, but never in the middle of a writer's transaction
            with self._memory_lock:
                yield self._writer
            return
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._readers.append(connection)

    # ---- snapshots ----

    def snapshots(self) -> list[SnapshotRow]:
        with self._reported, self._reader() as connection:
            rows = connection.execute(_compiled(statements.READ_SNAPSHOTS).sql).fetchall()
            return [SnapshotRow(*row) for row in rows]

    def snapshot_parts(self, digests: Collection[str]) -> dict[str, bytes]:
        statement, parts = _compiled(statements.READ_PARTS), {}
        with self._reported, self._reader() as connection:
            for page in statements.pages_of_parts(digests):
                parts |= dict(connection.execute(statement.sql, statement.values(page)))
        return parts

    def save_snapshot(
        self, row: SnapshotRow | None, parts: Mapping[str, bytes], *, keep: Collection[int], keep_parts: Collection[str]
    ) -> None:
        with self._reported, self._locked_apart(), self._reader() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                known = [s[0] for s in connection.execute(_compiled(statements.READ_SNAPSHOTS).sql)]
                dropped = {*known} - {*keep}
                connection.executemany(_compiled(statements.DROP_SNAPSHOT).sql, [(offset,) for offset in dropped])
                stored = {digest for (digest,) in connection.execute(_compiled(statements.READ_PART_HASHES).sql)}
                unused = stored - parts.keys() - {*keep_parts}
                connection.executemany(_compiled(statements.DROP_PART).sql, [(digest,) for digest in unused])
                connection.executemany(_compiled(_insert_part).sql, [i for i in parts.items() if i[0] not in stored])
                if row is not None:
                    connection.execute(_compiled(_insert_snapshot).sql, row)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    # ---- archives ----

    def archives(self) -> list[ArchiveRow]:
        with self._reported, self._reader() as connection:
            return [ArchiveRow(*row) for row in connection.execute(_compiled(statements.READ_ARCHIVES).sql)]

    def archive(self, row: ArchiveRow) -> None:
        insert, anchor = _compiled(statements.INSERT_ARCHIVE), _compiled(statements.MOVE_ANCHOR)
        with self._reported, self._locked_apart(), self._reader() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                moved = {"before": row.first - 1, "last": row.last, "new_checksum": row.checksum}
                if connection.execute(anchor.sql, anchor.values(moved)).rowcount != 1:
                    raise ArchivedMeanwhile(row.first)
                connection.execute(insert.sql, insert.values({f"new_{k}": v for k, v in row._asdict().items()}))
                connection.execute(_compiled(statements.DROP_EVENTS).sql, (row.last,))
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _locked_apart(self) -> Iterator[None]:
        """Wait in the queue of writers as another process would: the lock of this one's appends is another thread's."""
        if self._path is None:  # its one connection is lent to one at a time
            yield
            return
        lock_fd = _open_lock(self._path)
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock_fd)

    # ---- opening and closing ----

    def _connect(self) -> sqlite3.Connection:
        # isolation_level: transactions begin where we say so. check_same_thread: whoever leads may be any thread.
        timeout_s = BUSY_TIMEOUT_MS / 1000
        return sqlite3.connect(self._where, timeout=timeout_s, isolation_level=None, check_same_thread=False)

    def _connect_writer(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT_BYTES}")
        return connection

    def _set_up(self) -> None:
        """Make the tables where there are none; refuse those of a newer version."""
        try:
            found = self._writer.execute(_compiled(statements.READ_SCHEMA_VERSION).sql).fetchone()[0]
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
        else:
            check_version(self._where, found)
            return
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("BEGIN IMMEDIATE")
        for table in metadata.sorted_tables:
            self._writer.execute(str(CreateTable(table).compile(dialect=_dialect)))
        for index in sorted(events.indexes, key=lambda index: str(index.name)):
            self._writer.execute(str(CreateIndex(index).compile(dialect=_dialect)))
        statement = statements.compiled(statements.FIRST_HEAD, _dialect)
        self._writer.execute(statement.sql, statement.values({}))
        self._writer.execute("COMMIT")

    def close(self) -> None:
        """The last connection to be closed, of all processes, moves the WAL into the database and deletes it."""
        with self._reported:
            if self._lock_fd is not None:
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
            for connection in [*self._readers, self._writer]:
                connection.close()
            self._readers.clear()
            if self._lock_fd is not None:
                os.close(self._lock_fd)
                self._lock_fd = None

    def abandon(self) -> None:
        # The child shares the lock of the side file with its parent and would keep it alive when the parent is killed.
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None
        # Closing the connections could write to the file; they are kept from being collected instead.
        _kept.extend([*self._readers, self._writer])
        if self._path is not None:
            _open_in_parent.add(self._path.absolute())


def _open_lock(path: Path) -> int:
    """The side file of the database, and the folder of both if need be."""
    lock = path.with_name(LOCK_NAME)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(lock, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(lock, flags, 0o644)


_kept: list[sqlite3.Connection] = []
_open_in_parent: set[Path] = set()


class _Reported:
    """Turns the driver's errors into ours. A class, since a generator would cost a hundredth of a commit each time."""

    def __init__(self, where: Path | str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (sqlite3.Error, OSError)):
            raise StoreUnavailable(self._where, error) from error
