"""The log on PostgreSQL: any number of machines write to it and tail it.

The head row is locked first in every append (`SELECT ... FOR UPDATE`) and stays so until the commit, so that offsets
follow the order of commits; a sequence would give them in the order of allocation. Such an append takes two round
trips: the lock, then rows, head, `NOTIFY` and `COMMIT` in one go.

Most logs have one busy writer, which knows where the log ends: from its last append, or from having read what others
wrote. It sends a small append as one statement, which writes all of it if the head is still the one that it was made
for, and nothing if not. After a miss it locks again, until the head is once more where it thought.

When the connection breaks, nobody knows at first whether the commit that was under way has happened. The store finds
out: on a new connection it takes the head's lock, which waits for the end of whatever the old one still did, and looks
whether its rows are there. A statement that assumed the head may even arrive after that; so its rows are then written
under the lock, which moves the head away from under it. So an append either is durable, or is done anew, or fails; it
is never written twice.

The schema is the connection's own (`search_path`), so that several logs can share a database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain
from typing import Any, TypeVar

import psycopg
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from . import statements
from .errors import ArchivedMeanwhile, HeadMoved, NothingWritten, StoreUnavailable
from .postgres_connection import Connection, compiled, connected, ddl, execute, gave_up, only_row, text_of
from .schema import check_version, definitions, events, metadata, snapshot_parts, snapshots
from .server_url import without_password
from .store import ArchiveRow, Head, Row, RowFilter, SnapshotRow

Result = TypeVar("Result")
RECONNECT_S = 15.0  # how long a store waits for its server to come back, as from a restart
SMALL = 8  # events of an append that goes as one statement; more are quicker one by one, in a pipeline
TRIES = 5  # to write what a connection broke upon; each waits for the server as long as it must
SET_UP_LOCK = 0x6865616477  # whoever makes the tables holds this advisory lock

# A blob of the same hash is the same blob.
_insert_blob = postgresql.insert(definitions).on_conflict_do_nothing()
_insert_part = postgresql.insert(snapshot_parts).on_conflict_do_nothing()
_insert_snapshot = postgresql.insert(snapshots)
_told = func.pg_notify(func.concat("headwater ", func.current_schema()), "")
_notify = select(_told)
_sure_of_durability = select(
    func.set_config("synchronous_commit", "on", False),
).where(func.current_setting("synchronous_commit") == "off")
_take_set_up_lock = select(func.pg_advisory_xact_lock(SET_UP_LOCK))
_current_schema = select(func.current_schema())


class PostgresStore:
    """A `Store` on a server. `url` is what libpq understands, such as `postgresql://user@host/database`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._where = without_password(url)
        self._readers: list[Connection] = []  # those that nobody uses just now
        self._known: Head | None = None  # the newest head that was seen, whoever wrote it
        self._assumed: Head | None = None  # that of the open transaction, if nothing is locked
        self._may_assume = True  # not after a miss: somebody else writes too
        self._writer = self._connect()
        self._cursor = self._writer.cursor()  # of small appends: making one takes a tenth of their time
        try:
            self._set_up()
        except psycopg.Error as error:
            self._writer.close()
            raise StoreUnavailable(self._where, error) from error
        except BaseException:
            self._writer.close()
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
            statements.INSERT_EVENT,
            statements.select_for(RowFilter(), seeks=True),
            _insert_blob,
            _notify,
            _sure_of_durability,
        ):
            compiled(construct)
        _small_append(1)

    # ---- writing ----

    @property
    def assumes(self) -> bool:
        return self._assumed is not None

    def begin(self, *, may_assume: bool = False) -> Head:
        if may_assume and self._may_assume and self._known is not None and not self._writer.closed:
            self._assumed = self._known
            return self._assumed
        self._assumed = None
        head = self._insisting(self._begin)
        self._may_assume, self._known = self._known in (None, head), head
        return head

    def _begin(self) -> Head:
        if self._writer.closed:
            self._writer = self._connect()
            self._cursor = self._writer.cursor()
        try:
            with self._writer.pipeline():
                self._writer.execute("BEGIN")
                cursor = execute(self._writer, statements.LOCK_HEAD)
            return Head._make(only_row(cursor))
        except psycopg.Error as error:
            if not gave_up(self._writer, error):
                self.rollback()
            raise

    def run_position(self, run_id: str) -> int:
        try:
            return only_row(execute(self._writer, statements.RUN_POSITION, run_id=run_id))[0] or 0
        except psycopg.Error as error:
            raise self._nothing_written(error) from error

    def commit(self, rows: list[Row], blobs: dict[str, bytes], head: Head) -> None:
        assumed, self._assumed = self._assumed, None
        if assumed is None:
            self._commit_locked(rows, blobs, head)
        elif blobs or not 0 < len(rows) <= SMALL:
            if self.begin() != assumed:
                raise HeadMoved
            self._commit_locked(rows, blobs, head)
        else:
            self._commit_assumed(assumed, rows, head)
        self._known = head

    def _commit_assumed(self, assumed: Head, rows: list[Row], head: Head) -> None:
        try:
            is_written = self._write_if(assumed, rows, head)
        except psycopg.Error as error:
            if not gave_up(self._writer, error):
                raise StoreUnavailable(self._where, error) from error
            is_written = self._write_after_break(assumed, rows, head, error)
        if not is_written:
            self._may_assume = False
            raise HeadMoved

    def _write_if(self, assumed: Head, rows: list[Row], head: Head) -> bool:
        text, constants = _small_append(len(rows))
        values = (*head, assumed.offset, assumed.checksum, assumed.term, *chain.from_iterable(rows), *constants)
        return self._cursor.execute(text, values).fetchone() is not None

    def _write_after_break(self, assumed: Head, rows: list[Row], head: Head, error: psycopg.Error) -> bool:
        """After the connection broke during `_write_if`, which the server may have done, or may still do."""
        for _ in range(TRIES):
            try:
                if self.begin() == assumed:
                    self._write(rows, {}, head)
                    return True
                found = _page(self._writer, RowFilter(after=rows[-1][0] - 1, limit=1))
                self.rollback()
                return found == rows[-1:]
            except psycopg.Error as again:
                error = again
                if not gave_up(self._writer, again):
                    break
        raise StoreUnavailable(self._where, f"{error}; whether the append was written is unknown") from error

    def _commit_locked(self, rows: list[Row], blobs: dict[str, bytes], head: Head) -> None:
        try:
            self._write(rows, blobs, head)
        except psycopg.Error as error:
            if not gave_up(self._writer, error):
                raise StoreUnavailable(self._where, error) from error
            if not rows or not self._is_written(rows[-1]):
                raise self._nothing_written(error) from error

    def _write(self, rows: list[Row], blobs: dict[str, bytes], head: Head) -> None:
        with self._writer.pipeline(), self._writer.cursor() as cursor:
            if rows:
                cursor.executemany(text_of(statements.INSERT_EVENT), rows)
            if blobs:
                cursor.executemany(text_of(_insert_blob), list(blobs.items()))
            cursor.execute(text_of(statements.MOVE_HEAD), head)
            execute(self._writer, _notify)
            cursor.execute("COMMIT")

    def _is_written(self, row: Row) -> bool:
        """After the connection broke during a commit: whether it has happened."""
        self.begin()  # waits until the transaction of the broken connection is over
        try:
            found = _page(self._writer, RowFilter(after=row[0] - 1, limit=1))
            return bool(found) and found[0] == row
        except psycopg.Error as error:
            raise StoreUnavailable(self._where, f"{error}; whether the append was written is unknown") from error
        finally:
            self.rollback()

    def rollback(self) -> None:
        if self._writer.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            with suppress(psycopg.Error):  # a lost connection has been rolled back by the server
                self._writer.execute("ROLLBACK")

    def tidy(self) -> None:
        """The server does it by itself."""

    # ---- reading ----

    def rows(self, wanted: RowFilter) -> list[Row]:
        rows = self._read(lambda connection: _page(connection, wanted))
        if rows:
            self._notice(rows[0] if wanted.newest_first else rows[-1])
        return rows

    def _notice(self, row: Row) -> None:
        """Somebody else's append, of which this store need not learn by a miss."""
        known = self._known
        if known is not None and row[0] > known.offset:
            self._known = Head(row[0], row[4], row[-1], known.term)

    def next_asset_key(self, after: str) -> str | None:
        return self._read(lambda link: only_row(execute(link, statements.NEXT_ASSET_KEY, asset_key=after)))[0]

    def unfinished_runs(self) -> list[str]:
        return self._read(lambda link: [row[0] for row in execute(link, statements.UNFINISHED_RUNS).fetchall()])

    def head(self) -> Head:
        return self._read(lambda connection: Head._make(only_row(execute(connection, statements.READ_HEAD))))

    def blob(self, digest: str) -> bytes | None:
        row = self._read(lambda connection: execute(connection, statements.READ_BLOB, hash=digest).fetchone())
        return None if row is None else row[0]

    def blob_hashes(self) -> list[str]:
        rows = self._read(lambda connection: execute(connection, statements.READ_BLOB_HASHES).fetchall())
        return [row[0] for row in rows]

    # ---- snapshots ----

    def snapshots(self) -> list[SnapshotRow]:
        rows = self._read(lambda connection: execute(connection, statements.READ_SNAPSHOTS).fetchall())
        return [SnapshotRow(*row) for row in rows]

    def snapshot_parts(self, digests: Collection[str]) -> dict[str, bytes]:
        def attempt(connection: Connection) -> dict[str, bytes]:
            pages = statements.pages_of_parts(digests)
            return dict(row for page in pages for row in execute(connection, statements.READ_PARTS, **page))

        return self._read(attempt)

    def save_snapshot(
        self, row: SnapshotRow | None, parts: Mapping[str, bytes], *, keep: Collection[int], keep_parts: Collection[str]
    ) -> None:
        def attempt(connection: Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                known = [s[0] for s in cursor.execute(text_of(statements.READ_SNAPSHOTS)).fetchall()]
                dropped = {*known} - {*keep}
                cursor.executemany(text_of(statements.DROP_SNAPSHOT), [(offset,) for offset in dropped])
                stored = {digest for (digest,) in cursor.execute(text_of(statements.READ_PART_HASHES)).fetchall()}
                unused = stored - parts.keys() - {*keep_parts}
                cursor.executemany(text_of(statements.DROP_PART), [(digest,) for digest in unused])
                cursor.executemany(text_of(_insert_part), [item for item in parts.items() if item[0] not in stored])
                if row is not None:
                    cursor.execute(text_of(_insert_snapshot), row)

        self._read(attempt)

    # ---- archives ----

    def archives(self) -> list[ArchiveRow]:
        rows = self._read(lambda connection: execute(connection, statements.READ_ARCHIVES).fetchall())
        return [ArchiveRow(*row) for row in rows]

    def archive(self, row: ArchiveRow) -> None:
        def attempt(connection: Connection) -> None:
            if row in self.archives():
                return  # the connection broke after the commit
            with connection.transaction():
                moved = {"before": row.first - 1, "last": row.last, "new_checksum": row.checksum}
                if execute(connection, statements.MOVE_ANCHOR, **moved).rowcount != 1:
                    raise ArchivedMeanwhile(row.first)
                execute(connection, statements.INSERT_ARCHIVE, **{f"new_{k}": v for k, v in row._asdict().items()})
                execute(connection, statements.DROP_EVENTS, last=row.last)

        self._read(attempt)

    # ---- connections for readers ----

    def _read(self, ask: Callable[[Connection], Result]) -> Result:
        def attempt() -> Result:
            with self._reader() as connection:
                return ask(connection)

        return self._insisting(attempt)

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except psycopg.Error as error:
            if not gave_up(connection, error):
                self._readers.append(connection)
            raise
        except BaseException:  # what somebody else raised in between, or ctrl-C
            if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                self._readers.append(connection)
            else:
                connection.close()
            raise
        else:
            self._readers.append(connection)

    # ---- connections ----

    def _connect(self) -> Connection:
        return connected(self._url, lambda connection: execute(connection, _sure_of_durability))

    def _insisting(self, act: Callable[[], Result]) -> Result:
        """Do what can be done twice, over new connections while the server is gone.

        Raises:
            StoreUnavailable: it is gone for longer than `RECONNECT_S`, or refuses.
        """
        give_up_at = time.monotonic() + RECONNECT_S
        pause_s = 0.02
        while True:
            try:
                return act()
            except (psycopg.OperationalError, StoreUnavailable) as error:
                if time.monotonic() + pause_s > give_up_at:
                    raise StoreUnavailable(self._where, error) from error
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, 1.0)
            except psycopg.Error as error:
                raise StoreUnavailable(self._where, error) from error

    def _nothing_written(self, error: psycopg.Error) -> StoreUnavailable:
        """What to raise where a transaction failed before its commit."""
        kind = NothingWritten if gave_up(self._writer, error) else StoreUnavailable
        return kind(self._where, error)

    # ---- opening and closing ----

    def _set_up(self) -> None:
        """Make the tables where there are none; refuse those of a newer version."""
        with self._writer.transaction():
            execute(self._writer, _take_set_up_lock)
            if only_row(execute(self._writer, _current_schema))[0] is None:
                raise StoreUnavailable(self._where, "the schema of its search_path does not exist: create it")
            found = self._schema_version()
            if found is None:
                self._make_tables()
            else:
                check_version(self._where, found)

    def _schema_version(self) -> int | None:
        try:
            with self._writer.transaction():
                return only_row(execute(self._writer, statements.READ_SCHEMA_VERSION))[0]
        except psycopg.errors.UndefinedTable:
            return None

    def _make_tables(self) -> None:
        for table in metadata.sorted_tables:
            self._writer.execute(ddl(CreateTable(table)))
        for index in sorted(events.indexes, key=lambda index: str(index.name)):
            self._writer.execute(ddl(CreateIndex(index)))
        execute(self._writer, statements.FIRST_HEAD)

    def close(self) -> None:
        for connection in [*self._readers, self._writer]:
            connection.close()
        self._readers.clear()

    def abandon(self) -> None:
        # A connection belongs to the process that made it. Collected here it would end the parent's.
        _kept.extend([*self._readers, self._writer])


def _page(connection: Connection, wanted: RowFilter) -> list[Row]:
    statement = statements.select_for(wanted, seeks=True)
    rows: Any = execute(connection, statement, **statements.select_values(wanted)).fetchall()
    return rows


@cache
def _small_append(count: int) -> tuple[Any, tuple[Any, ...]]:
    """The text of `append_if_head`, and those of its values that never change, which stand behind the others."""
    statement = compiled(statements.append_if_head(count, _told))
    return statement.sql, tuple(value for name in statement.names if (value := statement.constants[name]) is not None)


_kept: list[Connection] = []
