"""The daemon as a whole: a real process, real files, real workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.storage import events as e
from headwater.storage.folding import folded
from headwater.storage.log import EventLog
from support.daemon_process import DaemonProcess, drop, events_of, fold, made, wait_until
from support.deep_equal import differences

PROJECT = """
import os
import time
from pathlib import Path
from headwater import AssetSpec, AutomationCondition, Definitions, FileArrival, StaticPartitionsDefinition, asset

DATA = Path(os.environ["DATA"])
LETTERS = StaticPartitionsDefinition(["a", "b", "c"])
EAGER = AutomationCondition.eager()
inbox = AssetSpec("inbox", partitions_def=LETTERS, arrival=FileArrival(DATA / "inbox", "{partition}.txt"))


@asset(deps=[inbox], partitions_def=LETTERS, automation_condition=EAGER)
def read(context) -> None:
    text = (DATA / "inbox" / f"{context.partition_key}.txt").read_text()
    print("read", text)
    if text == "unreadable":
        raise ValueError("this is no file of ours")
    if text == "leave":
        os._exit(3)
    if text == "sleep":
        (DATA / "asleep").write_text(str(os.getpid()))
        while not (DATA / "wake").exists():
            time.sleep(0.01)


@asset(deps=[read], partitions_def=LETTERS, automation_condition=EAGER)
def below() -> None: ...


defs = Definitions(assets=[inbox, read, below])
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    project = tmp_path / "project.py"
    project.write_text(PROJECT)
    daemon = DaemonProcess(tmp_path, project)
    daemon.start()
    yield daemon
    (tmp_path / "wake").touch()
    daemon.clean_up()


@pytest.fixture
def log(daemon: DaemonProcess) -> Iterator[EventLog]:
    with EventLog.open(daemon.home) as log:
        yield log


def asleep(daemon: DaemonProcess, log: EventLog) -> int:
    """Wait until a step sleeps; returns its process."""
    marker = daemon.folder / "asleep"
    wait_until(log, lambda: marker.exists() and marker.read_text() != "", "a step sleeps", daemon=daemon)
    return int(marker.read_text())


def test_a_file_that_lands_builds_what_is_downstream_in_one_run(daemon: DaemonProcess, log: EventLog) -> None:
    drop(daemon.folder / "inbox", "a.txt", "hello")
    wait_until(log, made(log, "below", "a"), "below is made", daemon=daemon)
    [requested] = events_of(log, e.RunRequested)
    assert isinstance(requested.event, e.RunRequested)
    assert [target.asset_key for target in requested.event.targets] == ["read", "below"]
    printed = (daemon.home / "runs" / requested.event.run_id / "stdout.log").read_text()
    assert printed == "read hello\n"


def test_a_file_that_is_still_being_written_is_recorded_once_it_rests(daemon: DaemonProcess, log: EventLog) -> None:
    wait_until(log, lambda: bool(events_of(log, e.DefinitionsLoaded)), "definitions are loaded", daemon=daemon)
    (daemon.folder / "inbox").mkdir(exist_ok=True)
    with open(daemon.folder / "inbox" / "a.txt", "w") as file:
        for word in ("hel", "lo"):
            file.write(word)
            file.flush()
    wait_until(log, made(log, "below", "a"), "below is made", daemon=daemon)
    assert len([s for s in events_of(log, e.AssetMaterialized) if s.event.origin == "file"]) == 1  # type: ignore[attr-defined]


def test_files_that_came_while_no_daemon_ran_are_found_at_the_next_start(daemon: DaemonProcess, log: EventLog) -> None:
    drop(daemon.folder / "inbox", "a.txt", "hello")
    wait_until(log, made(log, "below", "a"), "below is made", daemon=daemon)
    assert daemon.stop() == 0
    drop(daemon.folder / "inbox", "b.txt", "hello")
    daemon.start()
    wait_until(log, made(log, "below", "b"), "below is made", daemon=daemon)
    assert len(events_of(log, e.RunRequested)) == 2  # what was fresh was left alone


def test_a_bad_file_fails_its_partition_alone_and_a_corrected_one_heals_it(
    daemon: DaemonProcess, log: EventLog
) -> None:
    drop(daemon.folder / "inbox", "a.txt", "unreadable")
    drop(daemon.folder / "inbox", "b.txt", "hello")
    wait_until(log, made(log, "below", "b"), "the other partition is made", daemon=daemon)
    wait_until(log, lambda: bool(events_of(log, e.RunFailed)), "the run has failed", daemon=daemon)
    [failed] = events_of(log, e.StepFailed)
    assert isinstance(failed.event, e.StepFailed)
    assert failed.event.error.message == "this is no file of ours"
    assert [s.event.asset_key for s in events_of(log, e.StepSkipped)] == ["below"]  # type: ignore[attr-defined]
    drop(daemon.folder / "inbox", "a.txt", "mended")
    wait_until(log, made(log, "below", "a"), "below is made", daemon=daemon)


def test_a_step_that_ends_its_process_fails_its_run_and_nothing_else(daemon: DaemonProcess, log: EventLog) -> None:
    drop(daemon.folder / "inbox", "a.txt", "leave")
    wait_until(log, lambda: bool(events_of(log, e.RunFailed)), "the run has failed", daemon=daemon)
    [failed] = events_of(log, e.RunFailed)
    assert isinstance(failed.event, e.RunFailed)
    assert (failed.event.reason, failed.event.infrastructure) == ("step_failed", False)
    assert "status 3" in failed.event.message
    drop(daemon.folder / "inbox", "b.txt", "hello")
    wait_until(log, made(log, "below", "b"), "the daemon goes on", daemon=daemon)


def test_a_worker_that_is_killed_has_its_run_requested_again(daemon: DaemonProcess, log: EventLog) -> None:
    drop(daemon.folder / "inbox", "a.txt", "sleep")
    os.kill(asleep(daemon, log), signal.SIGKILL)
    (daemon.folder / "wake").touch()
    wait_until(log, made(log, "below", "a"), "below is made", daemon=daemon)
    [failed] = events_of(log, e.RunFailed)
    assert isinstance(failed.event, e.RunFailed)
    assert (failed.event.reason, failed.event.infrastructure) == ("worker_killed", True)


def test_a_daemon_that_is_killed_leaves_its_worker_to_the_next_one(daemon: DaemonProcess, log: EventLog) -> None:
    drop(daemon.folder / "inbox", "a.txt", "sleep")
    asleep(daemon, log)
    daemon.kill()
    daemon.start()
    wait_until(log, lambda: log.head().term == 2, "the next daemon leads", daemon=daemon)
    (daemon.folder / "wake").touch()
    wait_until(log, made(log, "below", "a"), "below is made", daemon=daemon)
    assert len(events_of(log, e.RunRequested)) == 1
    assert events_of(log, e.RunFailed) == []


def test_a_run_whose_worker_died_with_the_daemon_is_orphaned_and_run_again(
    daemon: DaemonProcess, log: EventLog
) -> None:
    drop(daemon.folder / "inbox", "a.txt", "sleep")
    worker = asleep(daemon, log)
    daemon.kill()
    os.kill(worker, signal.SIGKILL)
    (daemon.folder / "wake").touch()
    daemon.start()
    wait_until(log, made(log, "below", "a"), "below is made", daemon=daemon)
    [failed] = events_of(log, e.RunFailed)
    assert isinstance(failed.event, e.RunFailed)
    assert (failed.event.reason, failed.event.infrastructure) == ("orphaned", True)
    assert len(events_of(log, e.RunRequested)) == 2


def test_a_clean_stop_lets_a_running_step_finish(daemon: DaemonProcess, log: EventLog) -> None:
    drop(daemon.folder / "inbox", "a.txt", "sleep")
    asleep(daemon, log)
    assert daemon.process is not None
    daemon.process.terminate()
    wait_until(log, lambda: "daemon_stopping" in daemon.output.read_text(), "it is about to stop", daemon=daemon)
    (daemon.folder / "wake").touch()
    assert daemon.process.wait(30) == 0
    assert [s.event.type for s in log.query(newest_first=True, limit=1)] == ["daemon_stopped"]
    assert len(events_of(log, e.RunSucceeded)) == 1


def test_a_changed_definition_takes_over_without_a_restart(daemon: DaemonProcess, log: EventLog) -> None:
    drop(daemon.folder / "inbox", "a.txt", "hello")
    wait_until(log, made(log, "below", "a"), "below is made", daemon=daemon)
    daemon.project.write_text("this is not Python")
    wait_until(log, lambda: bool(events_of(log, e.DefinitionsFailed)), "the fault is recorded", daemon=daemon)
    drop(daemon.folder / "inbox", "b.txt", "hello")
    wait_until(log, made(log, "below", "b"), "the definitions before stay in force", daemon=daemon)
    more = "\n\n@asset(deps=[below], partitions_def=LETTERS, automation_condition=EAGER)\ndef further() -> None: ...\n"
    text = PROJECT.replace("\n\ndefs = ", f"{more}\n\ndefs = ").replace("read, below]", "read, below, further]")
    daemon.project.write_text(text)
    wait_until(log, made(log, "further", "b"), "the new asset is built from what was there", daemon=daemon)
    assert len(events_of(log, e.RunRequested)) == 4  # a and b again for the new asset alone


def test_a_clean_stop_leaves_a_snapshot_from_which_the_next_daemon_goes_on(
    daemon: DaemonProcess, log: EventLog
) -> None:
    drop(daemon.folder / "inbox", "a.txt", "hello")
    wait_until(log, made(log, "below", "a"), "below is made", daemon=daemon)
    log.append([e.AssetMaterialized(asset_key="elsewhere", origin="report") for _ in range(2_000)])
    assert daemon.stop() == 0

    newest = log.snapshots()[0]
    assert newest.offset >= 2_000
    ticks = events_of(log, e.Tick)
    assert newest.offset == ticks[-1].event.through  # type: ignore[attr-defined]
    by_snapshot, from_zero = folded(log), fold(log)
    for state in (by_snapshot, from_zero):
        state.take_changes()  # the ticks before the snapshot have taken theirs
    assert differences(by_snapshot, from_zero) == []

    drop(daemon.folder / "inbox", "b.txt", "hello")
    daemon.start()
    wait_until(log, made(log, "below", "b"), "below is made of what came meanwhile", daemon=daemon)
    assert len(events_of(log, e.RunRequested)) == 2
