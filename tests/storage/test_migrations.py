"""A log of an older version is refused until it is upgraded; an upgrade is whole or has not been, and keeps the log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.pool import NullPool

from headwater.storage import migrations, schema
from headwater.storage.errors import StoreTooNew, StoreTooOld, StoreUnavailable
from headwater.storage.events import AssetObserved
from headwater.storage.log import EventLog
from headwater.storage.migrations import Upgraded, upgrade_store
from headwater.storage.opening import server_of
from headwater.storage.server_url import sqlalchemy_url
from headwater.storage.sqlite import FILE_NAME

STORED = Path(__file__).with_name("stored")


def engine_of(home: Path) -> sa.Engine:
    url = server_of(home)
    return sa.create_engine(f"sqlite:///{home / FILE_NAME}" if url is None else sqlalchemy_url(url), poolclass=NullPool)


@pytest.fixture
def old(home: Path) -> Path:
    """A log of schema version 1, with three events in it."""
    home.mkdir()
    with EventLog.open(home) as log:
        log.append([AssetObserved(asset_key="orders", data_version=str(n)) for n in range(3)])
    with engine_of(home).begin() as connection:
        rows = connection.execute(sa.select(schema.events)).all()
        head: Any = connection.execute(sa.select(schema.head)).one()
        schema.metadata.drop_all(connection)
    make_version_1(home)
    with engine_of(home).begin() as connection:
        connection.execute(sa.insert(schema.events), [row._asdict() for row in rows])
        ended = {name: getattr(head, name) for name in ("offset", "timestamp", "checksum", "term")}
        connection.execute(sa.update(sa.table("head", *map(sa.column, ended))).values(ended))
    return home


def make_version_1(home: Path) -> None:
    url = server_of(home)
    if url is None:
        with closing(sqlite3.connect(home / FILE_NAME)) as connection:
            connection.executescript((STORED / "schema_1.sqlite.sql").read_text())
    else:
        script: Any = (STORED / "schema_1.postgresql.sql").read_text()
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(script)


def test_an_older_log_is_refused_with_the_command_to_run(old: Path) -> None:
    with pytest.raises(StoreTooOld, match=r"schema version 1; this headwater needs \d+.*headwater store upgrade"):
        EventLog.open(old)


def test_an_upgraded_log_has_all_its_events_and_goes_on(old: Path) -> None:
    assert upgrade_store(old) == Upgraded(before=1, after=schema.SCHEMA_VERSION)
    with EventLog.open(old) as log:
        assert log.append([AssetObserved(asset_key="orders")]) == range(4, 5)
        log.verify()
    assert upgrade_store(old) == Upgraded(before=schema.SCHEMA_VERSION, after=schema.SCHEMA_VERSION)


def test_an_upgraded_log_has_the_same_tables_as_a_new_one(old: Path) -> None:
    upgrade_store(old)
    with engine_of(old).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, schema.metadata) == []


def test_an_upgrade_that_fails_has_changed_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half_done(operations: Any) -> None:
        migrations._snapshots_and_archives(operations)
        operations.create_table("events", sa.Column("id", sa.Integer))

    monkeypatch.setattr(migrations, "STEPS", {2: half_done})
    with pytest.raises(StoreUnavailable, match="already exists"):
        upgrade_store(old)
    with engine_of(old).connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) == {"events", "head", "definitions"}
        assert len(sa.inspect(connection).get_columns("head")) == 6
    monkeypatch.undo()
    assert upgrade_store(old).before == 1


def test_a_log_of_the_future_is_left_alone(home: Path) -> None:
    EventLog.open(home).close()
    with engine_of(home).begin() as connection:
        connection.execute(sa.update(schema.head).values(schema_version=99))
    with pytest.raises(StoreTooNew, match="schema version 99"):
        upgrade_store(home)


def test_where_there_is_no_log_there_is_nothing_to_upgrade(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is no log yet"):
        upgrade_store(tmp_path)
