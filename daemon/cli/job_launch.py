"""Launching a job from the command line: a request in the log that the daemon takes up, or a run in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from ...definitions.errors import InvalidInvocationError
from ...definitions.job_snapshot import JobSnapshot
from ...definitions.ops.config_mapping import for_mapping
from ...definitions.run_config import run_config_data
from ...storage.clock import SystemClock
from ...storage.dynamic_partitions import dynamic_keys
from ...storage.ids import SystemIds
from ...storage.log import EventLog
from ..host.source import CodeSource
from ..leadership import running_daemon
from ..runs.job_requests import job_run, known_job
from .catalog import known_definitions, load, log_for_reading
from .materializing import run_here
from .run_history import RunRecord
from .settings import required_source


def tags_of(given: Sequence[str]) -> dict[str, str]:
    """The tags that `KEY=VALUE` arguments say."""
    tags: dict[str, str] = {}
    for tag in given:
        key, equals, value = tag.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"--tags takes KEY=VALUE, not {tag!r}.")
        tags[key] = value
    return tags


def launch_through_daemon(
    home: Path,
    given: CodeSource | None,
    name: str,
    *,
    partition: str | None,
    run_config: Mapping[str, Any] | None,
    tags: Mapping[str, str],
) -> str:
    """Request a run of the job, and return its id.

    Raises:
        InvalidInvocationError: no daemon is there to run it, or the job cannot be run so.
    """
    if running_daemon(home) is None:
        raise InvalidInvocationError(
            f"no daemon runs on {home}, so nothing would run the job. Start one with `headwater dev`, or run the job "
            "here with --in-process."
        )
    clock = SystemClock()
    with EventLog.open(home) as log:
        definitions = known_definitions(log, home, given)
        if definitions is None:
            raise InvalidInvocationError("the daemon has not loaded its definitions yet. Try again in a moment.")
        job = known_job(definitions, name)
        if job.configured_by_code and run_config is None:
            code = load(required_source(None, None, home) if given is None else given).job(name)
            run_config, tags = code.run_config_of(partition), {**code.run_tags_of(partition), **tags}
        requested = job_run(
            definitions,
            job,
            run_id=SystemIds().new_id(),
            at=clock.now(),
            dynamic=dynamic_keys(log),
            partition=partition,
            run_config=None if run_config is None else _data(job, run_config),
            tags=tags,
        )
        log.append([requested])
    return requested.run_id


def launch_here(
    source: CodeSource,
    home: Path,
    name: str,
    *,
    partition: str | None,
    run_config: Mapping[str, Any] | None,
    tags: Mapping[str, str],
) -> RunRecord:
    """Run the job in this process, and return what the log says of the run."""
    definitions = load(source)
    snapshot = definitions.snapshot()
    known = known_job(snapshot, name)
    job = definitions.job(name)
    config = job.run_config_of(partition) if run_config is None else run_config
    with log_for_reading(home) as log:
        dynamic = dynamic_keys(log)
    requested = job_run(
        snapshot,
        known,
        run_id=SystemIds().new_id(),
        at=SystemClock().now(),
        dynamic=dynamic,
        partition=partition,
        run_config=_data(known, config),
        tags={**job.run_tags_of(partition), **tags},
    )
    return run_here(definitions, snapshot, home, requested)


def _data(job: JobSnapshot, run_config: Any) -> dict[str, Any]:
    """What a run of the job is told, as plain data; of a job with a config mapping also what this takes, by itself."""
    return run_config_data(for_mapping(run_config) if job.maps_config else run_config)
