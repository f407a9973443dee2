"""Assets of one function under the real daemon: requested together, made in one step of a worker, and healed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headwater.storage import events as e
from headwater.storage.log import EventLog
from support.daemon_process import DaemonProcess, drop, events_of, fold, made, wait_until

PROJECT = """
import os
from pathlib import Path
from headwater import (
    AssetKey, AssetOut, AssetSpec, AutomationCondition, Definitions, FileArrival, Output, StaticPartitionsDefinition,
    asset, multi_asset,
)

DATA = Path(os.environ["DATA"])
LETTERS = StaticPartitionsDefinition(["a", "b", "c"])
EAGER = AutomationCondition.eager()
inbox = AssetSpec("inbox", partitions_def=LETTERS, arrival=FileArrival(DATA / "inbox", "{partition}.txt"))


@multi_asset(
    outs={"words": AssetOut(automation_condition=EAGER), "count": AssetOut()},
    deps=[inbox],
    internal_asset_deps={"count": {AssetKey("words")}},
    partitions_def=LETTERS,
)
def reading(context):
    text = (DATA / "inbox" / f"{context.partition_key}.txt").read_text()
    if text == "leave":
        os._exit(3)
    yield Output(text.split(), "words")
    if text == "half":
        raise ValueError("no count of this")
    yield Output(len(text.split()), "count")


@asset(partitions_def=LETTERS, automation_condition=EAGER)
def twice(context, count):
    context.add_output_metadata({"twice": count * 2})
    return count * 2


defs = Definitions(assets=[inbox, reading, twice])
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    project = tmp_path / "project.py"
    project.write_text(PROJECT)
    daemon = DaemonProcess(tmp_path, project)
    daemon.start()
    yield daemon
    daemon.clean_up()


@pytest.fixture
def log(daemon: DaemonProcess) -> Iterator[EventLog]:
    with EventLog.open(daemon.home) as log:
        yield log


def ended(log: EventLog) -> Callable[[], bool]:
    return lambda: bool(events_of(log, e.RunFailed)) and not fold(log).runs


def test_they_are_made_in_one_step_and_what_reads_one_of_them_follows(daemon: DaemonProcess, log: EventLog) -> None:
    drop(daemon.folder / "inbox", "a.txt", "three small words")
    wait_until(log, made(log, "twice", "a"), "twice is made", daemon=daemon)
    [requested] = events_of(log, e.RunRequested)
    assert [target.asset_key for target in requested.event.targets] == ["words", "count", "twice"]  # type: ignore[attr-defined]
    steps = [stored.event for stored in events_of(log, e.StepStarted)]
    assert [step.step_key for step in steps] == ["reading", "twice"]  # type: ignore[attr-defined]
    [made_twice] = [s.event for s in events_of(log, e.AssetMaterialized) if s.event.asset_key == "twice"]  # type: ignore[attr-defined]
    assert made_twice.metadata["twice"] == {"type": "int", "value": 6}  # type: ignore[attr-defined]


def test_a_failure_half_way_leaves_what_was_made_and_a_better_file_heals_the_rest(
    daemon: DaemonProcess, log: EventLog
) -> None:
    drop(daemon.folder / "inbox", "a.txt", "half")
    wait_until(log, ended(log), "the run has failed", daemon=daemon)
    assert [s.event.asset_key for s in events_of(log, e.AssetMaterialized)] == ["inbox", "words"]  # type: ignore[attr-defined]
    [skipped] = events_of(log, e.StepSkipped)
    assert skipped.event.step_key == "twice"  # type: ignore[attr-defined]
    drop(daemon.folder / "inbox", "a.txt", "a good file")
    wait_until(log, made(log, "twice", "a"), "twice is made", daemon=daemon)
    assert len(events_of(log, e.RunRequested)) == 2


def test_a_step_that_leaves_its_process_fails_all_that_it_was_to_make(daemon: DaemonProcess, log: EventLog) -> None:
    drop(daemon.folder / "inbox", "b.txt", "leave")
    wait_until(log, ended(log), "the run has failed", daemon=daemon)
    [failed] = events_of(log, e.StepFailed)
    assert failed.event.step_key == "reading"  # type: ignore[attr-defined]
    state = fold(log)
    for key in ("words", "count"):
        table, ordinal = state.asset(key).locate("b")
        assert ordinal in table.failed
    table, ordinal = state.asset("twice").locate("b")
    assert table.blocked[ordinal] == {("words", "b"), ("count", "b")}
