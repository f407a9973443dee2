"""`headwater asset ...`: listing, making by hand, and reporting."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.daemon.runs.lease import Lease, is_held
from headwater.definitions.loading import load_definitions
from headwater.storage import events as e
from headwater.storage.log import EventLog
from support.commands import Commands


def materialize(commands: Commands, select: str, partition: str | None = None, *more: str) -> Any:
    day = ["--partition", partition] if partition else []
    return commands("asset", "materialize", "-f", "flow.py", "--select", select, *day, *more)


def row(commands: Commands, key: str) -> dict[str, Any]:
    return next(row for row in commands.json("asset", "list", "-f", "flow.py") if row["key"] == key)


def record_definitions(commands: Commands) -> None:
    """Let the log hold the definitions of `flow.py`, as after a daemon."""
    snapshot = load_definitions(commands.folder / "flow.py").snapshot()
    with EventLog.open(commands.home) as log:
        log.append([e.DefinitionsLoaded(hash=snapshot.hash)], blobs={snapshot.hash: snapshot.to_bytes()})


# ---- list ------------------------------------------------------------------------------------------------------------


def test_an_empty_home_says_what_is_missing(commands: Commands) -> None:
    result = commands("asset", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No assets" in result.stderr
    assert commands.json("asset", "list") == []


def test_assets_are_listed_upstream_first_with_what_is_made_of_them(commands: Commands) -> None:
    materialize(commands, "orders", "2024-01-01")
    materialize(commands, "orders", "2024-01-03")
    rows = commands.json("asset", "list", "-f", "flow.py")
    assert [row["key"] for row in rows] == ["inbox", "orders", "total", "report"]
    orders = rows[1]
    assert orders["partitions"] == {"done": 1, "total": 4, "failed": 1, "in_progress": 0}
    assert orders["condition"] == "eager"
    assert orders["last_materialized"].endswith("+00:00")
    assert rows[0]["external"]
    assert rows[2]["partitions"] == {"done": 0, "total": 1, "failed": 0, "in_progress": 0}


def test_the_table_says_the_same_in_words(commands: Commands) -> None:
    materialize(commands, "orders", "2024-01-01")
    header, *lines = commands("asset", "list", "-f", "flow.py").stdout.splitlines()
    assert header.split()[:3] == ["asset", "group", "partitions"]
    orders = next(line for line in lines if line.startswith("orders"))
    assert "1/4" in orders
    assert "eager" in orders
    assert "not run yet" in next(line for line in lines if line.startswith("total"))
    assert "\x1b" not in header


def test_assets_are_listed_with_whether_they_are_fresh_stale_or_missing(commands: Commands) -> None:
    assert [row(commands, key)["status"] for key in ("inbox", "report")] == [None, "missing"]
    materialize(commands, "total,report")
    assert row(commands, "report")["status"] == "fresh"
    materialize(commands, "total")
    report = row(commands, "report")
    assert (report["status"], report["stale"], report["missing"]) == ("stale", 1, 0)
    assert report["stale_because"] == ["has a new materialization of total"]
    materialize(commands, "orders", "2024-01-01")
    assert "3 missing" in commands("asset", "list", "-f", "flow.py").stdout


def test_assets_are_listed_with_how_they_keep_their_freshness_policy(commands: Commands) -> None:
    commands.write(
        """
from datetime import timedelta
from headwater import Definitions, FreshnessPolicy, asset

policy = FreshnessPolicy.time_window(fail_window=timedelta(hours=24))

@asset(freshness_policy=policy)
def kept(): ...

@asset(freshness_policy=policy)
def never_made(): ...

@asset
def without(): ...

defs = Definitions(assets=[kept, never_made, without])
""",
        name="promises.py",
    )
    assert commands("asset", "materialize", "-f", "promises.py", "--select", "kept,without").exit_code == 0
    rows = commands.json("asset", "list", "-f", "promises.py")
    assert {row["key"]: row["freshness"] for row in rows} == {"kept": "PASS", "never_made": "UNKNOWN", "without": None}
    header, *lines = commands("asset", "list", "-f", "promises.py").stdout.splitlines()
    assert "freshness" in header
    assert "PASS" in next(line for line in lines if line.startswith("kept"))


def test_runs_that_have_not_ended_are_in_progress(commands: Commands) -> None:
    record_definitions(commands)
    target = e.Target(asset_key="orders", partitions=(("2024-01-01", "2024-01-02"),))
    commands.append(e.RunRequested(run_id="r1", targets=(target,)))
    assert row(commands, "orders")["partitions"]["in_progress"] == 2


def test_what_is_defined_nowhere_is_listed_last(commands: Commands) -> None:
    commands("asset", "report", "legacy", "--force")
    assert commands.json("asset", "list")[-1]["key"] == "legacy"
    listed = commands.json("asset", "list", "-f", "flow.py")[-1]
    assert (listed["key"], listed["defined"], listed["partitions"]["done"]) == ("legacy", False, 1)


def test_sources_that_the_daemon_cannot_load_are_told_beside_the_table(commands: Commands) -> None:
    record_definitions(commands)
    commands.append(e.DefinitionsFailed(errors=("flow.py:1: cannot import it",)))
    result = commands("asset", "list")
    assert "orders" in result.stdout
    assert "flow.py:1: cannot import it" in result.stderr


# ---- materialize -----------------------------------------------------------------------------------------------------


def test_a_run_by_hand_is_in_the_log_like_any_other(commands: Commands) -> None:
    result = materialize(commands, "orders", "2024-01-01")
    assert result.exit_code == 0
    assert "making 2024-01-01" in result.stdout
    kinds = [event.type for event in commands.events()]
    assert kinds == [
        "run_requested",
        "run_started",
        "step_started",
        "asset_materialized",
        "step_succeeded",
        "run_succeeded",
    ]


def test_a_step_that_raises_fails_the_run_with_its_traceback(commands: Commands) -> None:
    result = materialize(commands, "orders", "2024-01-03")
    assert result.exit_code == 1
    assert "ValueError: no orders on this day" in result.stdout
    assert 'flow.py", line' in result.stdout


def test_for_programs_only_json_goes_to_standard_output(commands: Commands) -> None:
    run = commands.json("asset", "materialize", "-f", "flow.py", "--select", "orders", "--partition", "2024-01-02")
    assert run["status"] == "succeeded"
    assert [step["asset_key"] for step in run["steps"]] == ["orders"]


def test_all_partitions_that_are_there_are_read(commands: Commands) -> None:
    materialize(commands, "orders", "2024-01-01")
    assert materialize(commands, "orders,total", "2024-01-02").exit_code == 0
    started = [event for event in commands.events("step_started") if isinstance(event, e.StepStarted)]
    total = next(event for event in started if event.step_key == "total")
    assert total.inputs == {"orders": (("2024-01-01", "2024-01-02"),)}, "what the run itself has made counts too"
    assert total.read_through is not None


def test_what_is_left_out_because_of_a_check_is_said_and_fails_the_command(commands: Commands) -> None:
    for day in ("2024-01-01", "2024-01-02", "2024-01-04"):
        materialize(commands, "orders", day)
    result = materialize(commands, "total+")
    assert result.exit_code == 1
    assert "a blocking check failed: total" in result.stdout
    assert "failed, blocking" in result.stdout
    assert row(commands, "total")["checks"]["total_is_small"]["failed"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--select", "ordrs"], "Did you mean 'orders'"),
        (["--select", "orders"], "say which one with --partition"),
        (["--select", "orders", "--partition", "2024-02-30"], "no partition '2024-02-30'"),
        (["--select", "total", "--partition", "2024-01-01"], "leave --partition out"),
        (["--select", "inbox"], "external"),
    ],
)
def test_nothing_is_run_where_the_selection_makes_no_sense(
    commands: Commands, arguments: list[str], words: str
) -> None:
    result = commands("asset", "materialize", "-f", "flow.py", *arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not commands.home.exists()


def test_a_selection_that_cannot_be_read_is_pointed_at(commands: Commands) -> None:
    result = commands("asset", "materialize", "-f", "flow.py", "--select", "orders or grp:x")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0].startswith("Error: the selection cannot be read at column 11")
    assert result.stderr.splitlines()[1:] == ["    orders or grp:x", "    " + " " * 10 + "^"]


def test_a_label_that_selects_nothing_is_told_and_the_rest_is_made(commands: Commands) -> None:
    result = commands("asset", "materialize", "-f", "flow.py", "--select", "kind:dbt, 1+report and not report")
    assert result.exit_code == 0, result.output
    assert "Warning: kind:dbt selects no asset." in result.stderr
    assert [event.asset_key for event in commands.events("asset_materialized")] == ["total"]  # type: ignore[attr-defined]


def test_the_lease_is_held_while_the_run_lasts(commands: Commands) -> None:
    commands.write(
        """
        from pathlib import Path
        from headwater import asset
        from headwater.daemon.runs.lease import is_held

        @asset
        def looks(context):
            return is_held(Path(".headwater/runs", context.run_id, "lease"))

        @asset
        def is_right(looks):
            assert looks
        """
    )
    assert materialize(commands, "*").exit_code == 0
    run_id = next(iter(commands.events("run_succeeded"))).run_id  # type: ignore[attr-defined]
    assert not is_held(Lease.of_run(commands.home, run_id).path)


def test_an_interrupt_is_recorded_and_prints_no_traceback(commands: Commands) -> None:
    commands.write("from headwater import asset\n@asset\ndef slow():\n    raise KeyboardInterrupt\n")
    done = commands.process("asset", "materialize", "-f", "flow.py", "--select", "slow")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert [event.type for event in commands.events("run_cancelled")] == ["run_cancelled"]


# ---- report ----------------------------------------------------------------------------------------------------------


def test_a_report_is_an_event_with_what_is_known_of_the_data(commands: Commands) -> None:
    facts = ["--metadata", "rows=12", "--metadata", "from=the=bank", "--metadata", "late=true"]
    result = commands(
        "asset", "report", "inbox", "--partition", "2024-01-02", "--data-version", "v7", *facts, "-f", "flow.py"
    )
    assert result.exit_code == 0, result.output
    (event,) = commands.events("asset_materialized")
    assert isinstance(event, e.AssetMaterialized)
    assert (event.asset_key, event.partition, event.origin, event.data_version) == (
        "inbox",
        "2024-01-02",
        "report",
        "v7",
    )
    values = {name: fact["value"] for name, fact in event.metadata.items()}  # type: ignore[index, call-overload]
    assert values == {"rows": 12, "from": "the=bank", "late": True}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inbx"], "Did you mean 'inbox'"),
        (["inbox"], "say which one"),
        (["inbox", "--partition", "2024-01-09"], "no partition '2024-01-09' of asset 'inbox'"),
        (["total", "--partition", "2024-01-01"], "no partitions"),
    ],
)
def test_a_report_of_what_nobody_knows_is_refused(commands: Commands, arguments: list[str], words: str) -> None:
    result = commands("asset", "report", *arguments, "-f", "flow.py")
    assert result.exit_code == 1
    assert words in result.stderr
    assert not commands.home.exists()
    assert commands("asset", "report", *arguments, "-f", "flow.py", "--force").exit_code == 0


def test_without_definitions_a_report_needs_force(commands: Commands) -> None:
    result = commands("asset", "report", "inbox")
    assert result.exit_code == 1
    assert "--force" in result.stderr


def test_metadata_that_is_no_pair_is_a_usage_error(commands: Commands) -> None:
    assert commands("asset", "report", "x", "--force", "--metadata", "rows").exit_code == 2


def test_definitions_that_a_daemon_has_loaded_before_are_known_without_the_file(commands: Commands) -> None:
    record_definitions(commands)
    (commands.folder / "flow.py").unlink()
    assert commands("asset", "report", "inbox", "--partition", "2024-01-01").exit_code == 0
    assert [row["key"] for row in commands.json("asset", "list")] == ["inbox", "orders", "total", "report"]


# ---- wipe ------------------------------------------------------------------------------------------------------------


def test_a_wiped_asset_is_listed_as_missing(commands: Commands) -> None:
    materialize(commands, "total")
    result = commands("asset", "wipe", "total", "--yes")
    assert (result.exit_code, result.stdout) == (0, "all of total counts as missing.\n")
    assert row(commands, "total")["status"] == "missing"
    assert row(commands, "total")["partitions"]["done"] == 0


def test_one_partition_is_wiped_and_the_others_stay(commands: Commands) -> None:
    for day in ("2024-01-01", "2024-01-02"):
        materialize(commands, "orders", day)
    assert commands("asset", "wipe", "orders", "--partition", "2024-01-01", "--yes").exit_code == 0
    assert row(commands, "orders")["partitions"]["done"] == 1


def test_a_wipe_is_asked_about_and_not_done_without_an_answer(commands: Commands) -> None:
    materialize(commands, "total")
    assert commands("asset", "wipe", "total").exit_code == 1
    assert row(commands, "total")["status"] == "fresh"


def test_what_nothing_is_recorded_of_cannot_be_wiped(commands: Commands) -> None:
    materialize(commands, "total")
    result = commands("asset", "wipe", "totl", "--yes")
    assert result.exit_code == 1
    assert "nothing is recorded of an asset 'totl'" in result.stderr
    assert "Did you mean 'total'?" in result.stderr


# ---- assets of one function ------------------------------------------------------------------------------------------

SHOP = """
from headwater import AssetSpec, Definitions, MaterializeResult, asset, multi_asset


@multi_asset(specs=[AssetSpec("clean"), AssetSpec("report", deps=["clean"])])
def tables():
    yield MaterializeResult(asset_key="clean", metadata={"rows": 3})


@asset(deps=["report"])
def sent() -> None: ...


defs = Definitions(assets=[tables, sent])
"""


def test_a_part_that_does_not_come_alone_is_refused_with_what_to_select(commands: Commands) -> None:
    commands.write(SHOP)
    result = materialize(commands, "report")
    assert result.exit_code == 1
    assert "'report' cannot be made without 'clean': multi-asset 'tables' makes all its assets in one" in result.stderr
    assert commands.events() == []


@pytest.mark.parametrize("select", ["tables+", "clean, report, sent", "made_with(report)+"])
def test_assets_of_one_function_are_made_by_its_name_or_by_theirs(commands: Commands, select: str) -> None:
    commands.write(SHOP)
    assert materialize(commands, select).exit_code == 0
    assert [row["status"] for row in commands.json("asset", "list", "-f", "flow.py")] == ["fresh"] * 3
    [run] = commands.json("run", "list")
    shown = commands("run", "show", run["run_id"]).stdout
    assert "tables" in shown
