"""What a database has to offer so that an event log can stand on it.

A store knows rows and transactions and nothing of events: ordering, checksums, expectations and group commit are in
commit.py, the same for every database. One append at a time runs between `begin` and `commit`; readers never wait for
it and see committed rows only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

Row = tuple[int, str, str, int, int, str | None, str | None, str | None, str, str]
"""A stored event, in the order of the columns of `schema.events`."""


class Head(NamedTuple):
    """Where the log ends: the newest event's offset, timestamp (microseconds) and checksum, and the leader's term."""

    offset: int
    timestamp: int
    checksum: str
    term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Which rows a query wants. None means any."""

    asset_key: str | None = None
    run_id: str | None = None
    types: tuple[str, ...] | None = None
    after: int = 0
    limit: int = 1000
    newest_first: bool = False


class Store(Protocol):
    """All methods may be called from any thread; `begin` to `commit` or `rollback` from one thread at a time.

    Every method raises `StoreUnavailable` when the database cannot do its work.
    """

    def begin(self) -> Head:
        """Start a transaction and lock the head row until it ends."""
        ...

    def run_position(self, run_id: str) -> int:
        """In the open transaction: the offset of the run's newest event, 0 if it has none."""
        ...

    def commit(self, rows: list[Row], blobs: dict[str, bytes], head: Head) -> None:
        """Add `rows` and the blobs that are not stored yet, set the head, and end the transaction.

        On return all of it is durable.
        """
        ...

    def rollback(self) -> None:
        """End the transaction as if it had not been; does nothing if none is open."""
        ...

    def rows(self, wanted: RowFilter) -> list[Row]:
        """Committed rows in the order of offsets (or against it), in a transaction of its own."""
        ...

    def head(self) -> Head: ...

    def blob(self, digest: str) -> bytes | None: ...

    def blob_hashes(self) -> list[str]:
        """Of all definitions that are stored, in order."""
        ...

    def tidy(self) -> None:
        """Do what is left to do when nobody is writing; called once after a busy spell."""
        ...

    def close(self) -> None: ...

    def abandon(self) -> None:
        """Let go of everything in a forked child, without touching what the parent still uses."""
        ...
