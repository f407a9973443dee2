"""`asset backfill` and `backfill ...`, in process and through a daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from headwater.storage import events as e
from support.commands import PROGRAM, Commands

PROJECT = """
import os, time
from pathlib import Path
from headwater import (
    AssetSpec, BackfillPolicy, Config, DailyPartitionsDefinition, Definitions, HourlyPartitionsDefinition, asset
)

days = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
hours = HourlyPartitionsDefinition("2024-01-01-00:00", end_date="2024-01-03-00:00")


class Size(Config):
    rows: int = 1


@asset(partitions_def=days)
def orders(context, config: Size):
    while Path("wait").exists():
        time.sleep(0.01)
    if context.partition_key == "2024-01-03" and not Path("mended").exists():
        raise ValueError("no orders on this day")
    return config.rows


@asset(partitions_def=days)
def clean(orders):
    return orders


@asset
def total(clean):
    return sum(clean.values())


@asset(partitions_def=hours)
def readings(): ...


@asset(partitions_def=days, deps=[readings])
def daily(): ...


defs = Definitions(assets=[orders, clean, total, readings, daily, AssetSpec("outside")])
"""


@pytest.fixture
def project(commands: Commands) -> Commands:
    commands.write(PROJECT)
    return commands


def made(commands: Commands, key: str) -> list[str | None]:
    """The partitions of an asset in the order in which they were made."""
    return [m.partition for m in commands.events("asset_materialized") if m.asset_key == key]  # type: ignore[attr-defined]


def days(*numbers: int) -> list[str]:
    return [f"2024-01-0{n}" for n in numbers]


def test_all_partitions_of_an_asset_are_made_in_process_where_no_daemon_runs(project: Commands) -> None:
    (project.folder / "mended").touch()
    result = project("asset", "backfill", "-f", "flow.py", "--asset", "orders", "--all-partitions")
    assert result.exit_code == 0, result.output
    assert made(project, "orders") == days(1, 2, 3, 4)
    assert "orders" in result.stdout
    assert "4/4" in result.stdout
    assert "succeeded" in result.stdout


def test_a_range_is_made_with_both_its_ends(project: Commands) -> None:
    result = project(
        "asset", "backfill", "-f", "flow.py", "--asset", "orders", "--partition-range", "2024-01-01...2024-01-02"
    )
    assert result.exit_code == 0, result.output
    assert made(project, "orders") == days(1, 2)


def test_what_failed_is_told_by_the_exit_code_and_can_be_made_again_alone(project: Commands) -> None:
    result = project("asset", "backfill", "-f", "flow.py", "--select", "orders+", "--all-partitions", "--json")
    assert result.exit_code == 1
    assert made(project, "orders") == days(1, 2, 4)
    assert made(project, "clean") == days(1, 2, 4)
    assert made(project, "total") == []
    shown = project.json("backfill", "list")[0]
    assert shown["status"] == "failed"
    assert shown["assets"]["total"] == {"total": 1, "done": 0, "failed": 1, "in_progress": 0}
    (project.folder / "mended").touch()
    again = project("asset", "backfill", "-f", "flow.py", "--asset", "orders", "--failed")
    assert again.exit_code == 0, again.output
    assert made(project, "orders") == days(1, 2, 4, 3)
    rest = project("asset", "backfill", "-f", "flow.py", "--select", "orders+", "--missing")
    assert rest.exit_code == 0, rest.output
    assert made(project, "clean") == days(1, 2, 4, 3)
    assert made(project, "total") == [None]
    nothing = project("asset", "backfill", "-f", "flow.py", "--select", "orders+", "--missing")
    assert (nothing.exit_code, len(project.events("backfill_requested"))) == (0, 3)
    assert "nothing to backfill" in nothing.stderr


def test_a_day_brings_the_hours_along_that_it_is_read_from(project: Commands) -> None:
    result = project("asset", "backfill", "-f", "flow.py", "--select", "+daily", "--partition", "2024-01-02")
    assert result.exit_code == 0, result.output
    assert made(project, "readings") == [f"2024-01-02-{hour:02}:00" for hour in range(24)]
    assert made(project, "daily") == days(2)


def test_config_and_tags_go_to_every_run(project: Commands) -> None:
    config = '{"ops": {"orders": {"config": {"rows": 5}}}}'
    arguments = [
        "--asset",
        "orders",
        "--partition",
        "2024-01-01",
        "--config-json",
        config,
        "--tags",
        "team=sales,why=fix",
    ]
    assert project("asset", "backfill", "-f", "flow.py", *arguments).exit_code == 0
    [run] = project.events("run_requested")
    assert isinstance(run, e.RunRequested)
    assert run.run_config == {"ops": {"orders": {"config": {"rows": 5}}}}
    assert (run.tags["team"], run.tags["why"]) == ("sales", "fix")
    assert run.backfill_id is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--asset", "orders"], "Say which with --all-partitions"),
        (["--asset", "order", "--all-partitions"], "Did you mean 'orders'?"),
        (["--asset", "orders", "--partition", "2031-01-01"], "2031-01-01"),
        (["--asset", "orders", "--partition-range", "2024-01-01..2024-01-02"], "FIRST...LAST"),
        (["--asset", "orders", "--partition", "2024-01-01", "--all-partitions"], "contradict"),
        (["--asset", "total", "--partition", "2024-01-01"], "none of the selected assets has partitions"),
        (["--select", "orders or readings", "--partition", "2024-01-01"], "Backfill it on its own"),
        (["--all-partitions"], "either --asset KEY or --select"),
        (["--asset", "outside"], "external"),
        (["--asset", "total", "--detach"], "running daemon"),
        (["--asset", "total", "--tags", "sales"], "NAME=VALUE"),
        (["--asset", "total", "--config-json", '{"ops": {"nobody": {}}}'], "nobody"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    project: Commands, arguments: list[str], message: str
) -> None:
    result = project("asset", "backfill", "-f", "flow.py", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert project.events() == []


def test_a_backfill_that_was_interrupted_in_process_is_cancelled(project: Commands) -> None:
    (project.folder / "wait").touch()
    command = [*PROGRAM, "asset", "backfill", "-f", "flow.py", "--asset", "orders", "--all-partitions"]
    with subprocess.Popen(command, cwd=project.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(project, "step_started")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    [end] = project.events("backfill_ended")
    assert isinstance(end, e.BackfillEnded)
    assert (end.status, end.counts[0].left + end.counts[0].failed) == ("cancelled", 4)
    assert project.events("run_cancelled") != []


def test_through_the_daemon_the_command_waits_for_the_end(project: Commands) -> None:
    with project.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        result = project("asset", "backfill", "--select", "orders+", "--all-partitions")
        assert result.exit_code == 1, result.output
        assert "failed" in result.stdout
        (project.folder / "mended").touch()
        again = project("asset", "backfill", "--select", "orders+", "--missing")
        assert again.exit_code == 0, again.output
    assert sorted(filter(None, made(project, "clean"))) == days(1, 2, 3, 4)
    assert made(project, "total") == [None]
    assert not any(getattr(event, "by_caller", False) for event in project.events("backfill_requested"))


def test_ctrl_c_leaves_a_backfill_of_the_daemon_running_and_it_can_be_cancelled(project: Commands) -> None:
    (project.folder / "wait").touch()
    with project.daemon("-f", "flow.py", "--max-concurrent-runs", "1") as daemon:
        daemon.wait_for("definitions_loaded")
        command = [*PROGRAM, "asset", "backfill", "--asset", "orders", "--all-partitions"]
        with subprocess.Popen(command, cwd=project.folder, stderr=subprocess.PIPE, text=True) as process:
            daemon.wait_for("step_started")
            process.send_signal(signal.SIGINT)
            assert "goes on in the daemon" in process.communicate(timeout=30)[1]
            assert process.returncode == 130
        [shown] = project.json("backfill", "list")
        assert shown["status"] == "active"
        assert "active" in project("backfill", "show", shown["backfill_id"][:30]).stdout
        assert project("backfill", "cancel", shown["backfill_id"]).exit_code == 0
        daemon.wait_for("run_cancelled")
        (project.folder / "wait").unlink()
    [shown] = project.json("backfill", "list")
    assert shown["status"] == "cancelled"
    assert len(project.events("run_cancelled")) == len(project.events("run_requested")) == 2
    assert "over already" in project("backfill", "cancel", shown["backfill_id"]).stdout


def test_the_daemon_cancels_what_a_process_that_died_has_left(project: Commands) -> None:
    (project.folder / "wait").touch()
    command = [*PROGRAM, "asset", "backfill", "-f", "flow.py", "--asset", "orders", "--all-partitions"]
    with subprocess.Popen(command, cwd=project.folder) as process:
        wait_for(project, "step_started")
        os.kill(process.pid, signal.SIGKILL)
    (project.folder / "wait").unlink()
    with project.daemon() as daemon:
        end = daemon.wait_for("backfill_ended")
    assert isinstance(end, e.BackfillEnded)
    assert end.status == "cancelled"
    assert made(project, "orders") == []


def wait_for(project: Commands, type: str) -> None:
    ends_at = time.monotonic() + 60
    while not project.events(type):
        assert time.monotonic() < ends_at, f"no {type} came"
        time.sleep(0.02)


def test_an_asset_that_is_made_in_process_can_ask_the_instance(commands: Commands) -> None:
    commands.write(
        """
from headwater import DailyPartitionsDefinition, asset

@asset(partitions_def=DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03"))
def asks(context):
    run = context.instance.get_run_by_id(context.run_id)
    print(run.origin, context.partition_key)
"""
    )
    result = commands("asset", "backfill", "-f", "flow.py", "--asset", "asks", "--all-partitions")
    assert result.exit_code == 0, result.output
    assert "backfill 2024-01-02" in result.stdout
