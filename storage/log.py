"""The event log: everything that happened, in one order that all readers agree on.

    with EventLog.open(home) as log:
        log.append([AssetMaterialized(asset_key="orders", origin="report")])
        for stored in log.read(after=0):
            print(stored.offset, stored.at, stored.event)

- `append` returns once its events are durable, all of them or none, at offsets that follow one another.
- A reader that has seen offset n has seen every event up to n, and sees none of them a second time.
- Any number of processes and threads may append and read at once. A log is not carried over a fork: the child opens it.

How appends share a commit is told in group.py, what happens in one in commit.py, how rows are chained in checksum.py.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from .archives import Archives
from .batch import Batch, Expect, prepare
from .checksum import verify_chain
from .clock import Clock, SystemClock, from_microseconds
from .commit import commit_batches
from .errors import ConflictError, LogClosed, LogCorrupt, UnknownDefinitions
from .events import DaemonStarted, Event, decode
from .group import GroupCommit
from .ids import IdSource, SystemIds
from .opening import open_store
from .sqlite import FILE_NAME, SqliteStore
from .store import ArchiveRow, Head, Row, RowFilter, SnapshotRow, Store
from .wakeup import LocalWakeups, LogWakeups, Subscription, Wakeups

__all__ = ["ConflictError", "EventLog", "Expect", "Head", "StoredEvent"]

PAGE = 1000  # events that are read at once unless the caller says otherwise
VERIFY_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event and its place in the log. `timestamp` is when it was committed, in microseconds since 1970 (UTC)."""

    offset: int
    id: str
    timestamp: int
    event: Event

    @property
    def at(self) -> datetime:
        return from_microseconds(self.timestamp)


class EventLog:
    def __init__(
        self, store: Store, wakeups: LogWakeups, *, clock: Clock, ids: IdSource, home: Path | None = None
    ) -> None:
        self._store, self._wakeups, self._clock, self._ids = store, wakeups, clock, ids
        self._archives = Archives(store, home, owns=isinstance(store, SqliteStore))
        self._group = GroupCommit(self._commit, tidy=store.tidy)
        self._is_closed = self._is_forked = False
        _open_logs.add(self)

    @classmethod
    def open(cls, home: Path, *, clock: Clock | None = None, ids: IdSource | None = None) -> EventLog:
        """The log of `home`, which is made if it is not there yet.

        Raises:
            StoreTooNew: a newer headwater wrote it.
            StoreUnavailable: it cannot be opened.
            WrongStore: HEADWATER_STORE names another log than the one that `home` has.
        """
        store, wakeups = open_store(home)
        return cls(store, wakeups, clock=clock or SystemClock(), ids=ids or SystemIds(), home=home)

    @classmethod
    def in_file(cls, home: Path, *, clock: Clock | None = None, ids: IdSource | None = None) -> EventLog:
        """A log in a file of `home`, whatever HEADWATER_STORE says."""
        store = SqliteStore(home / FILE_NAME)
        return cls(store, Wakeups(home), clock=clock or SystemClock(), ids=ids or SystemIds(), home=home)

    @classmethod
    def memory(cls, *, clock: Clock | None = None, ids: IdSource | None = None) -> EventLog:
        """A log that ends with this process, and that no other can see."""
        return cls(SqliteStore(None), LocalWakeups(), clock=clock or SystemClock(), ids=ids or SystemIds())

    # ---- writing ----

    def append(
        self, events: Sequence[Event], *, expect: Expect | None = None, blobs: Mapping[str, bytes] | None = None
    ) -> range:
        """Append `events` in one piece and return their offsets, once they are durable.

        `blobs` are bytes by their hash, stored with the events that name them, and once however often they come.

        Raises:
            ConflictError: the log is not as `expect` says; nothing was written.
            StoreUnavailable: the database failed; whether the events were written is unknown.
        """
        batch = self._batch(events, expect, blobs)
        self._group.submit(batch)
        return batch.offsets

    async def append_async(
        self, events: Sequence[Event], *, expect: Expect | None = None, blobs: Mapping[str, bytes] | None = None
    ) -> range:
        """`append` without blocking the event loop. If it is cancelled, the events may or may not be written."""
        batch = self._batch(events, expect, blobs)
        await self._group.submit_async(batch)
        return batch.offsets

    def take_lead(self, holder: str) -> int:
        """Begin a new term, in one transaction with its `DaemonStarted`, and return it.

        From then on appends that expect an older term fail, which fences whoever led before.
        """
        batch = Batch((), new_term=lambda term: prepare(DaemonStarted(term=term, holder=holder), self._ids.new_id()))
        self._group.submit(batch)
        return batch.term

    def _batch(self, events: Sequence[Event], expect: Expect | None, blobs: Mapping[str, bytes] | None) -> Batch:
        new_id = self._ids.new_id
        return Batch([prepare(event, new_id()) for event in events], expect, blobs)

    def _commit(self, batches: Sequence[Batch]) -> None:
        commit_batches(self._store, batches, self._clock)
        self._wakeups.notify()

    # ---- reading ----

    def read(self, after: int, limit: int = PAGE) -> list[StoredEvent]:
        """The next events behind offset `after`, oldest first; fewer than `limit` only at the end of the log."""
        rows = self._rows(RowFilter(after=after, limit=limit))
        if rows and rows[-1][0] - rows[0][0] != len(rows) - 1:
            raise LogCorrupt(_first_gap(rows), "its row is missing")
        return [_stored(row) for row in rows]

    def query(
        self,
        *,
        asset_key: str | None = None,
        run_id: str | None = None,
        types: Sequence[str] | None = None,
        partitions: Sequence[str] | None = None,
        after: int = 0,
        before: int | None = None,
        limit: int = PAGE,
        newest_first: bool = False,
    ) -> list[StoredEvent]:
        """At most `limit` events behind offset `after`, and ahead of `before`, that have all that is asked for.

        `asset_key` and `run_id` are the event's own: a `RunRequested` is found by its run, not by its targets.
        """
        if (types is not None and not types) or (partitions is not None and not partitions):
            return []
        wanted = RowFilter(
            asset_key=asset_key,
            run_id=run_id,
            types=None if types is None else tuple(types),
            partitions=None if partitions is None else tuple(partitions),
            after=after,
            before=before,
            limit=limit,
            newest_first=newest_first,
        )
        return [_stored(row) for row in self._rows(wanted)]

    def asset_keys(self, *, after: str = "", limit: int | None = None) -> list[str]:
        """The keys of all assets that any event is about, in order; one look into the index for each."""
        self._check_open()
        archived = self._archives.asset_keys()
        keys = self._keys_in_database("" if archived else after, None if archived else limit)
        return sorted({key for key in archived.union(keys) if key > after})[:limit] if archived else keys

    def _keys_in_database(self, after: str, limit: int | None) -> list[str]:
        keys: list[str] = []
        while (limit is None or len(keys) < limit) and (key := self._store.next_asset_key(after)) is not None:
            keys.append(key)
            after = key
        return keys

    def unfinished_runs(self) -> list[str]:
        """The ids of the runs that were requested and have not ended, oldest first."""
        self._check_open()
        return self._store.unfinished_runs()

    def head(self) -> Head:
        """Where the log ends now."""
        self._check_open()
        return self._store.head()

    def definitions_bytes(self, hash: str) -> bytes:
        """The blob that was appended under `hash`.

        Raises:
            UnknownDefinitions: there is none.
        """
        self._check_open()
        stored = self._store.blob(hash)
        if stored is None:
            raise UnknownDefinitions(hash)
        return stored

    def definitions_hashes(self) -> list[str]:
        """Of all definitions whose bytes the log has."""
        self._check_open()
        return self._store.blob_hashes()

    # ---- snapshots of State ----

    def snapshots(self) -> list[SnapshotRow]:
        """All that are stored, newest first. What is in them is known to snapshots.py."""
        self._check_open()
        return self._store.snapshots()

    def snapshot_parts(self, digests: Collection[str]) -> dict[str, bytes]:
        self._check_open()
        return self._store.snapshot_parts(digests)

    def save_snapshot(
        self, row: SnapshotRow | None, parts: Mapping[str, bytes], *, keep: Collection[int], keep_parts: Collection[str]
    ) -> None:
        """Store one (None: no new one), and let go of all but those at the offsets `keep`, with their parts."""
        self._check_open()
        self._store.save_snapshot(row, parts, keep=keep, keep_parts=keep_parts)

    # ---- archives ----

    def archives(self) -> list[ArchiveRow]:
        """The files that old events were moved to. Whoever reads the log need not know: files and rows are one."""
        self._check_open()
        return self._store.archives()

    def archive_folder(self) -> str:
        """Where the next file of archived events goes: an absolute path, or "" for the log's own home.

        Raises:
            ArchivePlaceUnknown: the log is on a server, and nobody has said so yet.
        """
        self._check_open()
        return self._archives.folder_of_next()

    def archive_path(self, folder: str) -> Path:
        """The path of a folder that is named so."""
        return self._archives.path_of(folder)

    def archive(self, row: ArchiveRow) -> None:
        """Take the events out that are in a file, which is in its place and durable. How, is told in archiving.py."""
        self._check_open()
        self._store.archive(row)

    # ---- the log as rows ----

    def restore(self, rows: Sequence[Row], blobs: Mapping[str, bytes], *, end: Head | None = None) -> None:
        """Write rows with the places, times and checksums that they have; nothing else may append meanwhile.

        With `end`, the log has to end like it afterwards, and takes its leader's term.

        Raises:
            LogCorrupt: they do not continue this log. Nothing was written.
        """
        self._check_open()
        before = self._store.begin()
        try:
            last = rows[-1] if rows else None
            after = before if last is None else Head(last[0], last[4], last[-1], before.term)
            if end is not None:
                after = Head(*after[:3], max(before.term, end.term))
            verify_chain(rows, end or after, after=before.offset, checksum=before.checksum)
            self._store.commit(list(rows), dict(blobs), after)
        except BaseException:
            self._store.rollback()
            raise
        self._wakeups.notify()

    def verify(self) -> None:
        """Check that every row is there and is what was written. Reads the whole log.

        Raises:
            LogCorrupt: with the first offset that does not fit.
        """
        head = self.head()
        verify_chain(self.all_rows(), head)

    def subscribe(self) -> Subscription:
        """Something to wait on until the log has grown, in whatever process. Close it when done."""
        self._check_open()
        return self._wakeups.subscribe()

    def _rows(self, wanted: RowFilter) -> list[Row]:
        self._check_open()
        return self._archives.with_older(wanted, self._store.rows(wanted))

    def all_rows(self, after: int = 0) -> Iterator[Row]:
        """The rows behind offset `after` as they are stored, to the end of the log."""
        while rows := self._rows(RowFilter(after=after, limit=VERIFY_PAGE)):
            yield from rows
            after = rows[-1][0]

    # ---- closing ----

    def close(self) -> None:
        """Finish the appends that wait, and let go of the files. Closing twice does nothing."""
        if self._is_closed:
            return
        try:
            self._group.close()
        finally:
            self._is_closed = True
            self._wakeups.close()
            self._store.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise LogClosed(forked=self._is_forked)

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def _after_fork(self) -> None:
        self._is_closed = self._is_forked = True
        self._group.forked()
        self._store.abandon()


def _stored(row: Row) -> StoredEvent:
    offset, id, type, schema_version, timestamp, _, _, _, payload, _ = row
    try:
        return StoredEvent(offset, id, timestamp, decode(type, schema_version, payload))
    except ValueError as error:
        raise LogCorrupt(offset, f"its payload is not that of a {type} event") from error


def _first_gap(rows: Sequence[Row]) -> int:
    return next(row[0] + 1 for row, following in pairwise(rows) if following[0] != row[0] + 1)


_open_logs: weakref.WeakSet[EventLog] = weakref.WeakSet()


def _abandon_logs() -> None:
    for log in list(_open_logs):
        if not log._is_closed:
            log._after_fork()


os.register_at_fork(after_in_child=_abandon_logs)
