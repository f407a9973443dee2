"""One commit: the batches of several callers, written in one transaction under the lock of the head row.

The head row is locked first and stays so until the commit: offsets are given in the order of commits and without gaps,
so that a reader who has seen offset n has seen all before it. A sequence of the database would not promise this. Under
the same lock rows get their timestamp, which never goes back along the offsets, and their place in the checksum chain.

A store may instead assume where the log ends, and find out at the commit whether it still does: that saves asking, and
gives the same rows. Whatever comes of an assumption but a commit is done again under the lock.

Each batch has its own expectation. One that does not hold fails its caller alone; the others are committed as if it had
not been there. A transaction that the store lost, and of which it knows that nothing was written, is tried once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from .batch import Batch, PreparedRow
from .checksum import link
from .clock import Clock, to_microseconds
from .errors import TERM, ConflictError, HeadMoved, NothingWritten
from .store import Head, Row, Store


def commit_batches(store: Store, batches: Sequence[Batch], clock: Clock) -> Head:
    """Commit all batches whose expectations hold; each of them then has its `offsets` or its `error`.

    Returns the head afterwards. If this raises, none of them was written, unless the commit itself failed: then nobody
    knows.
    """
    try:
        return _commit_once(store, batches, clock, may_assume=True)
    except HeadMoved:
        pass
    except NothingWritten:
        return _commit_once(store, batches, clock)
    try:
        return _commit_once(store, batches, clock)
    except NothingWritten:
        return _commit_once(store, batches, clock)


def _commit_once(store: Store, batches: Sequence[Batch], clock: Clock, *, may_assume: bool = False) -> Head:
    before = store.begin(may_assume=may_assume)
    try:
        transaction = _Transaction(store, before, max(before.timestamp, to_microseconds(clock.now())))
        for batch in batches:
            transaction.add(batch)
        if store.assumes and any(batch.error is not None for batch in batches):
            raise HeadMoved  # perhaps: a conflict counts only where the head is known
        if transaction.is_empty:
            store.rollback()
            return before
        after = transaction.head
        store.commit(transaction.rows, transaction.blobs, after)
        return after
    except BaseException:
        store.rollback()
        raise


class _Transaction:
    def __init__(self, store: Store, head: Head, timestamp: int) -> None:
        self._store, self._timestamp = store, timestamp
        self._offset, _, self._checksum, self._term = self._before = head
        self._positions: dict[str, int] = {}  # of the runs that this transaction has written to
        self.rows: list[Row] = []
        self.blobs: dict[str, bytes] = {}

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.blobs)

    @property
    def head(self) -> Head:
        timestamp = self._timestamp if self.rows else self._before.timestamp
        return Head(self._offset, timestamp, self._checksum, self._term)

    def add(self, batch: Batch) -> None:
        batch.error = None
        if batch.expect is not None and (conflict := self._conflict(batch)) is not None:
            batch.error = conflict
            return
        first = self._offset + 1
        if batch.new_term is not None:
            self._term += 1
            self._append([batch.new_term(self._term)])
        self._append(batch.rows)
        if batch.blobs:
            self.blobs.update(batch.blobs)
        batch.offsets = range(first, self._offset + 1)
        batch.term = self._term

    def _append(self, rows: Sequence[PreparedRow]) -> None:
        offset, timestamp, checksum, append = self._offset, self._timestamp, self._checksum, self.rows.append
        for id, type, schema_version, asset_key, partition, run_id, payload, body in rows:
            offset += 1
            checksum = link(checksum, offset, timestamp, body)
            append((offset, id, type, schema_version, timestamp, asset_key, partition, run_id, payload, checksum))
            if run_id is not None:
                self._positions[run_id] = offset
        self._offset, self._checksum = offset, checksum

    def _conflict(self, batch: Batch) -> ConflictError | None:
        expect = batch.expect
        assert expect is not None
        if expect.term is not None and expect.term != self._term:
            return ConflictError(TERM, expected=expect.term, actual=self._term)
        if expect.run_id is None or expect.position is None:
            return None
        position = self._positions.get(expect.run_id)
        if position is None:
            position = self._store.run_position(expect.run_id)
        if position != expect.position:
            what = f"the newest offset of run {expect.run_id!r}"
            return ConflictError(what, expected=expect.position, actual=position)
        return None
