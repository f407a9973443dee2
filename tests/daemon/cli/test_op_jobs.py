"""`headwater job ...` and `run show` for jobs of ops, here and through a daemon."""

from __future__ import annotations

from headwater.storage import events as e
from support.commands import Commands

JOBS = """
from pathlib import Path

from headwater import (
    Config, Definitions, DynamicOut, DynamicOutput, RetryPolicy, StaticPartitionsDefinition, failure_hook, job, op,
)

class Limit(Config):
    limit: int = 2


@op(out=DynamicOut())
def names(config: Limit):
    for name in "abc"[: config.limit]:
        yield DynamicOutput(name, mapping_key=name)


@op
def doubled(name: str) -> str:
    return name * 2


@op
def joined(parts: list) -> str:
    print("joined", parts)
    return "".join(parts)


@job(description="Joins names.")
def join_names():
    joined(names().map(doubled).collect())


@op(retry_policy=RetryPolicy(max_retries=1))
def flaky(context):
    if context.retry_number == 0:
        raise ValueError("not yet")


@op
def broken(start):
    raise RuntimeError("no")


@op
def after(value): ...


@failure_hook
def tell(context):
    raise OSError("nobody listens")


@job(hooks={tell})
def fails():
    after(broken(flaky()))


@op
def by_region(context):
    print("region", context.partition_key)


@job(partitions_def=StaticPartitionsDefinition(["east", "west"]))
def regional():
    by_region()


defs = Definitions(jobs=[join_names, fails, regional])
"""


def test_jobs_of_ops_are_listed_with_those_of_assets(commands: Commands) -> None:
    commands.write(JOBS)
    listed = {job["name"]: job for job in commands.json("job", "list", "-f", "flow.py")}
    assert listed["join_names"]["kind"] == "op"
    assert listed["join_names"]["description"] == "Joins names."


def test_the_daemon_runs_a_job_of_ops_and_hands_values_on_in_files(commands: Commands) -> None:
    commands.write(JOBS)
    with commands.daemon() as daemon:
        daemon.wait_for("definitions_loaded")
        config = '{"ops": {"names": {"config": {"limit": 3}}}}'
        run_id = commands.json("job", "launch", "join_names", "--config-json", config)["run_id"]
        daemon.wait_for("run_succeeded", run_id=run_id)
    steps = [event.step_key for event in commands.events("step_succeeded") if isinstance(event, e.StepSucceeded)]
    assert steps == ["names", "doubled[a]", "doubled[b]", "doubled[c]", "joined"]
    assert (commands.home / "runs" / run_id / "stdout.log").read_text() == "joined ['aa', 'bb', 'cc']\n"
    assert (commands.home / "storage" / run_id / "doubled[a]" / "result").exists()


def test_a_run_of_ops_shows_what_was_tried_again_what_failed_and_what_was_skipped(commands: Commands) -> None:
    commands.write(JOBS)
    result = commands("job", "launch", "fails", "--in-process", "-f", "flow.py")
    assert result.exit_code == 1
    lines = {line.split()[0]: line for line in reversed(result.stdout.splitlines()) if line.strip()}
    assert "attempt 2" in lines["flaky"]
    assert "RuntimeError: no" in lines["broken"]
    assert "upstream failed" in lines["after"]
    assert lines["job"].split() == ["job", "fails"]
    assert "The hook 'tell' raised after broken" in result.stdout
    assert "nobody listens" in result.stdout


def test_a_partitioned_job_of_ops_is_told_its_partition(commands: Commands) -> None:
    commands.write(JOBS)
    launch = ("job", "launch", "regional", "--in-process", "-f", "flow.py")
    assert "say which partition" in commands(*launch).stderr
    assert commands(*launch, "--partition", "north").exit_code == 1
    assert "region west" in commands(*launch, "--partition", "west").stdout


def test_config_that_does_not_fit_is_refused_before_anything_runs(commands: Commands) -> None:
    commands.write(JOBS)
    launch = ("job", "launch", "join_names", "--in-process", "-f", "flow.py", "--config-json")
    result = commands(*launch, '{"ops": {"nams": {"config": {"limit": 3}}, "names": {"config": {"limit": "x"}}}}')
    assert "ops.nams: there is no op of this name. Did you mean 'names'?" in result.stderr
    assert "ops.names.config.limit" in result.stderr
    assert not commands.home.exists()
