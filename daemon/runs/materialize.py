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
from ...definitions.checks import AssetChecksDefinition
from ...definitions.definitions import Definitions
from ...definitions.errors import ExecutionError, InvalidInvocationError, UnknownPartition
from ...definitions.partitions.base import DynamicPartitionsStore
from ...definitions.run_config import RunConfig
from ...definitions.selection import AssetSelection, CoercibleToAssetSelection
from ...definitions.selection.making import to_make
from ...definitions.selection.view import AssetCheckKey
from ...definitions.spec import AssetSpec
from ...storage.batch import Expect
from ...storage.clock import Clock, SystemClock
from ...storage.dynamic_partitions import dynamic_keys, known_keys
from ...storage.events import Event, PlannedCheck, RunRequested, Target
from ...storage.ids import IdSource, SystemIds
from ...storage.instance import Instance
from .choosing import choose_from_log
from .configuring import checked_run_config
from .execute import RunExecution, RunOutcome
from .lease import Lease
from .plan import build_plan
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


def materialize_in_process(
    definitions: Definitions,
    instance: Instance,
    *,
    selection: CoercibleToAssetSelection | None = None,
    partition_key: str | None = None,
    run_config: RunConfig | Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    raise_on_error: bool = True,
    clock: Clock | None = None,
    ids: IdSource | None = None,
) -> ExecuteInProcessResult:
    """`materialize` for definitions that are loaded already. `selection` of None is all that is not external."""
    clock, run_id = clock or SystemClock(), (ids or SystemIds()).new_id()
    chosen, chosen_checks = _chosen(definitions, selection)
    snapshot = definitions.snapshot()
    keys = dynamic_keys(instance.log)
    targets = [_target(asset, partition_key, clock, keys) for asset in chosen]
    if partition_key is not None and all(target.partitions is None for target in targets):
        raise InvalidInvocationError(
            f"partition_key={partition_key!r} was given, but none of the selected assets is partitioned. Leave it out."
        )
    checks = [
        PlannedCheck(asset_key=str(check.asset_key), name=check.check_name, blocking=check.blocking)
        for check in chosen_checks
    ]
    config = checked_run_config(run_config, definitions, [asset.key for asset in chosen])
    request = RunRequested(
        run_id=run_id,
        targets=tuple(targets),
        checks=tuple(checks),
        origin="manual",
        definitions=snapshot.hash,
        tags=_checked_tags(tags),
        run_config=config,
    )
    plan = build_plan(snapshot, run_id, 0, targets, checks, run_config=config)
    written: list[Event] = []
    blobs = None if instance.is_ephemeral else {snapshot.hash: snapshot.to_bytes()}

    def append(events: Sequence[Event], expect: Expect | None) -> range:
        offsets = instance.log.append(events, expect=expect, blobs=None if written else blobs)
        written.extend(events)
        return offsets

    execution = RunExecution(
        plan,
        Toolbox(
            definitions,
            run_id,
            home=instance.home,
            io_manager=instance.io_manager,
            run_tags=request.tags,
            run_config=config,
        ),
        append,
        opening=(request,),
        choose_keys=choose_from_log(instance.log, definitions, now=clock.now()),
        values={},
    )
    with nullcontext() if instance.is_ephemeral else Lease.of_run(instance.home, run_id):
        outcome = execution.run()
    if raise_on_error:
        _raise_first(execution, outcome)
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
) -> tuple[list[AssetsDefinition], list[AssetChecksDefinition]]:
    """The assets to make, and the checks of them to evaluate."""
    nodes, selected = definitions.assets, None
    if selection is not None:
        keys, selected = to_make(AssetSelection.from_coercible(selection), definitions)
        nodes = [definitions.get(key) for key in keys]
    chosen = [node for node in nodes if isinstance(node, AssetsDefinition)]
    if not chosen:
        raise InvalidInvocationError("there is nothing to materialize: none of the assets has a function to make it.")
    checks = [check for asset in chosen for check in definitions.checks_of(asset.key)]
    if selected is not None:
        checks = [check for check in checks if AssetCheckKey(check.asset_key, check.check_name) in selected]
    return chosen, checks


def _target(asset: AssetsDefinition, partition_key: str | None, clock: Clock, keys: DynamicPartitionsStore) -> Target:
    partitions = asset.partitions_def
    if partitions is None:
        return Target(asset_key=str(asset.key))
    if partition_key is None:
        raise InvalidInvocationError(
            f"asset {str(asset.key)!r} is partitioned: say which partition, as in partition_key="
            f"{partitions.get_last_partition_key(clock.now(), keys) or '...'!r}. It has {partitions.describe()}."
        )
    if not partitions.has_partition_key(partition_key, clock.now(), keys):
        raise UnknownPartition(partition_key, known=known_keys(partitions, keys), asset=asset.key)
    return Target(asset_key=str(asset.key), partitions=((partition_key, partition_key),))


def _checked_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    for key, value in (tags or {}).items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise InvalidInvocationError(f"tags are pairs of str; {key!r}: {value!r} is none. Write {str(value)!r}.")
    return dict(tags or {})


def _raise_first(execution: RunExecution, outcome: RunOutcome) -> None:
    for step_key, error in execution.errors.items():
        if isinstance(error, Exception):
            raise error
        raise ExecutionError(f"step {step_key!r} ended with {type(error).__name__}: {error}") from error
    if outcome in (RunOutcome.CLAIM_LOST, RunOutcome.TAKEN_AWAY):
        raise ExecutionError(f"run {execution.plan.run_id} was ended by somebody else while it was under way.")
