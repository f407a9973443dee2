"""`headwater run ...`: the history of runs as the log tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.storage import events as e
from support.commands import Commands

ORDERS = e.Target(asset_key="orders", partitions=(("2024-01-01", "2024-01-01"),))
REPORT = e.Target(asset_key="report")


def requested(run_id: str) -> e.RunRequested:
    return e.RunRequested(run_id=run_id, targets=(ORDERS, REPORT), origin="automation")


def write_history(commands: Commands) -> None:
    """Runs of every kind: aa1 succeeded, aa2 failed, bb3 was cancelled, bb4 is under way, bb5 waits."""
    error = e.ErrorInfo(
        cls="ValueError", message="no orders", traceback="Traceback: the lines\nValueError: no orders\n"
    )
    commands.append(*(requested(run_id) for run_id in ("aa1", "aa2", "bb3", "bb4", "bb5")))
    commands.append(*(e.RunStarted(run_id=run_id, worker="pid 7") for run_id in ("aa1", "aa2", "bb3", "bb4")))
    commands.append(
        e.RunSucceeded(run_id="aa1"),
        e.StepStarted(run_id="aa2", step_key="orders", asset_key="orders", partition="2024-01-01", targets=(ORDERS,)),
        e.StepFailed(
            run_id="aa2", step_key="orders", asset_key="orders", partition="2024-01-01", error=error, took_s=1.5
        ),
        e.StepSkipped(run_id="aa2", step_key="report", asset_key="report", targets=(REPORT,), blocked_by=(ORDERS,)),
        e.AssetCheckEvaluated(
            run_id="aa2", asset_key="orders", partition="2024-01-01", check_name="has_rows", passed=False, blocking=True
        ),
        e.RunFailed(run_id="aa2", reason="step_failed", message="1 of 2 steps failed: orders"),
        e.RunCancelled(run_id="bb3", message="Interrupted from the keyboard."),
    )


def test_no_runs_is_said_in_words(commands: Commands) -> None:
    assert commands("run", "list").stderr == "No runs yet.\n"
    assert commands.json("run", "list") == []


def test_the_newest_runs_come_first(commands: Commands) -> None:
    write_history(commands)
    runs = commands.json("run", "list")
    assert [(run["run_id"], run["status"]) for run in runs] == [
        ("bb5", "queued"),
        ("bb4", "started"),
        ("bb3", "cancelled"),
        ("aa2", "failed"),
        ("aa1", "succeeded"),
    ]
    assert [run["run_id"] for run in commands.json("run", "list", "--limit", "2")] == ["bb5", "bb4"]


@pytest.mark.parametrize(
    ("status", "run_id"),
    [("queued", "bb5"), ("started", "bb4"), ("cancelled", "bb3"), ("failed", "aa2"), ("succeeded", "aa1")],
)
def test_runs_can_be_listed_by_how_they_stand(commands: Commands, status: str, run_id: str) -> None:
    write_history(commands)
    assert [run["run_id"] for run in commands.json("run", "list", "--status", status)] == [run_id]


def test_the_table_says_what_runs_make_and_why_they_failed(commands: Commands) -> None:
    write_history(commands)
    line = next(line for line in commands("run", "list").stdout.splitlines() if line.startswith("aa2"))
    assert "orders[2024-01-01], report" in line
    assert "1 of 2 steps failed" in line


def test_a_run_of_ops_is_listed_by_its_job_and_one_of_checks_alone_by_these(commands: Commands) -> None:
    check = e.PlannedCheck(asset_key="orders", name="has_rows")
    commands.append(e.RunRequested(run_id="cc1", job_name="greetings"), e.RunRequested(run_id="cc2", checks=(check,)))
    lines = {line.split()[0]: line for line in commands("run", "list").stdout.splitlines()}
    assert "job greetings" in lines["cc1"]
    assert "orders:has_rows" in lines["cc2"]


def test_one_run_is_shown_with_steps_errors_and_checks(commands: Commands) -> None:
    write_history(commands)
    shown = commands("run", "show", "aa2").stdout
    assert "ValueError: no orders" in shown
    assert "Traceback: the lines" in shown
    assert "upstream failed: orders[2024-01-01]" in shown
    assert "orders[2024-01-01]:has_rows  failed, blocking" in shown
    assert "1.5 s" in shown


def test_a_run_for_programs_has_the_same_facts(commands: Commands) -> None:
    write_history(commands)
    run = commands.json("run", "show", "aa2")
    failed, skipped = run["steps"]
    assert (failed["status"], failed["error"]["cls"]) == ("failed", "ValueError")
    assert (skipped["status"], skipped["skipped_because"]) == ("skipped", "upstream_failed")
    assert run["reason"] == "step_failed"
    assert run["checks"][0]["check_name"] == "has_rows"


def test_the_beginning_of_an_id_is_enough_if_it_is_unique(commands: Commands) -> None:
    write_history(commands)
    commands.append(requested("cc6"))
    assert "status     queued" in commands("run", "show", "c").stdout
    result = commands("run", "show", "aa")
    assert result.exit_code == 1
    assert "2 runs begin with 'aa'" in result.stderr


def test_a_started_run_without_a_process_is_told_apart(commands: Commands) -> None:
    write_history(commands)
    assert "its process is gone" in commands("run", "show", "bb4").stdout


def captured(commands: Commands, run_id: str) -> None:
    folder = Path(commands.home, "runs", run_id)
    folder.mkdir(parents=True)
    (folder / "stdout.log").write_bytes(b"said\n")
    (folder / "stderr.log").write_bytes(b"\xff complained\n")


def test_what_a_run_printed_can_be_read_stream_by_stream(commands: Commands) -> None:
    write_history(commands)
    captured(commands, "aa1")
    assert commands("run", "logs", "aa1", "--stdout").stdout_bytes == b"said\n"
    assert commands("run", "logs", "aa1", "--stderr").stdout_bytes == b"\xff complained\n"
    assert commands("run", "logs", "aa1").stdout_bytes == b"==> stdout <==\nsaid\n==> stderr <==\n\xff complained\n"


def test_a_run_that_nothing_was_captured_of_says_so(commands: Commands) -> None:
    write_history(commands)
    result = commands("run", "logs", "bb5")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing was captured" in result.stderr
