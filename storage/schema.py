"""The tables of the log, declared once for every database.

`events` holds the rows, which are never updated; `head` is one row that says where the log ends and stays locked while
an append runs; `definitions` holds what `DefinitionsLoaded` names, content-addressed and stored once. A column is added
only by a new `SCHEMA_VERSION`, which stands in the head row.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, MetaData, Table, Text

SCHEMA_VERSION = 1

metadata = MetaData()

# On SQLite only a column of type INTEGER is the row's own address; BIGINT would cost a second tree.
_Offset = BigInteger().with_variant(Integer(), "sqlite")

events = Table(
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

head = Table(
    "head",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("offset", BigInteger, nullable=False),  # of the newest event; 0 in an empty log
    Column("timestamp", BigInteger, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("term", BigInteger, nullable=False),  # of the newest leader; 0 before the first
    Column("schema_version", Integer, nullable=False),
)

definitions = Table(
    "definitions",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)
