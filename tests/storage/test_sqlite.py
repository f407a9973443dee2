"""The store on SQLite: damage is found and named, queries use their index, the WAL stays small."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from headwater.storage import sqlite as store_module
from headwater.storage import statements
from headwater.storage.checksum import checksum_of
from headwater.storage.errors import LogCorrupt, StoreTooNew, StoreUnavailable
from headwater.storage.events import AssetMaterialized, AssetObserved, RunRequested
from headwater.storage.log import EventLog
from headwater.storage.schema import SCHEMA_VERSION
from headwater.storage.sqlite import FILE_NAME, SqliteStore
from headwater.storage.statements import select_for, select_values
from headwater.storage.store import RowFilter


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A log of nine events that nobody has open."""
    with EventLog.open(tmp_path) as log:
        for number in range(3):
            log.append([AssetObserved(asset_key="orders", data_version=f"{number}.{part}") for part in range(3)])
    return tmp_path


@contextmanager
def tampered(home: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(home / FILE_NAME)) as connection, connection:
        yield connection


def damage(home: Path) -> LogCorrupt:
    with EventLog.open(home) as log, pytest.raises(LogCorrupt) as found:
        log.verify()
    return found.value


# ---- damage ----------------------------------------------------------------------------------------------------------


def test_an_untouched_log_verifies_while_others_append(home: Path) -> None:
    with EventLog.open(home) as log, EventLog.open(home) as other:
        other.append([AssetObserved(asset_key="orders")])
        log.verify()


@pytest.mark.parametrize("column", ["payload", "asset_key", "run_id", "type", "timestamp", "schema_version", "id"])
def test_a_changed_row_is_named(home: Path, column: str) -> None:
    with tampered(home) as connection:
        connection.execute(f"UPDATE events SET {column} = '7' WHERE offset = 5")

    found = damage(home)
    assert found.offset == 5
    assert "damaged at offset 5" in str(found)


def test_a_removed_row_is_named(home: Path) -> None:
    with tampered(home) as connection:
        connection.execute("DELETE FROM events WHERE offset = 4")

    found = damage(home)
    assert (found.offset, found.reason) == (4, "its row is missing")


def test_a_log_that_was_cut_off_is_found_out(home: Path) -> None:
    with tampered(home) as connection:
        connection.execute("DELETE FROM events WHERE offset > 7")

    found = damage(home)
    assert (found.offset, found.reason) == (8, "its row is missing; the log should end at 9")


def test_a_row_that_was_changed_with_its_checksum_breaks_the_next_one(home: Path) -> None:
    with tampered(home) as connection:
        connection.execute("UPDATE events SET payload = '{}' WHERE offset = 5")
        before, row = connection.execute("SELECT * FROM events WHERE offset IN (4, 5) ORDER BY offset").fetchall()
        connection.execute("UPDATE events SET checksum = ? WHERE offset = 5", (checksum_of(before[-1], row),))

    found = damage(home)
    assert found.offset == 6
    assert "or the one before it" in found.reason


def test_a_newest_row_that_was_changed_with_its_checksum_does_not_fit_the_head(home: Path) -> None:
    with tampered(home) as connection:
        connection.execute("UPDATE events SET payload = '{}' WHERE offset = 9")
        before, row = connection.execute("SELECT * FROM events WHERE offset IN (8, 9) ORDER BY offset").fetchall()
        connection.execute("UPDATE events SET checksum = ? WHERE offset = 9", (checksum_of(before[-1], row),))

    assert damage(home).offset == 9


def test_bytes_that_are_no_text_are_named_when_verifying_and_when_reading(home: Path) -> None:
    with tampered(home) as connection:
        connection.execute("UPDATE events SET payload = CAST(x'7bff7d' AS TEXT) WHERE offset = 5")

    assert damage(home).offset == 5
    with EventLog.open(home) as log:
        assert len(log.read(after=0, limit=4)) == 4
        with pytest.raises(LogCorrupt, match=r"offset 5: its payload is not that of a asset_observed event"):
            log.read(after=0)


def test_a_reader_notices_a_gap(home: Path) -> None:
    with tampered(home) as connection:
        connection.execute("DELETE FROM events WHERE offset = 4")

    with EventLog.open(home) as log, pytest.raises(LogCorrupt, match="offset 4: its row is missing"):
        log.read(after=0)


def test_a_log_of_a_newer_version_is_refused(home: Path) -> None:
    with tampered(home) as connection:
        connection.execute("UPDATE head SET schema_version = 99")

    with pytest.raises(
        StoreTooNew, match=f"schema version 99; this headwater knows versions up to {SCHEMA_VERSION}"
    ) as refused:
        EventLog.open(home)
    assert (refused.value.found, refused.value.known) == (99, SCHEMA_VERSION)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("something else entirely, " * 100)

    with pytest.raises(StoreUnavailable, match=r"events\.db cannot be used: file is not a database"):
        EventLog.open(tmp_path)


def test_a_failed_commit_writes_nothing_and_the_next_one_works(home: Path) -> None:
    with EventLog.open(home) as log:
        log._store._cursor.execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]
        with pytest.raises(StoreUnavailable, match="readonly"):
            log.append([AssetObserved(asset_key="orders")])
        log._store._cursor.execute("PRAGMA query_only = OFF")  # type: ignore[attr-defined]

        assert log.append([AssetObserved(asset_key="orders")]) == range(10, 11)
        log.verify()


# ---- plans -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "plan"),
    [
        (RowFilter(after=5), "USING INTEGER PRIMARY KEY (rowid>?)"),
        (RowFilter(newest_first=True), "USING INTEGER PRIMARY KEY (rowid>?)"),
        (RowFilter(asset_key="orders"), "USING INDEX events_by_asset (asset_key=? AND offset>?)"),
        (RowFilter(run_id="r1"), "USING INDEX events_by_run (run_id=? AND offset>?)"),
        (RowFilter(types=("tick",), newest_first=True), "USING INDEX events_by_type (type=? AND offset>?)"),
        (RowFilter(asset_key="a", types=("tick",)), "USING INDEX events_by_asset (asset_key=? AND offset>?)"),
        (
            RowFilter(asset_key="a", types=("tick",), partitions=("p", "q"), before=9, newest_first=True),
            "USING INDEX events_by_asset (asset_key=? AND offset>? AND offset<?)",
        ),
        (
            RowFilter(types=("run_requested",), before=9, newest_first=True),
            "USING INDEX events_by_type (type=? AND offset>? AND offset<?)",
        ),
        (RowFilter(run_id="r1", types=("tick", "run_started")), "USING INDEX events_by_run (run_id=? AND offset>?)"),
    ],
    ids=lambda value: "" if isinstance(value, str) else repr(value),
)
def test_a_query_uses_its_index_and_sorts_nothing(home: Path, wanted: RowFilter, plan: str) -> None:
    statement = store_module._compiled(select_for(wanted))
    with closing(sqlite3.connect(home / FILE_NAME)) as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.values(select_values(wanted)))
        assert [step[-1] for step in steps] == [f"SEARCH events {plan}"]


def test_unfinished_runs_are_found_by_two_indexes(home: Path) -> None:
    statement = store_module._compiled(statements.UNFINISHED_RUNS)
    with closing(sqlite3.connect(home / FILE_NAME)) as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.values({}))
        assert [step[-1] for step in steps if "SUBQUERY" not in step[-1]] == [
            "SEARCH events USING INDEX events_by_type (type=?)",
            "SEARCH ends USING INDEX events_by_run (run_id=?)",
        ]


def test_the_next_asset_key_is_one_look_into_its_index(home: Path) -> None:
    statement = store_module._compiled(statements.NEXT_ASSET_KEY)
    with closing(sqlite3.connect(home / FILE_NAME)) as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", ("a",))
        assert [step[-1] for step in steps] == ["SEARCH events USING COVERING INDEX events_by_asset (asset_key>?)"]


# ---- files -----------------------------------------------------------------------------------------------------------


def test_commits_are_durable(home: Path) -> None:
    store = SqliteStore(home / FILE_NAME)
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_after_tidying_the_wal_is_written_from_its_start_again(home: Path) -> None:
    wal = home / f"{FILE_NAME}-wal"
    with EventLog.open(home) as log:
        for _ in range(20):
            log.append([AssetMaterialized(asset_key="orders")])
        grown = wal.stat().st_size
        log._store.tidy()
        for _ in range(20):
            log.append([AssetMaterialized(asset_key="orders")])
        assert wal.stat().st_size == pytest.approx(grown, rel=0.2)


def test_a_wal_that_a_reader_let_grow_is_cut_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "JOURNAL_LIMIT_BYTES", 64 << 10)
    wal = home / f"{FILE_NAME}-wal"
    with EventLog.open(home) as log:
        for _ in range(50):
            log.append([AssetMaterialized(asset_key="orders")])
        assert wal.stat().st_size > 64 << 10
        log._store.tidy()
        log.append([AssetMaterialized(asset_key="orders")])
        assert wal.stat().st_size == 64 << 10


def test_closing_leaves_only_the_log(home: Path) -> None:
    with EventLog.open(home) as log:
        log.append([RunRequested(run_id="r1")])
        assert (home / f"{FILE_NAME}-wal").exists()
    assert {path.name for path in home.iterdir()} == {FILE_NAME, "events.lock", "events.wake"}


def test_tidying_does_not_wait_for_a_reader(home: Path) -> None:
    with EventLog.open(home) as log, closing(sqlite3.connect(home / FILE_NAME, isolation_level=None)) as reader:
        log.append([AssetObserved(asset_key="orders")])
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM events").fetchone()
        log.append([AssetObserved(asset_key="orders")])

        log._store.tidy()

        assert log.append([AssetObserved(asset_key="orders")]) == range(12, 13)


def test_a_log_may_be_opened_by_many_at_the_same_time(tmp_path: Path) -> None:
    logs = [EventLog.open(tmp_path) for _ in range(5)]
    for number, log in enumerate(logs, start=1):
        assert log.append([AssetObserved(asset_key="orders")]) == range(number, number + 1)
    for log in logs:
        log.close()
