"""Disks that are full or read-only, files that are locked or cut off: each ends in a clear error or is waited out, and
never in an acknowledged event that is lost or one that is there by half."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headwater.storage import sqlite as store_module
from headwater.storage.errors import StoreUnavailable
from headwater.storage.events import AssetObserved
from headwater.storage.log import EventLog
from headwater.storage.sqlite import FILE_NAME

PROCESSES = Path(__file__).with_name("processes.py")
BIG = "x" * 50_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"this user cannot mount a disk: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(log: EventLog) -> list[int]:
    """Append until the disk is full; returns the offsets that were acknowledged."""
    offsets: list[int] = []

    def keep_appending() -> None:
        while True:
            offsets.extend(log.append([AssetObserved(asset_key="orders", data_version=BIG)]))

    with pytest.raises(StoreUnavailable, match="full"):
        keep_appending()
    return offsets


def offsets_of(log: EventLog) -> list[int]:
    return [stored.offset for stored in log.read(after=0, limit=100_000)]


def test_a_full_disk_loses_nothing_and_the_log_goes_on_when_there_is_room(disk: Path) -> None:
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * 1_000_000)
    with EventLog.open(disk / "home") as log:
        acknowledged = fill(log)
        assert offsets_of(log) == acknowledged
        assert fill(log) == []
        ballast.unlink()
        acknowledged += log.append([AssetObserved(asset_key="orders")])
        assert offsets_of(log) == acknowledged
        log.verify()
    with EventLog.open(disk / "home") as log:
        assert offsets_of(log) == acknowledged


def test_many_that_append_to_a_full_disk_are_all_told(disk: Path) -> None:
    with EventLog.open(disk / "home") as log:
        acknowledged = fill(log)
        outcomes: list[object] = []

        def append() -> None:
            try:
                outcomes.append(log.append([AssetObserved(asset_key="orders", data_version=BIG)]))
            except StoreUnavailable as error:
                outcomes.append(error)

        threads = [threading.Thread(target=append) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 8
        assert offsets_of(log) == acknowledged


def test_a_home_that_cannot_be_written_is_an_error_that_names_it(disk: Path) -> None:
    (disk / "home").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(StoreUnavailable, match=r"home/events\.db cannot be used"):
        EventLog.open(disk / "home")


def test_a_lock_of_somebody_else_is_waited_for(tmp_path: Path) -> None:
    """A backup tool holds the database for a moment; it knows nothing of the side file."""
    with EventLog.open(tmp_path) as log, closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as tool:
        tool.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.3, lambda: None)
        done: list[range] = []
        writer = threading.Thread(target=lambda: done.append(log.append([AssetObserved(asset_key="orders")])))
        writer.start()
        release.start()
        release.join()
        assert done == []
        tool.execute("ROLLBACK")
        writer.join()
        assert done == [range(1, 2)]


def test_a_lock_that_is_never_released_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BUSY_TIMEOUT_MS", 50)
    with EventLog.open(tmp_path) as log, closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as tool:
        tool.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            log.append([AssetObserved(asset_key="orders")])
        assert offsets_of(log) == []


def killed_writer(home: Path) -> list[int]:
    """The batches that a writer had acknowledged when it was killed. What it wrote stands in the WAL."""
    command = [sys.executable, str(PROCESSES), "write", str(home), "orders", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        numbers = [int(writer.stdout.readline()) for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        return numbers + [int(line) for line in writer.stdout.read().split()]


def test_whatever_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    acknowledged = killed_writer(tmp_path)
    assert (tmp_path / f"{FILE_NAME}-wal").stat().st_size > 0
    with EventLog.open(tmp_path) as log:
        assert len(offsets_of(log)) >= 3 * len(acknowledged)
        log.verify()


@pytest.mark.parametrize("part", [0.0, 0.2, 0.5, 0.77, 0.95, 0.999])
def test_a_wal_that_was_cut_off_leaves_whole_batches_and_a_log_that_verifies(tmp_path: Path, part: float) -> None:
    killed_writer(tmp_path / "home")
    wal = tmp_path / "home" / f"{FILE_NAME}-wal"
    os.truncate(wal, int(wal.stat().st_size * part))
    (tmp_path / "home" / f"{FILE_NAME}-shm").unlink()
    with EventLog.open(tmp_path / "home") as log:
        assert len(offsets_of(log)) % 3 == 0
        log.verify()
        log.append([AssetObserved(asset_key="orders")])
        log.verify()


def test_a_database_file_that_was_cut_off_is_an_error_that_names_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with EventLog.open(home) as log:
        for _ in range(200):
            log.append([AssetObserved(asset_key="orders", data_version="x" * 500)])
    shutil.copytree(home, tmp_path / "copy")
    file = tmp_path / "copy" / FILE_NAME
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(StoreUnavailable, match=r"events\.db cannot be used"), EventLog.open(tmp_path / "copy") as log:
        log.verify()
