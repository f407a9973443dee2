"""The request of a run: which assets and checks, for which partition, told and tagged how.

Pure over a snapshot: whoever asks for a run of a job (a command, a schedule, a sensor) makes the same `RunRequested` of
it. What cannot be run is refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from ...definitions.errors import InvalidInvocationError, UnknownPartition, did_you_mean
from ...definitions.job_snapshot import JobSnapshot
from ...definitions.ops.context import PARTITION_TAG
from ...definitions.partitions.base import DynamicPartitionsStore
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.dynamic_partitions import known_keys
from ...storage.events import PlannedCheck, RunRequested, Target

Origin = Literal["manual", "schedule", "sensor"]


def known_job(definitions: DefinitionsSnapshot, name: str) -> JobSnapshot:
    """The job of this name.

    Raises:
        InvalidInvocationError: there is none.
    """
    job = definitions.jobs.get(name)
    if job is None:
        known = ", ".join(list(definitions.jobs)[:10]) or "none"
        raise InvalidInvocationError(
            f"there is no job {name!r}. {did_you_mean(name, definitions.jobs, f'Defined are: {known}.')}"
        )
    return job


def job_run(
    definitions: DefinitionsSnapshot,
    job: JobSnapshot,
    *,
    run_id: str,
    at: datetime,
    dynamic: DynamicPartitionsStore,
    partition: str | None = None,
    only: Iterable[str] | None = None,
    only_checks: Iterable[tuple[str, str]] | None = None,
    run_config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    origin: Origin = "manual",
) -> RunRequested:
    """The request of a run of `job`, or of those of its assets that `only` names.

    `run_config` of None is that of the job. The partition must exist at the instant `at`; `dynamic` knows the keys that
    were added at run time.

    Raises:
        InvalidInvocationError: the partition is missing or not wanted, or `only` names what is not in the job.
        UnknownPartition: an asset has no such partition.
    """
    assets = job.assets
    if only is not None:
        wanted = set(only)
        if outside := sorted(wanted - set(assets)):
            raise InvalidInvocationError(f"asset {outside[0]!r} is not part of the job {job.name!r}.")
        assets = tuple(key for key in assets if key in wanted)
    checks = [check for check in job.checks if check[0] in assets]
    if only_checks is not None:
        checks = [check for check in job.checks if check in set(only_checks)]
    _check_partition(job, partition, at, dynamic)
    if job.configured_by_code and run_config is None:
        raise InvalidInvocationError(f"job {job.name!r} is told something else for each partition: give a run config.")
    return RunRequested(
        run_id=run_id,
        targets=targets(definitions, assets, partition, at=at, dynamic=dynamic, what=f"job {job.name!r}"),
        checks=planned(definitions, checks),
        origin=origin,
        definitions=definitions.hash,
        job_name=job.name,
        tags={**job.run_tags, **(tags or {}), **_partition_tag(job, partition)},
        run_config=dict(job.config if run_config is None else run_config),
    )


def asset_run(
    definitions: DefinitionsSnapshot,
    assets: Iterable[str],
    *,
    run_id: str,
    at: datetime,
    dynamic: DynamicPartitionsStore,
    partition: str | None = None,
    only_checks: Iterable[tuple[str, str]] | None = None,
    run_config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    origin: Origin = "manual",
) -> RunRequested:
    """The request of a run of assets without a job, with all their checks or with `only_checks`.

    Raises:
        InvalidInvocationError: one is not defined or made elsewhere, or the partition is missing or not wanted.
        UnknownPartition: an asset has no such partition.
    """
    wanted = dict.fromkeys(assets)
    for key in wanted:
        asset = definitions.assets.get(key)
        if asset is None:
            raise InvalidInvocationError(
                f"there is no asset {key!r}. {did_you_mean(key, definitions.assets, 'Is it among the definitions?')}"
            )
        if asset.external:
            raise InvalidInvocationError(f"asset {key!r} is external: something else makes it.")
    ordered = [key for key in definitions.assets if key in wanted] if len(wanted) > 1 else list(wanted)
    checks = [(key, check.name) for key in ordered for check in definitions.assets[key].checks]
    return RunRequested(
        run_id=run_id,
        targets=targets(definitions, ordered, partition, at=at, dynamic=dynamic, what="the request"),
        checks=planned(definitions, checks if only_checks is None else only_checks),
        origin=origin,
        definitions=definitions.hash,
        tags=dict(tags or {}),
        run_config=dict(run_config or {}),
    )


def targets(
    definitions: DefinitionsSnapshot,
    assets: Iterable[str],
    partition: str | None,
    *,
    at: datetime,
    dynamic: DynamicPartitionsStore,
    what: str,
) -> tuple[Target, ...]:
    """One partition of each partitioned asset, and the others whole."""
    made: list[Target] = []
    for key in assets:
        partitions = definitions.assets[key].partitions
        if partitions is None:
            made.append(Target(asset_key=key))
        elif partition is None:
            raise InvalidInvocationError(
                f"{what} makes asset {key!r}, which has {partitions.describe()}: say which partition."
            )
        elif not partitions.has_partition_key(partition, at, dynamic):
            raise UnknownPartition(partition, known=known_keys(partitions, dynamic), asset=key)
        else:
            made.append(Target(asset_key=key, partitions=((partition, partition),)))
    if partition is not None and made and all(target.partitions is None for target in made):
        raise InvalidInvocationError(
            f"{what} names the partition {partition!r}, and none of its assets has partitions."
        )
    return tuple(made)


def planned(definitions: DefinitionsSnapshot, checks: Iterable[tuple[str, str]]) -> tuple[PlannedCheck, ...]:
    """Checks by the key of their asset and their name."""
    found: list[PlannedCheck] = []
    for key, name in checks:
        known = {check.name: check for check in definitions.assets[key].checks} if key in definitions.assets else {}
        if name not in known:
            raise InvalidInvocationError(f"asset {key!r} has no check {name!r}.")
        found.append(PlannedCheck(asset_key=key, name=name, blocking=known[name].blocking))
    return tuple(found)


def _partition_tag(job: JobSnapshot, partition: str | None) -> dict[str, str]:
    """A run of ops has no targets that would say which partition it is for."""
    return {} if partition is None or job.kind == "asset" else {PARTITION_TAG: partition}


def _check_partition(job: JobSnapshot, partition: str | None, at: datetime, dynamic: DynamicPartitionsStore) -> None:
    """What a job of ops says about partitions; one of assets is looked at asset by asset."""
    if job.kind == "asset":
        return
    if job.partitions is None and partition is not None:
        raise InvalidInvocationError(f"job {job.name!r} has no partitions: leave the partition out.")
    if job.partitions is not None and partition is None:
        raise InvalidInvocationError(f"job {job.name!r} has {job.partitions.describe()}: say which partition.")
    if job.partitions is not None and partition and not job.partitions.has_partition_key(partition, at, dynamic):
        raise UnknownPartition(partition, known=known_keys(job.partitions, dynamic))
