"""The checksum chain: proof that a stored row is the one that was written, in its place, with none before it gone.

The checksum of a row is the SHA-256 (hex) of its predecessor's checksum, its offset and timestamp, and the bytes of all
its other columns; the head row holds that of the newest. A row that was changed, moved, added or taken out breaks the
chain at its offset, and the end of the log cannot be cut off unseen. The form below never changes: stored logs depend
on it. Each text stands behind its length, so that no two rows have the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from .errors import LogCorrupt
from .store import Head, Row

GENESIS = "0" * 64  # stands before the first row


def row_body(
    id: str,
    type: str,
    schema_version: int,
    asset_key: str | None,
    partition: str | None,
    run_id: str | None,
    payload: str,
) -> str:
    """The text of the columns that are known before the row has its place in the log."""
    asset_part = "-" if asset_key is None else f"{len(asset_key)}:{asset_key}"
    partition_part = "-" if partition is None else f"{len(partition)}:{partition}"
    run_part = "-" if run_id is None else f"{len(run_id)}:{run_id}"
    return (
        f"{len(id)}:{id} {len(type)}:{type} {schema_version} {asset_part} {partition_part} {run_part} "
        f"{len(payload)}:{payload}"
    )


def link(previous: str, offset: int, timestamp: int, body: str) -> str:
    """The checksum of the row at `offset`, which follows the one whose checksum is `previous`."""
    return sha256(f"{previous} {offset} {timestamp} {body}".encode()).hexdigest()


def checksum_of(previous: str, row: Row) -> str:
    """The checksum that a stored row should have; empty if it holds what cannot have been written."""
    offset, id, type, schema_version, timestamp, asset_key, partition, run_id, payload, _ = row
    try:
        body = row_body(id, type, schema_version, asset_key, partition, run_id, payload)
        return link(previous, offset, timestamp, body)
    except (TypeError, UnicodeEncodeError):
        return ""


def verify_chain(rows: Iterable[Row], head: Head, *, after: int = 0, checksum: str = GENESIS) -> None:
    """Check all rows behind offset `after`, whose checksum is `checksum`, up to the head.

    Raises:
        LogCorrupt: at the first offset that is missing or does not fit.
    """
    last, timestamp = after, 0
    for row in rows:
        if row[0] > head.offset:
            break  # appended since the head was read
        if row[0] != last + 1:
            raise LogCorrupt(last + 1, "its row is missing" if row[0] > last else "rows come twice or out of order")
        if checksum_of(checksum, row) != row[-1]:
            raise LogCorrupt(row[0], "its row was changed, or the one before it was, together with its checksum")
        if row[4] < timestamp:
            raise LogCorrupt(row[0], "its timestamp goes back")
        last, timestamp, checksum = row[0], row[4], row[-1]
    if last != head.offset:
        raise LogCorrupt(last + 1, f"its row is missing; the log should end at {head.offset}")
    if checksum != head.checksum:
        raise LogCorrupt(last, "its checksum is not the one in the head row")
