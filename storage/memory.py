"""A store in memory: for runs that nobody needs to hear of afterwards. It costs a third of a database and forgets.

Rows stand in a list at the place of their offset; indexes by asset and by run make the queries that a run makes cheap.
A commit is one step under a lock, so that readers in other threads see all of it or nothing.
"""

from __future__ import annotations

import threading

from .checksum import GENESIS
from .store import Head, Row, RowFilter

_OFFSET, _TYPE, _ASSET_KEY, _RUN_ID = 0, 2, 5, 7  # places in a Row


class MemoryStore:
    """Implements `Store`."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._by_asset: dict[str, list[Row]] = {}
        self._by_run: dict[str, list[Row]] = {}
        self._blobs: dict[str, bytes] = {}
        self._head = Head(0, 0, GENESIS, 0)
        self._transaction = threading.Lock()
        self._mutex = threading.Lock()  # guards all of the above while it changes

    # ---- writing ----

    def begin(self) -> Head:
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
            elif wanted.types is None and not wanted.newest_first:
                return self._rows[wanted.after : wanted.after + wanted.limit]
            else:
                candidates = self._rows
            found: list[Row] = []
            for row in reversed(candidates) if wanted.newest_first else candidates:
                if len(found) == wanted.limit:
                    break
                if _fits(row, wanted):
                    found.append(row)
            return found

    def head(self) -> Head:
        return self._head

    def blob(self, digest: str) -> bytes | None:
        return self._blobs.get(digest)

    def blob_hashes(self) -> list[str]:
        return sorted(self._blobs)

    # ---- closing ----

    def close(self) -> None:
        """The log refuses everything from here on; what is stored goes with this object."""

    def abandon(self) -> None:
        """A forked child has a copy of its own: it takes nothing from the parent."""


def _fits(row: Row, wanted: RowFilter) -> bool:
    return (
        row[_OFFSET] > wanted.after
        and (wanted.asset_key is None or row[_ASSET_KEY] == wanted.asset_key)
        and (wanted.run_id is None or row[_RUN_ID] == wanted.run_id)
        and (wanted.types is None or row[_TYPE] in wanted.types)
    )
