"""`headwater job ...`: listing jobs, and having one run by the daemon or here."""

from __future__ import annotations

from headwater.storage import events as e
from support.commands import Commands

JOBS = """
from headwater import DailyPartitionsDefinition, Definitions, asset, asset_check, define_asset_job

days = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")


@asset
def orders(context):
    print("tagged", context.run_tags)
    return 1


@asset_check(asset=orders)
def orders_are_few(orders):
    return orders < 3


@asset(partitions_def=days)
def visits():
    return 1


defs = Definitions(
    assets=[orders, visits],
    asset_checks=[orders_are_few],
    jobs=[
        define_asset_job("nightly", "orders", description="Every night.", tags={"team": "sales"}),
        define_asset_job("daily", "visits"),
    ],
)
"""


def test_jobs_are_listed(commands: Commands) -> None:
    commands.write(JOBS)
    daily, nightly = commands.json("job", "list", "-f", "flow.py")
    assert (daily["name"], daily["assets"], daily["kind"]) == ("daily", ["visits"], "asset")
    assert nightly["tags"] == {"team": "sales"}
    assert "Every night." in commands("job", "list", "-f", "flow.py").stdout


def test_without_a_daemon_a_launch_says_so_and_writes_nothing(commands: Commands) -> None:
    commands.write(JOBS)
    result = commands("job", "launch", "nightly", "-f", "flow.py")
    assert result.exit_code == 1
    assert "no daemon runs on" in result.stderr
    assert "--in-process" in result.stderr
    assert not commands.home.exists()


def test_in_process_a_job_runs_here_with_its_tags_and_checks(commands: Commands) -> None:
    commands.write(JOBS)
    run = commands.json("job", "launch", "nightly", "--in-process", "-f", "flow.py", "--tags", "by=hand")
    assert run["status"] == "succeeded"
    (requested,) = commands.events("run_requested")
    assert isinstance(requested, e.RunRequested)
    assert (requested.job_name, requested.tags) == ("nightly", {"team": "sales", "by": "hand"})
    assert [check.name for check in requested.checks] == ["orders_are_few"]
    assert [event.type for event in commands.events("asset_check_evaluated")] == ["asset_check_evaluated"]


def test_a_partitioned_job_wants_a_partition_that_exists(commands: Commands) -> None:
    commands.write(JOBS)
    launch = ("job", "launch", "daily", "--in-process", "-f", "flow.py")
    assert "say which partition" in commands(*launch).stderr
    assert "2023-01-01" in commands(*launch, "--partition", "2023-01-01").stderr
    assert commands(*launch, "--partition", "2024-01-02").exit_code == 0


def test_a_job_that_is_not_there_is_named_with_what_was_meant(commands: Commands) -> None:
    commands.write(JOBS)
    result = commands("job", "launch", "nightli", "--in-process", "-f", "flow.py")
    assert "there is no job 'nightli'. Did you mean 'nightly'?" in result.stderr


def test_the_daemon_runs_a_launched_job(commands: Commands) -> None:
    commands.write(JOBS)
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        run_id = commands.json("job", "launch", "nightly")["run_id"]
        daemon.wait_for("run_succeeded", run_id=run_id)
    (requested,) = commands.events("run_requested")
    assert isinstance(requested, e.RunRequested)
    assert requested.job_name == "nightly"


MAPPED = """
from headwater import Config, Definitions, RunConfig, config_mapping, job, op


class Rows(Config):
    rows: int


@op
def generate(config: Rows):
    print("rows", config.rows)


@config_mapping
def simple(config: Rows) -> RunConfig:
    return RunConfig(ops={"generate": config})


@job(config=simple)
def generated():
    generate()


defs = Definitions(jobs=[generated])
"""


def test_a_job_with_a_config_mapping_is_told_what_that_takes_here_and_by_the_daemon(commands: Commands) -> None:
    commands.write(MAPPED)
    launch = ("job", "launch", "generated", "--config-json", '{"rows": 3}')
    here = commands(*launch, "--in-process", "-f", "flow.py")
    assert here.exit_code == 0, here.output
    assert "rows 3" in here.output
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        assert commands(*launch).exit_code == 0
        ended = daemon.wait_for("run_succeeded")
    run_id = getattr(ended, "run_id", "")
    assert (commands.home / "runs" / run_id / "stdout.log").read_text() == "rows 3\n"
    requested = [one.run_config for one in commands.events("run_requested") if isinstance(one, e.RunRequested)]
    assert requested == [{"config": {"rows": 3}}] * 2
