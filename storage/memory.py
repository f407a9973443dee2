"""A store in memory: for runs that nobody needs to hear of afterwards. It costs a third of a database and forgets.

Rows stand in a list at the place of their offset; indexes by asset and by run make the queries that a run makes cheap.
A commit is one step under a lock, so that readers in other threads see all of it or nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping

from .checksum import GENESIS
from .errors import StoreUnavailable
from .store import RUN_ENDS, ArchiveRow, Head, Row, RowFilter, SnapshotRow, fits

_OFFSET, _TYPE, _ASSET_KEY, _RUN_ID = 0, 2, 5, 7  # places in a Row


class MemoryStore:
    """Implements `Store`."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._by_asset: dict[str, list[Row]] = {}
        self._by_run: dict[str, list[Row]] = {}
        self._blobs: dict[str, bytes] = {}
        self._snapshots: dict[int, SnapshotRow] = {}
        self._parts: dict[str, bytes] = {}
        self._head = Head(0, 0, GENESIS, 0)
        self._transaction = threading.Lock()
        self._mutex = threading.Lock()  # guards all of the above while it changes

    # ---- writing ----

    assumes: bool = False  # its lock costs nothing

    def begin(self, *, may_assume: bool = False) -> Head:
        self._transaction.acquire()
        return self._head

    def run_position(self, run_id: str) -> int:
        rows = self._by_run.get(run_id)
        return rows[-1][_OFFSET] if rows else 0

    def commit(self, rows: list[Row], blobs: dict[str, bytes], head: Head) -> None:
        with self._mutex:
            self._rows += rows
            for row in rows:
                if (asset_key := row[_ASSET_KEY]) is not None:
                    self._by_asset.setdefault(asset_key, []).append(row)
                if (run_id := row[_RUN_ID]) is not None:
                    self._by_run.setdefault(run_id, []).append(row)
            for digest, blob in blobs.items():
                self._blobs.setdefault(digest, blob)
            self._head = head
        self._transaction.release()

    def rollback(self) -> None:
        if self._transaction.locked():
            self._transaction.release()

    def tidy(self) -> None:
        """There is nothing to do."""

    # ---- reading ----

    def rows(self, wanted: RowFilter) -> list[Row]:
        with self._mutex:
            if wanted.run_id is not None:
                candidates = self._by_run.get(wanted.run_id, [])
            elif wanted.asset_key is not None:
                candidates = self._by_asset.get(wanted.asset_key, [])
            elif wanted == RowFilter(after=wanted.after, limit=wanted.limit):
                return self._rows[wanted.after : wanted.after + wanted.limit]
            else:
                candidates = self._rows
            found: list[Row] = []
            for row in reversed(candidates) if wanted.newest_first else candidates:
                if len(found) == wanted.limit:
                    break
                if fits(row, wanted):
                    found.append(row)
            return found

    def next_asset_key(self, after: str) -> str | None:
        with self._mutex:
            return min((key for key in self._by_asset if key > after), default=None)

    def unfinished_runs(self) -> list[str]:
        with self._mutex:
            types = {run_id: {row[_TYPE] for row in rows} for run_id, rows in self._by_run.items()}
        return [run_id for run_id, of in types.items() if "run_requested" in of and of.isdisjoint(RUN_ENDS)]

    def head(self) -> Head:
        return self._head

    def blob(self, digest: str) -> bytes | None:
        return self._blobs.get(digest)

    def blob_hashes(self) -> list[str]:
        return sorted(self._blobs)

    # ---- snapshots ----

    def snapshots(self) -> list[SnapshotRow]:
        with self._mutex:
            return [self._snapshots[offset] for offset in sorted(self._snapshots, reverse=True)]

    def snapshot_parts(self, digests: Collection[str]) -> dict[str, bytes]:
        with self._mutex:
            return {digest: self._parts[digest] for digest in digests if digest in self._parts}

    def save_snapshot(
        self, row: SnapshotRow | None, parts: Mapping[str, bytes], *, keep: Collection[int], keep_parts: Collection[str]
    ) -> None:
        with self._mutex:
            kept = {offset: self._snapshots[offset] for offset in keep if offset in self._snapshots}
            self._snapshots = kept if row is None else {**kept, row.offset: row}
            self._parts = {digest: self._parts[digest] for digest in keep_parts if digest in self._parts} | dict(parts)

    # ---- archives ----

    def archives(self) -> list[ArchiveRow]:
        return []

    def archive(self, row: ArchiveRow) -> None:
        raise StoreUnavailable("in memory", "it has no archive, and forgets everything")

    # ---- closing ----

    def close(self) -> None:
        """The log refuses everything from here on; what is stored goes with this object."""

    def abandon(self) -> None:
        """A forked child has a copy of its own: it takes nothing from the parent."""
