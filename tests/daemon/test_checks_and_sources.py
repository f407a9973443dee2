"""Checks and observable sources under the real daemon: a real process, real files, real workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.storage import events as e
from headwater.storage.log import EventLog
from support.daemon_process import DaemonProcess, drop, events_of, wait_until

PROJECT = """
import os
from pathlib import Path
from headwater import (
    AssetCheckResult, AssetCheckSpec, AssetIn, AssetSpec, AutomationCondition, DataVersion, Definitions, FileArrival,
    MaterializeResult, StaticPartitionsDefinition, asset, asset_check, build_metadata_bounds_checks, multi_asset_check,
    observable_source_asset,
)

DATA = Path(os.environ["DATA"])
EAGER = AutomationCondition.eager()
LETTERS = StaticPartitionsDefinition(["a", "b"])
inbox = AssetSpec("inbox", partitions_def=LETTERS, arrival=FileArrival(DATA / "inbox", "{partition}.txt"))


@observable_source_asset(automation_condition=AutomationCondition.on_missing())
def source():
    return DataVersion("v1")


@asset(deps=[source], automation_condition=EAGER)
def copied():
    return 7


@asset(
    deps=[inbox],
    partitions_def=LETTERS,
    automation_condition=EAGER,
    check_specs=[AssetCheckSpec("good", asset="read", blocking=True)],
)
def read(context) -> MaterializeResult:
    text = (DATA / "inbox" / f"{context.partition_key}.txt").read_text()
    return MaterializeResult(
        metadata={"letters": len(text)},
        check_results=[AssetCheckResult(passed=text != "bad", description=text)],
    )


@asset(deps=[read], partitions_def=LETTERS, automation_condition=EAGER)
def below() -> None: ...


@asset_check(asset=below, automation_condition=EAGER, additional_ins={"number": AssetIn("copied")})
def by_itself(number) -> bool:
    return number == 7


@multi_asset_check(specs=[AssetCheckSpec("one", asset=read), AssetCheckSpec("two", asset=read)])
def both():
    yield AssetCheckResult(passed=True, check_name="one")
    yield AssetCheckResult(passed=False, check_name="two")


bounds = build_metadata_bounds_checks(assets=[read], metadata_key="letters", max_value=3)
defs = Definitions(
    assets=[inbox, source, copied, read, below], asset_checks=[by_itself, both, *bounds]
)
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


def results(log: EventLog) -> dict[tuple[str, str | None], bool]:
    found = [stored.event for stored in events_of(log, e.AssetCheckEvaluated)]
    return {(one.check_name, one.partition): one.passed for one in found if isinstance(one, e.AssetCheckEvaluated)}


def made(log: EventLog) -> list[tuple[str, str | None]]:
    found = [stored.event for stored in events_of(log, e.AssetMaterialized)]
    return [(one.asset_key, one.partition) for one in found if isinstance(one, e.AssetMaterialized)]


def test_checks_of_every_form_and_observations_go_through_workers(daemon: DaemonProcess, log: EventLog) -> None:
    wait_until(log, lambda: ("copied", None) in made(log), "what reads the source is made", daemon=daemon)
    [seen] = [stored.event for stored in events_of(log, e.AssetObserved)]
    assert isinstance(seen, e.AssetObserved)
    assert (seen.asset_key, seen.data_version) == ("source", "v1")

    drop(daemon.folder / "inbox", "a.txt", "fine")
    wait_until(log, lambda: ("by_itself", "a") in results(log), "the check runs by its own condition", daemon=daemon)
    assert ("below", "a") in made(log)
    found = results(log)
    assert {name: found.get((name, "a")) for name in ("good", "one", "two", "letters_bounds", "by_itself")} == {
        "good": True,
        "one": True,
        "two": False,
        "letters_bounds": False,
        "by_itself": True,
    }

    drop(daemon.folder / "inbox", "b.txt", "bad")
    wait_until(log, lambda: bool(events_of(log, e.RunFailed)), "the run of the bad file fails", daemon=daemon)
    assert not results(log)["good", "b"]
    assert ("read", "b") in made(log)
    assert ("below", "b") not in made(log)
