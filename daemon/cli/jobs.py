"""`headwater job ...`: which jobs there are, and having one run."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .settings import FileOption, HomeOption, JsonOption, ModuleOption, given_source, home_folder, required_source

if TYPE_CHECKING:
    from .run_history import RunRecord

job_commands: typer.Typer = typer.Typer(help="List jobs, and have one run.", no_args_is_help=True)


@job_commands.command("list")
def list_(
    file: FileOption = None, module: ModuleOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Show each job: what it makes, and how it is partitioned."""
    from .catalog import known_definitions, log_for_reading
    from .output import print_json, print_table, shortened

    folder = home_folder(home)
    with log_for_reading(folder) as log:
        definitions = known_definitions(log, folder, given_source(file, module))
    jobs = list(definitions.jobs.values()) if definitions else []
    if as_json:
        print_json([{"kind": job.kind, **job.to_json()} for job in jobs])
    elif jobs:
        rows = [
            [
                job.name,
                job.kind,
                shortened(list(job.assets)),
                job.partitions.describe() if job.partitions else "",
                job.description or "",
            ]
            for job in jobs
        ]
        print_table(["job", "kind", "assets", "partitions", "description"], rows)
    else:
        typer.echo("No jobs are defined. Make one with define_asset_job(...).", err=True)


@job_commands.command()
def launch(
    name: Annotated[str, typer.Argument(help="The job, as `job list` shows it.", metavar="NAME")],
    partition: Annotated[str | None, typer.Option("--partition", help="The partition to make.")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="A file with the config of the run, in place of the job's own."),
    ] = None,
    config_json: Annotated[str | None, typer.Option("--config-json", help="The config itself, as JSON.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tags", help="A tag of the run, as KEY=VALUE. Any number of times.")
    ] = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Run it here and now and wait for it, with or without a daemon.")
    ] = False,
    file: FileOption = None,
    module: ModuleOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the daemon run a job, and say which run it is; follow it with `run show`."""
    from .config_files import given_run_config
    from .job_launch import launch_here, launch_through_daemon, tags_of
    from .output import print_json, stdout_to_stderr

    folder = home_folder(home)
    asked = {"partition": partition, "run_config": given_run_config(config, config_json), "tags": tags_of(tags or [])}
    if in_process:
        with stdout_to_stderr() if as_json else nullcontext():
            run = launch_here(required_source(file, module, folder), folder, name, **asked)
        _show(run, as_json)
        return
    run_id = launch_through_daemon(folder, given_source(file, module), name, **asked)
    if as_json:
        print_json({"run_id": run_id})
    else:
        typer.echo(f"Run {run_id} of job {name!r} is requested. See `headwater run show {run_id}`.")


def _show(run: RunRecord, as_json: bool) -> None:
    from .output import print_json
    from .run_report import print_run, run_as_json

    if as_json:
        print_json(run_as_json(run))
    else:
        print_run(run)
    if not run.is_complete:
        raise typer.Exit(1)
