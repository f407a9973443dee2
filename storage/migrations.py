"""Bringing the tables of an older log up to date, one version after the other.

Each step is written once, for every database, in the operations of alembic, and never changes: it says what its version
brought, not what schema.py says today. All steps of an upgrade are one transaction with the new version in the head
row, under the lock that appends take: a log is either as it was or upgraded, however the upgrade ends. Rows of events
are never touched.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from .errors import StoreTooNew, StoreUnavailable
from .opening import server_of
from .schema import SCHEMA_VERSION, head
from .server_url import sqlalchemy_url, without_password
from .sqlite import FILE_NAME, LOCK_NAME

Step = Callable[[Operations], None]


def _snapshots_and_archives(operations: Operations) -> None:
    offset = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    nothing = "0" * 64
    operations.add_column("head", sa.Column("archived_offset", sa.BigInteger, nullable=False, server_default="0"))
    operations.add_column("head", sa.Column("archived_checksum", sa.Text, nullable=False, server_default=nothing))
    operations.create_table(
        "snapshots",
        sa.Column("offset", offset, primary_key=True, autoincrement=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("manifest", sa.LargeBinary, nullable=False),
    )
    operations.create_table(
        "snapshot_parts",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
    )
    operations.create_table(
        "archives",
        sa.Column("last", offset, primary_key=True, autoincrement=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("checksum", sa.Text, nullable=False),
    )


def _folders_of_archives(operations: Operations) -> None:
    operations.add_column("archives", sa.Column("folder", sa.Text, nullable=False, server_default=sa.text("''")))


STEPS: Mapping[int, Step] = {2: _snapshots_and_archives, 3: _folders_of_archives}
"""By the version that a step leads to."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did: the schema version before and after. They are equal where there was nothing to do."""

    before: int
    after: int


def upgrade_store(home: Path, *, to: int = SCHEMA_VERSION) -> Upgraded:
    """Bring the tables of the log of `home` to version `to`.

    Raises:
        StoreTooNew: they are of a newer version than this headwater knows.
        StoreUnavailable: there is no log, or the database refused; then nothing was changed.
    """
    url = server_of(home)
    where = without_password(url) if url is not None else home / FILE_NAME
    try:
        with _exclusive(home, url) as connection:
            before: int = connection.execute(sa.select(head.c.schema_version)).scalar_one()
            if before > to:
                raise StoreTooNew(where, found=before, known=to)
            operations = Operations(MigrationContext.configure(connection))
            for version in range(before + 1, to + 1):
                STEPS[version](operations)
            connection.execute(sa.update(head).values(schema_version=to))
    except SQLAlchemyError as error:
        raise StoreUnavailable(where, error.__cause__ or error) from error
    return Upgraded(before, to)


@contextmanager
def _exclusive(home: Path, url: str | None) -> Iterator[sa.Connection]:
    """A transaction that no append runs beside."""
    if url is not None:
        engine = sa.create_engine(sqlalchemy_url(url), poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(sa.select(head.c.offset).with_for_update())
            yield connection
        return
    file = home / FILE_NAME
    if not file.exists():
        raise StoreUnavailable(file, "there is no log yet, and so nothing to upgrade")
    lock = os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # The driver would commit before each DDL statement; told to keep out of it, it leaves the transaction to us.
        engine = sa.create_engine(f"sqlite:///{file}", poolclass=NullPool, connect_args={"isolation_level": None})
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
    finally:
        os.close(lock)
