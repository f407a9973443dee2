"""What a database has to offer so that an event log can stand on it.

A store knows rows and transactions and nothing of events: ordering, checksums, expectations and group commit are in
commit.py, the same for every database. One append at a time runs between `begin` and `commit`; readers never wait for
it and see committed rows only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Row = tuple[int, str, str, int, int, str | None, str | None, str | None, str, str]
"""A stored event, in the order of the columns of `schema.events`."""

RUN_ENDS = ("run_succeeded", "run_failed", "run_cancelled")
"""The types of the events that end a run."""


class Head(NamedTuple):
    """Where the log ends: the newest event's offset, timestamp (microseconds) and checksum, and the leader's term."""

    offset: int
    timestamp: int
    checksum: str
    term: int


class SnapshotRow(NamedTuple):
    """A snapshot of State through `offset`; `timestamp` is that of the event there. See snapshots.py."""

    offset: int
    timestamp: int
    format: int
    manifest: bytes


class ArchiveRow(NamedTuple):
    """A file of archived events, the `last` of which has this `timestamp` and `checksum`; its `folder` is absolute, or
    empty where it is in the log's own home. See archives.py."""

    first: int
    last: int
    timestamp: int
    file: str
    sha256: str
    checksum: str
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Which rows a query wants: behind offset `after` and, where it is given, ahead of `before`. None means any."""

    asset_key: str | None = None
    run_id: str | None = None
    types: tuple[str, ...] | None = None
    partitions: tuple[str, ...] | None = None
    after: int = 0
    before: int | None = None
    limit: int = 1000
    newest_first: bool = False


def fits(row: Row, wanted: RowFilter) -> bool:
    """Whether a query wants a row, apart from its limit."""
    return (
        row[0] > wanted.after
        and (wanted.before is None or row[0] < wanted.before)
        and (wanted.asset_key is None or row[5] == wanted.asset_key)
        and (wanted.run_id is None or row[7] == wanted.run_id)
        and (wanted.types is None or row[2] in wanted.types)
        and (wanted.partitions is None or row[6] in wanted.partitions)
    )


class Store(Protocol):
    """All methods may be called from any thread; `begin` to `commit` or `rollback` from one thread at a time.

    Every method raises `StoreUnavailable` when the database cannot do its work.
    """

    def begin(self, *, may_assume: bool = False) -> Head:
        """Start a transaction and lock the head row until it ends.

        Where it `may_assume`, a store may answer from what it knows and lock nothing; `assumes` tells. The commit then
        finds out whether it was right, and raises `HeadMoved` if not.
        """
        ...

    @property
    def assumes(self) -> bool:
        """Whether the head of the open transaction is assumed."""
        ...

    def run_position(self, run_id: str) -> int:
        """In the open transaction: the offset of the run's newest event, 0 if it has none."""
        ...

    def commit(self, rows: list[Row], blobs: dict[str, bytes], head: Head) -> None:
        """Add `rows` and the blobs that are not stored yet, set the head, and end the transaction.

        On return all of it is durable.

        Raises:
            HeadMoved: the head that `begin` assumed was no longer that of the log; nothing was written.
        """
        ...

    def rollback(self) -> None:
        """End the transaction as if it had not been; does nothing if none is open."""
        ...

    def rows(self, wanted: RowFilter) -> list[Row]:
        """Committed rows in the order of offsets (or against it), in a transaction of its own."""
        ...

    def next_asset_key(self, after: str) -> str | None:
        """The first key behind `after`, in the database's order, that any event is about; None behind the last."""
        ...

    def unfinished_runs(self) -> list[str]:
        """The ids of the runs that were requested and have not ended, oldest first."""
        ...

    def head(self) -> Head: ...

    def blob(self, digest: str) -> bytes | None: ...

    def blob_hashes(self) -> list[str]:
        """Of all definitions that are stored, in order."""
        ...

    def snapshots(self) -> list[SnapshotRow]:
        """All snapshots that are stored, newest first."""
        ...

    def snapshot_parts(self, digests: Collection[str]) -> dict[str, bytes]:
        """Those of the parts that are stored."""
        ...

    def save_snapshot(
        self,
        row: SnapshotRow | None,
        parts: Mapping[str, bytes],
        *,
        keep: Collection[int],
        keep_parts: Collection[str],
    ) -> None:
        """Store a snapshot (None: no new one) with its parts, and let go of all others but those in `keep`, which
        need `keep_parts`.

        All of it is done or nothing. Appends may go on beside it.
        """
        ...

    def archives(self) -> list[ArchiveRow]:
        """The files that events were moved to, in order."""
        ...

    def archive(self, row: ArchiveRow) -> None:
        """Name a file, take the events that are in it out, and move the anchor: all of it or nothing.

        Raises:
            ArchivedMeanwhile: what is archived does not end where the file begins. Nothing was changed.
        """
        ...

    def tidy(self) -> None:
        """Do what is left to do when nobody is writing; called once after a busy spell."""
        ...

    def close(self) -> None: ...

    def abandon(self) -> None:
        """Let go of everything in a forked child, without touching what the parent still uses."""
        ...
