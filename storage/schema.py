"""The tables of the log, declared once for every database.

`events` holds the rows, which are never updated; `head` is one row that says where the log ends and stays locked while
an append runs; `definitions` holds what `DefinitionsLoaded` names, content-addressed and stored once.

Beside the log stand what makes it quick to read: `snapshots` of State, each a manifest of `snapshot_parts`, which are
content-addressed too; and `archives`, the files that old events were moved to. Where events were archived, the head
names the last of them and its checksum, at which the chain of those that are left begins.

Whatever changes here is a new `SCHEMA_VERSION`, which stands in the head row, with its step in migrations.py.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

from .checksum import GENESIS
from .errors import StoreTooNew, StoreTooOld

SCHEMA_VERSION = 3

metadata: MetaData = MetaData()

# On SQLite only a column of type INTEGER is the row's own address; BIGINT would cost a second tree.
_Offset = BigInteger().with_variant(Integer(), "sqlite")

events: Table = Table(
    "events",
    metadata,
    Column("offset", _Offset, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),  # UUIDv7
    Column("type", Text, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("timestamp", BigInteger, nullable=False),  # microseconds since 1970 in UTC, never going back
    Column("asset_key", Text),
    Column("partition", Text),
    Column("run_id", Text),
    Column("payload", Text, nullable=False),  # JSON, the bytes as written
    Column("checksum", Text, nullable=False),  # chained: see checksum.py
    Index("events_by_asset", "asset_key", "offset"),
    Index("events_by_run", "run_id", "offset"),
    Index("events_by_type", "type", "offset"),
)

head: Table = Table(
    "head",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("offset", BigInteger, nullable=False),  # of the newest event; 0 in an empty log
    Column("timestamp", BigInteger, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("term", BigInteger, nullable=False),  # of the newest leader; 0 before the first
    Column("schema_version", Integer, nullable=False),
    Column("archived_offset", BigInteger, nullable=False, server_default="0"),  # the last that is not in `events` now
    Column("archived_checksum", Text, nullable=False, server_default=GENESIS),
)

definitions: Table = Table(
    "definitions",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)

snapshots: Table = Table(
    "snapshots",
    metadata,
    Column("offset", _Offset, primary_key=True, autoincrement=False),  # State is folded through it
    Column("timestamp", BigInteger, nullable=False),  # of the event at that offset
    Column("format", Integer, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
)

snapshot_parts: Table = Table(
    "snapshot_parts",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)

archives: Table = Table(
    "archives",
    metadata,
    Column("last", _Offset, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("timestamp", BigInteger, nullable=False),  # of the last event in it
    Column("file", Text, nullable=False),  # its name in its folder
    Column("sha256", Text, nullable=False),  # of the file
    Column("checksum", Text, nullable=False),  # of the last event in it
    Column("folder", Text, nullable=False, server_default=text("''")),  # absolute, or empty: HOME/archive
)


def check_version(where: Path | str, found: int) -> None:
    """Refuse a log whose tables are not of this version.

    Raises:
        StoreTooNew: a newer headwater wrote it.
        StoreTooOld: it has to be upgraded first.
    """
    if found > SCHEMA_VERSION:
        raise StoreTooNew(where, found=found, known=SCHEMA_VERSION)
    if found < SCHEMA_VERSION:
        raise StoreTooOld(where, found=found, known=SCHEMA_VERSION)
