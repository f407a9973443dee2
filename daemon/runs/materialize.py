"""`materialize`: make assets here and now, in this process, and look at what came of it.

The same execution as in a worker, with the same events: request, claim and first step are one transaction, so that no
daemon ever sees the run waiting. On the log of a home folder the run holds its lease like any worker, and a daemon
that follows the log reacts to what it makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.check_specs import CheckNode
from ...definitions.checks import AssetChecksDefinition
from ...definitions.definitions import Definitions
from ...definitions.errors import ExecutionError, InvalidInvocationError, UnknownPartition
from ...definitions.io import InMemoryIOManager
from ...definitions.keys import AssetCheckKey, AssetKey
from ...definitions.partitions.base import DynamicPartitionsStore, PartitionKeyRange
from ...definitions.run_config import RunConfig
from ...definitions.selection import AssetSelection, CoercibleToAssetSelection
from ...definitions.selection.making import all_to_make, to_make
from ...definitions.spec import AssetSpec
from ...storage.batch import Expect
from ...storage.clock import Clock, SystemClock
from ...storage.dynamic_partitions import dynamic_keys, known_keys
from ...storage.events import Event, PlannedCheck, RunRequested, Target
from ...storage.ids import IdSource, SystemIds
from ...storage.instance import Instance
from .choosing import choose_from_log
from .conducting import RunOutcome
from .configuring import checked_run_config
from .execute import RunExecution
from .interrupts import held_interrupts
from .lease import Lease
from .partition_range import range_of_tags, ranges_of
from .pause import Pause
from .planning import build_plan
from .result import ExecuteInProcessResult
from .toolbox import Toolbox


def materialize(
    assets: Iterable[AssetsDefinition | AssetSpec | AssetChecksDefinition],
    run_config: RunConfig | Mapping[str, Any] | None = None,
    instance: Instance | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    selection: CoercibleToAssetSelection | None = None,
) -> ExecuteInProcessResult:
    """Make `assets` in the order of their dependencies and evaluate the checks among them.

    >>> result = materialize([orders, revenue])
    >>> result.output_for_node("revenue")
    7

    `selection` narrows down what is made (an AssetSelection, its string as in "+revenue", an asset, its key, or several
    of these); the others are only loaded from. Without an `instance` values and events live
    in memory until this returns. An asset of several partitions of which another one reads all hands it those that are
    in the instance's log.

    `run_config` is a RunConfig, or `{"ops": {"orders": {"config": {...}}}}`; it is kept in the log as it was given.
    The `tags` "headwater/asset_partition_range_start" and "headwater/asset_partition_range_end" have all partitions
    from one to the other made, of assets whose backfill policy lets one run make so many.

    Raises:
        DefinitionErrors: the assets do not fit together.
        InvalidAssetSelection: the selection cannot be read, or names an asset that is not among them.
        InvalidInvocationError: an asset is partitioned and `partition_key` is missing, or the other way round.
        UnknownPartition: there is no such partition.
        InvalidConfigError: the run config does not fit what the assets, checks and resources take.
        Exception: what the first step that failed raised, unless `raise_on_error` is false.
    """
    definitions = Definitions(assets=assets, resources=resources)
    definitions.validate()
    with nullcontext(instance) if instance is not None else Instance.ephemeral() as used:
        return materialize_in_process(
            definitions,
            used,
            selection=selection,
            partition_key=partition_key,
            run_config=run_config,
            tags=tags,
            raise_on_error=raise_on_error,
        )


def materialize_to_memory(
    assets: Iterable[AssetsDefinition | AssetSpec | AssetChecksDefinition],
    run_config: RunConfig | Mapping[str, Any] | None = None,
    instance: Instance | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    selection: CoercibleToAssetSelection | None = None,
) -> ExecuteInProcessResult:
    """As `materialize`, with every IO manager of the assets that are made replaced by one that keeps values in memory.

    For tests: nothing is written where the assets' own IO managers would write it.

    >>> materialize_to_memory([orders, revenue]).output_for_node("revenue")
    7
    """
    assets, memory = list(assets), InMemoryIOManager()
    managers = {name for asset in assets if isinstance(asset, AssetsDefinition) for name in asset.io_manager_keys}
    return materialize(
        [asset.without_resource_defs(managers) if isinstance(asset, AssetsDefinition) else asset for asset in assets],
        run_config,
        instance,
        {**(resources or {}), **dict.fromkeys(managers, memory)},
        partition_key,
        raise_on_error,
        tags,
        selection,
    )


def materialize_in_process(
    definitions: Definitions,
    instance: Instance,
    *,
    selection: CoercibleToAssetSelection | None = None,
    partition_key: str | None = None,
    run_config: RunConfig | Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    raise_on_error: bool = True,
    job_name: str | None = None,
    clock: Clock | None = None,
    ids: IdSource | None = None,
    pause: Pause | None = None,
) -> ExecuteInProcessResult:
    """`materialize` for definitions that are loaded already. `selection` of None is all that is not external, and all
    checks."""
    clock, run_id = clock or SystemClock(), (ids or SystemIds()).new_id()
    chosen, chosen_checks = _chosen(definitions, selection)
    snapshot = definitions.snapshot()
    keys = dynamic_keys(instance.log)
    span = range_of_tags(tags)
    if span is not None and partition_key is not None:
        raise InvalidInvocationError(
            "partition_key and a range of partitions in the tags contradict: keep one of them."
        )
    targets = [_target(asset, partition_key, span, clock, keys) for asset in chosen]
    checks = [_planned(definitions.check(key.asset_key, key.name), definitions, partition_key) for key in chosen_checks]
    _check_takes(
        partition_key or (span and f"{span.start}...{span.end}"),
        definitions,
        [*(asset.key for asset in chosen), *(key.asset_key for key in chosen_checks)],
    )
    config = checked_run_config(run_config, definitions, [asset.key for asset in chosen], checks)
    request = RunRequested(
        run_id=run_id,
        targets=tuple(targets),
        checks=tuple(checks),
        origin="manual",
        definitions=snapshot.hash,
        job_name=job_name,
        tags=checked_tags(tags),
        run_config=config,
    )
    plan = build_plan(snapshot, run_id, 0, targets, checks, run_config=config, job_name=job_name)
    written: list[Event] = []
    blobs = {snapshot.hash: snapshot.to_bytes()}

    def append(events: Sequence[Event], expect: Expect | None) -> range:
        offsets = instance.log.append(events, expect=expect, blobs=None if written else blobs)
        written.extend(events)
        return offsets

    choose_keys = choose_from_log(instance.log, definitions, now=clock.now())
    execution = RunExecution(
        plan,
        Toolbox(
            definitions,
            run_id,
            home=instance.home,
            io_manager=instance.io_manager,
            run_tags=request.tags,
            run_config=config,
            job_name=job_name,
            instance=lambda: instance,
            hold_interrupts=held_interrupts,
            pause=pause,
        ),
        append,
        opening=(request,),
        choose_keys=choose_keys,
        values={},
    )
    with nullcontext() if instance.is_ephemeral else Lease.of_run(instance.home, run_id):
        outcome = execution.run()
    if raise_on_error:
        raise_first(run_id, execution.errors, outcome)
    return ExecuteInProcessResult(
        definitions,
        run_id,
        success=outcome is RunOutcome.SUCCEEDED,
        events=written,
        values=execution.values or {},
        errors=execution.errors,
    )


def _chosen(
    definitions: Definitions, selection: CoercibleToAssetSelection | None
) -> tuple[list[AssetsDefinition], list[AssetCheckKey]]:
    """The assets to make or to observe, and the checks to evaluate."""
    if selection is None:
        keys, checks = all_to_make(definitions)
    else:
        keys, checks = to_make(AssetSelection.from_coercible(selection), definitions)
    assets = [node for key in keys if isinstance(node := definitions.get(key), AssetsDefinition)]
    in_order = [check.key for node in definitions.assets for check in definitions.checks_of(node.key)]
    return assets, [key for key in in_order if key in checks]


def _planned(check: CheckNode, definitions: Definitions, partition_key: str | None) -> PlannedCheck:
    partitioned = definitions.get(check.asset_key).partitions_def is not None
    return PlannedCheck(
        asset_key=str(check.asset_key),
        name=check.check_name,
        blocking=check.blocking,
        partition=partition_key if partitioned else None,
    )


def _check_takes(partition_key: str | None, definitions: Definitions, keys: Iterable[AssetKey]) -> None:
    """Make sure that there is anything partitioned among `keys` if a partition is named."""
    if partition_key is not None and all(definitions.get(key).partitions_def is None for key in keys):
        raise InvalidInvocationError(
            f"partition_key={partition_key!r} was given, but none of the selected assets is partitioned. Leave it out."
        )


def _target(
    asset: AssetsDefinition,
    partition_key: str | None,
    span: PartitionKeyRange | None,
    clock: Clock,
    keys: DynamicPartitionsStore,
) -> Target:
    partitions = asset.partitions_def
    if partitions is None:
        return Target(asset_key=str(asset.key))
    if span is not None:
        ranges = ranges_of(str(asset.key), partitions, asset.backfill_policy, span, at=clock.now(), dynamic=keys)
        return Target(asset_key=str(asset.key), partitions=ranges)
    if partition_key is None and asset.is_observable:
        return Target(asset_key=str(asset.key))
    if partition_key is None:
        raise InvalidInvocationError(
            f"asset {str(asset.key)!r} is partitioned: say which partition, as in partition_key="
            f"{partitions.get_last_partition_key(clock.now(), keys) or '...'!r}. It has {partitions.describe()}."
        )
    if not partitions.has_partition_key(partition_key, clock.now(), keys):
        raise UnknownPartition(partition_key, known=known_keys(partitions, keys), asset=asset.key)
    return Target(asset_key=str(asset.key), partitions=((partition_key, partition_key),))


def checked_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    for key, value in (tags or {}).items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise InvalidInvocationError(f"tags are pairs of str; {key!r}: {value!r} is none. Write {str(value)!r}.")
    return dict(tags or {})


def raise_first(run_id: str, errors: Mapping[str, BaseException], outcome: RunOutcome) -> None:
    """Raise what the first step that failed raised."""
    for step_key, error in errors.items():
        if isinstance(error, Exception):
            raise error
        raise ExecutionError(f"step {step_key!r} ended with {type(error).__name__}: {error}") from error
    if outcome in (RunOutcome.CLAIM_LOST, RunOutcome.TAKEN_AWAY):
        raise ExecutionError(f"run {run_id} was ended by somebody else while it was under way.")
