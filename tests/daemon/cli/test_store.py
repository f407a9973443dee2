"""`headwater store ...` and `events export|import`: the database seen to, and the log carried elsewhere."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.storage import events as e
from headwater.storage import snapshots
from headwater.storage.folding import folded
from headwater.storage.log import EventLog
from headwater.storage.schema import SCHEMA_VERSION
from support.commands import Commands, lines_of

SCHEMA_1 = Path(__file__).parents[2] / "storage" / "stored" / "schema_1.sqlite.sql"


@pytest.fixture
def written(commands: Commands) -> Commands:
    commands.append(*(e.AssetObserved(asset_key="orders", data_version=str(number)) for number in range(12)))
    return commands


def test_a_sound_log_verifies(written: Commands) -> None:
    result = written("store", "verify")
    assert (result.exit_code, result.stdout) == (0, "All 12 events are there and are what was written.\n")


def test_a_damaged_log_is_named_by_its_offset(written: Commands) -> None:
    with closing(sqlite3.connect(written.home / "events.db")) as connection, connection:
        connection.execute("UPDATE events SET payload = '{}' WHERE offset = 7")
    result = written("store", "verify")
    assert result.exit_code == 1
    assert "damaged at offset 7" in result.output


def test_a_snapshot_that_says_other_than_the_events_is_named_and_dropped_on_demand(written: Commands) -> None:
    with EventLog.open(written.home) as log:
        state = folded(log)
        snapshots.save(log, snapshots.dump(state))
    sound = written("store", "verify")
    assert (sound.exit_code, "All 1 snapshots of state say the same" in sound.stdout) == (0, True)

    with EventLog.open(written.home) as log:
        state.assets["orders"].table.observed.clear()
        snapshots.save(log, snapshots.dump(state))
    wrong = written("store", "verify")
    assert wrong.exit_code == 1
    assert "The snapshot at offset 12 says other than the events: asset 'orders'." in wrong.output
    assert "Deleted 1 of 1" in written("store", "verify", "--drop-snapshots").stdout
    assert written("store", "verify").exit_code == 0


def test_old_events_are_archived_and_every_command_still_sees_them(written: Commands) -> None:
    written.append(e.Tick(through=10, at=datetime(2026, 3, 1, tzinfo=UTC), definitions=""))
    before = written("events", "tail", "--limit", "100", "--json").stdout
    result = written("store", "archive", "--before", "9")
    assert result.stdout.startswith("Archived 8 events; 8 are in ")
    assert written("events", "tail", "--limit", "100", "--json").stdout == before
    assert "All 13 events are there" in written("store", "verify").stdout

    result = written("store", "archive", "--before", "2999-01-01")
    assert "Archived 2 events" in result.stdout
    assert "Those from 11 on are not over yet" in result.stdout
    assert written("store", "archive", "--before", "soon").exit_code == 2

    for file in (written.home / "archive").iterdir():
        file.unlink()
    missing = written("store", "verify")
    assert missing.exit_code == 1
    assert "The archived events 1 to 8 cannot be read from" in missing.output


def test_an_archive_is_put_where_it_is_told_and_never_at_a_place_that_others_take_for_another(
    written: Commands, tmp_path: Path
) -> None:
    written.append(e.Tick(through=10, at=datetime(2026, 3, 1, tzinfo=UTC), definitions=""))
    relative = written("store", "archive", "--before", "9", "--to", "somewhere")
    assert relative.exit_code == 2
    assert "'somewhere' would mean another folder elsewhere" in " ".join(relative.output.replace("│", " ").split())

    shared = tmp_path / "shared"
    assert f"8 are in {shared} now" in written("store", "archive", "--before", "9", "--to", str(shared)).stdout
    assert f"10 are in {shared} now" in written("store", "archive", "--before", "2999-01-01").stdout
    assert len(list(shared.iterdir())) == 2
    assert not (written.home / "archive").exists()


def test_an_old_log_is_refused_by_every_command_until_it_is_upgraded(commands: Commands) -> None:
    commands.home.mkdir()
    with closing(sqlite3.connect(commands.home / "events.db")) as connection:
        connection.executescript(SCHEMA_1.read_text())
    refused = commands("events", "tail")
    assert refused.exit_code == 1
    assert "headwater store upgrade" in refused.output
    assert f"from schema version 1 to {SCHEMA_VERSION}" in commands("store", "upgrade").stdout
    assert commands("events", "tail").exit_code == 0
    assert "nothing was to be done" in commands("store", "upgrade").stdout


def test_info_says_where_the_log_is_and_how_far_it_goes(written: Commands) -> None:
    known = json.loads(written("store", "info", "--json").stdout)
    assert known["store"] == str(written.home / "events.db")
    assert known["offset"] == 12
    assert "12" in written("store", "info").stdout


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_a_log_is_exported_to_a_file_and_imported_into_an_empty_home(
    written: Commands, tmp_path: Path, name: str
) -> None:
    result = written("events", "export", "--output", name)
    assert (result.exit_code, result.stdout) == (0, f"Wrote 12 events to {name}.\n")
    assert {path.name for path in tmp_path.glob("*log*")} == {name}
    result = written("events", "import", name, "--home", "copy")
    assert result.exit_code == 0, result.output
    assert "Imported 12 events" in result.stdout
    with EventLog.open(tmp_path / "copy") as copy, EventLog.open(written.home) as log:
        assert copy.read(after=0) == log.read(after=0)


def test_an_export_goes_to_standard_output_otherwise(written: Commands) -> None:
    first, *events = lines_of(written("events", "export", "--until", "3").stdout)
    assert first["offset"] == 3
    assert len(events) == 3


def test_an_import_that_does_not_fit_says_why(written: Commands, tmp_path: Path) -> None:
    (tmp_path / "other.gz").write_bytes(gzip.compress(b"hello\n"))
    result = written("events", "import", "other.gz")
    assert result.exit_code == 1
    assert "line 1 is not a JSON object" in result.output
    (tmp_path / "plain.gz").write_bytes(b"hello\n")
    assert "plain.gz is damaged" in written("events", "import", "plain.gz").output
    assert written("events", "import", "nowhere.jsonl").exit_code == 2
