"""Archiving: files and rows are one history, whoever reads, and whenever the move is cut off."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.storage import archiving
from headwater.storage import events as e
from headwater.storage.clock import VirtualClock
from headwater.storage.errors import ArchivedMeanwhile, ArchivePlaceUnknown, ArchiveUnreadable
from headwater.storage.folding import catch_up, folded
from headwater.storage.ids import SeededIds
from headwater.storage.log import EventLog
from headwater.storage.state import State
from headwater.storage.store import ArchiveRow, RowFilter
from headwater.storage.transfer import export_log, import_log
from support.deep_equal import differences


def shared(log: EventLog) -> Path | None:
    """Where the archive has to be put; None where the log has a folder of its own."""
    assert log._archives._home is not None
    return None if log._archives._owns else log._archives._home / "shared"


def archive(log: EventLog, *, until: int) -> int:
    return archiving.archive(log, until=until, to=shared(log))


def folder_of(log: EventLog) -> Path:
    return log.archive_path(log.archives()[-1].folder)


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def log(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    """Thirty events and a Tick that saw them; a run that is over, and one that is not. Files of seven events."""
    monkeypatch.setattr(archiving, "FILE_EVENTS", 7)
    clock = VirtualClock()
    log = EventLog.open(home, clock=clock, ids=SeededIds())
    log.append([e.RunRequested(run_id="over"), e.RunStarted(run_id="over"), e.RunSucceeded(run_id="over")])
    for number in range(24):
        clock.advance(60)
        log.append([e.AssetMaterialized(asset_key=f"asset_{number % 3}", partition=str(number), origin="report")])
    log.append([e.AssetMaterialized(asset_key="older_only", origin="report")])
    log.append([e.RunRequested(run_id="open"), e.RunStarted(run_id="open")])
    log.append([e.Tick(through=30, at=clock.now(), definitions="")])
    log.append([e.AssetMaterialized(asset_key="asset_0", partition=f"new {n}", origin="report") for n in range(3)])
    with log:
        yield log


def everything(log: EventLog) -> list[object]:
    """What readers of every kind are told."""
    return [
        log.read(0, 1_000),
        log.read(5, 4),
        log.read(25, 6),
        log.query(asset_key="asset_0", limit=1_000),
        log.query(asset_key="asset_1", newest_first=True, limit=3),
        log.query(asset_key="asset_0", newest_first=True, limit=9),
        log.query(types=["run_succeeded"]),
        log.query(run_id="over"),
        log.query(run_id="open"),
        log.query(partitions=["4", "new 1"], asset_key="asset_0"),
        log.query(after=10, before=14),
        log.query(types=["tick"], newest_first=True, limit=1),
        list(log.all_rows()),
        list(log.all_rows(after=20)),
        log.asset_keys(),
        log.asset_keys(after="asset_1", limit=1),
        log.unfinished_runs(),
    ]


def test_whoever_reads_does_not_notice(log: EventLog) -> None:
    before = everything(log)
    assert archive(log, until=20) == 20
    assert [(a.first, a.last) for a in log.archives()] == [(1, 7), (8, 14), (15, 20)]
    assert log._store.rows(RowFilter(limit=1_000))[0][0] == 21
    assert everything(log) == before
    log.verify()


def test_what_is_not_over_stays(log: EventLog) -> None:
    assert archive(log, until=1_000) == 28  # the open run was requested at 29
    log.append([e.RunCancelled(run_id="open")])
    assert archive(log, until=1_000) == 30  # no Tick has seen more
    log.verify()


def test_files_stay_where_they_were_put_and_later_ones_join_them(log: EventLog, tmp_path: Path) -> None:
    before = everything(log)
    archiving.archive(log, until=7, to=tmp_path / "first")
    archiving.archive(log, until=14)
    archiving.archive(log, until=20, to=tmp_path / "second")
    assert [a.folder for a in log.archives()] == [str(tmp_path / name) for name in ("first", "first", "second")]
    assert everything(log) == before
    log.verify()


def test_a_log_in_a_home_is_moved_with_its_archive(tmp_path: Path) -> None:
    with EventLog.open(tmp_path / "home") as log:
        log.append(
            [e.AssetMaterialized(asset_key="orders", origin="report"), e.Tick(through=1, at=NOON, definitions="")]
        )
        archiving.archive(log, until=1)
    (tmp_path / "home").rename(tmp_path / "moved")
    with EventLog.open(tmp_path / "moved") as log:
        assert len(log.read(0)) == 2


def test_a_log_on_a_server_wants_a_folder_once_that_does_not_depend_on_whose_home_it_is(
    tmp_path: Path, postgres_url: str
) -> None:
    with EventLog.open(tmp_path / "mine") as log, EventLog.open(tmp_path / "yours") as other:
        log.append(
            [e.AssetMaterialized(asset_key="orders", origin="report"), e.Tick(through=1, at=NOON, definitions="")]
        )
        with pytest.raises(ArchivePlaceUnknown, match="--to /FOLDER"):
            archiving.archive(log, until=1)
        archiving.archive(log, until=1, to=tmp_path / "shared")
        assert len(other.read(0)) == 2
        assert other.archive_folder() == str(tmp_path / "shared")
    (tmp_path / "shared").rename(tmp_path / "not mounted here")
    with (
        EventLog.open(tmp_path / "yours") as other,
        pytest.raises(ArchiveUnreadable, match=r"on this machine: No such file.* readable here under the same path"),
    ):
        other.read(0)


def test_of_two_that_archive_at_once_one_gives_up_and_nothing_is_there_twice(log: EventLog, home: Path) -> None:
    before = everything(log)
    with EventLog.open(home) as other:
        commit = log._store.archive

        def overtaken(row: ArchiveRow) -> None:
            archive(other, until=4)
            commit(row)

        log._store.archive = overtaken  # type: ignore[method-assign]
        with pytest.raises(ArchivedMeanwhile):
            archive(log, until=20)
    assert [(a.first, a.last) for a in log.archives()] == [(1, 4)]
    assert everything(log) == before
    log.verify()


def test_a_log_that_no_daemon_has_decided_upon_is_left_alone(home: Path) -> None:
    with EventLog.open(home) as log:
        log.append([e.AssetMaterialized(asset_key="orders", origin="report")])
        assert archiving.archive(log, until=1, to=home / "archive") == 0


def test_state_starts_behind_the_archive_and_is_the_same_from_zero(log: EventLog) -> None:
    archive(log, until=1_000)
    assert log.snapshots()[0].offset >= log.archives()[-1].last
    state = State.empty(log.definitions_bytes)
    catch_up(state, log)
    assert differences(folded(log), state) == []


def test_another_process_that_had_the_log_open_goes_on_reading(log: EventLog, home: Path) -> None:
    with EventLog.open(home) as other:
        before = everything(other)
        archive(log, until=20)
        assert everything(other) == before


def test_a_file_that_is_gone_is_named(log: EventLog) -> None:
    archive(log, until=20)
    gone = folder_of(log) / log.archives()[1].file
    gone.unlink()
    with pytest.raises(ArchiveUnreadable, match=f"events 8 to 14 cannot be read from {gone} on this machine: No such"):
        log.verify()
    assert log.read(20, 5)[0].offset == 21  # what does not need it goes on


def test_a_file_that_was_changed_is_named(log: EventLog) -> None:
    archive(log, until=20)
    changed = folder_of(log) / log.archives()[0].file
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    with pytest.raises(ArchiveUnreadable, match="it is not what was written"):
        log.verify()


@pytest.mark.parametrize("survivors", [0, 1, 2])
def test_killed_between_a_file_and_its_transaction_the_log_is_whole_and_the_next_attempt_ends_it(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, survivors: int
) -> None:
    before = everything(log)
    commit = log._store.archive

    def killed(row: ArchiveRow) -> None:
        if len(log.archives()) == survivors:
            raise KeyboardInterrupt
        commit(row)

    monkeypatch.setattr(log._store, "archive", killed)
    with pytest.raises(KeyboardInterrupt):
        archive(log, until=20)
    assert everything(log) == before
    log.verify()
    monkeypatch.undo()

    assert archive(log, until=20) == 20
    assert everything(log) == before
    log.verify()


def test_an_export_has_what_is_archived(log: EventLog, tmp_path: Path) -> None:
    archive(log, until=20)
    out = io.StringIO()
    export_log(log, out)
    with EventLog.in_file(tmp_path / "copy") as copy:
        import_log(copy, io.StringIO(out.getvalue()))
        assert list(copy.all_rows()) == list(log.all_rows())
