"""Checks in a step: what their function reads, what it may return, and the events that its results become.

A step of checks evaluates one check or, where one function has several specs, all of them that the run wants. Inline
checks are evaluated by the step that makes their asset; their results become events here as well. The gate of a check
is named by its key: a blocking check that fails with severity ERROR shuts it for the rest of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.check_results import lone_result, results_by_check
from ...definitions.checks import AssetChecksDefinition
from ...definitions.context import AssetCheckExecutionContext
from ...definitions.env import redacted_data
from ...definitions.errors import AssetCheckFailed, ExecutionError
from ...definitions.keys import AssetCheckKey, AssetKey
from ...definitions.metadata import metadata_to_json
from ...definitions.results import AssetCheckResult
from ...storage.events import AssetCheckEvaluated, PlannedCheck
from .failures import check_storable
from .handing import mapped_keys
from .inputs import expanded, load_value
from .toolbox import Toolbox


def key_of(check: PlannedCheck) -> AssetCheckKey:
    return AssetCheckKey(AssetKey.from_user_string(check.asset_key), check.name)


def results_of(
    definition: AssetChecksDefinition, wanted: Sequence[PlannedCheck], returned: Any, *, is_several: bool
) -> dict[AssetCheckKey, AssetCheckResult]:
    """What the function of checks said, by check. `is_several`: `returned` is the list of what it yielded.

    Raises:
        ExecutionError: it is not one result for each check that is wanted.
    """
    if not definition.is_multi:
        if is_several:
            if len(returned) != 1:
                raise ExecutionError(
                    f"{definition.source}: {definition} yielded {len(returned)} results. Return exactly one."
                )
            returned = returned[0]
        return {definition.spec.key: lone_result(returned, definition.spec, definition.source)}
    given = list(returned) if is_several or isinstance(returned, (list, tuple)) else [returned]
    for wrong in [one for one in given if not isinstance(one, AssetCheckResult)]:
        raise ExecutionError(
            f"{definition.source}: {definition} gave {wrong!r}. Yield an AssetCheckResult for each of its checks."
        )
    required = {key_of(check) for check in wanted}
    return results_by_check(given, definition.specs, required=required, owner=definition, source=definition.source)


def evaluated(
    toolbox: Toolbox, check: PlannedCheck, result: AssetCheckResult, *, partition: str | None
) -> AssetCheckEvaluated:
    """The event of a result."""
    event = AssetCheckEvaluated(
        asset_key=check.asset_key,
        check_name=check.name,
        partition=partition,
        run_id=toolbox.run_id,
        passed=result.passed,
        severity=result.severity.value,
        blocking=check.blocking,
        description=redacted_data(result.description),
        metadata=redacted_data(metadata_to_json(result.metadata)),
    )
    if result.metadata or result.description:
        check_storable(event, f"check {check.name!r} of asset {check.asset_key!r}")
    return event


def unspoken(toolbox: Toolbox, check: PlannedCheck, *, partition: str | None, why: str) -> AssetCheckEvaluated:
    """A blocking check that could not speak: a gate whose guard cannot speak stays shut."""
    return AssetCheckEvaluated(
        asset_key=check.asset_key,
        check_name=check.name,
        partition=partition,
        run_id=toolbox.run_id,
        passed=False,
        severity="ERROR",
        blocking=True,
        description=f"the check raised {why}",
        raised=True,
    )


def shuts(event: AssetCheckEvaluated) -> bool:
    """Whether it closes the gate of its partition."""
    return event.blocking and not event.passed and event.severity == "ERROR"


def failure_of(events: Sequence[AssetCheckEvaluated]) -> AssetCheckFailed | None:
    """The error of a step in which blocking checks failed: that of the first of them."""
    for event in events:
        if shuts(event):
            return AssetCheckFailed(event.asset_key, event.check_name, event.partition, event.description)
    return None


def gates_shut_by(events: Sequence[AssetCheckEvaluated]) -> tuple[str, ...]:
    """The keys of the checks that closed a gate, as plans name them."""
    return tuple(f"{event.asset_key}:{event.check_name}" for event in events if shuts(event))


def inline_results(
    assets: Sequence[AssetsDefinition], wanted: Sequence[PlannedCheck], given: Sequence[AssetCheckResult]
) -> dict[AssetCheckKey, AssetCheckResult]:
    """What the function of `assets` said of the checks that it evaluates itself.

    Raises:
        ExecutionError: a result has no spec, or a check that is wanted has no result.
    """
    if not given and not wanted:
        return {}
    required = {key_of(check) for check in wanted}
    specs = [spec for asset in assets for spec in asset.check_specs]
    whole = getattr(assets[0], "whole", assets[0])
    return results_by_check(given, specs, required=required, owner=whole, source=whole.source)


def keys_of_check(toolbox: Toolbox, check: AssetChecksDefinition, partition: str | None) -> dict[str, Sequence[str]]:
    """The partition keys of each partitioned input, by its parameter and by its key.

    What a check reads is no part of what its asset has handled: keys of several partitions are read from the log just
    now, and no horizon is kept of them.
    """
    keys_of: dict[str, Sequence[str]] = {}
    own = toolbox.definitions.get(check.asset_key).partitions_def
    for name, dep in check.arguments.items():
        upstream = toolbox.definitions.get(dep.key)
        if upstream.partitions_def is None:
            continue
        if partition is not None and dep.mapping and dep.mapping.reads_one(upstream.partitions_def, own):
            keys: Sequence[str] = (partition,)
        else:
            there, _ = toolbox.choose_keys(str(dep.key), dep.gated)
            mapping = None if partition is None else dep.mapping
            made = None if partition is None else ((partition, partition),)
            ranges = mapped_keys(mapping, there, up=upstream.partitions_def, down=own, partitions=made)
            keys = expanded(ranges, upstream.partitions_def)
        keys_of[name] = keys_of[str(dep.key)] = keys
    return keys_of


def load_for_check(
    toolbox: Toolbox,
    check: AssetChecksDefinition,
    partition_keys: Sequence[str] | None,
    input_keys: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """The values that the function takes, by parameter. Of a partitioned asset that it looks at as a whole, those
    partitions that there are."""
    values: dict[str, Any] = {}
    if check.loads_asset is not None:
        partitions = toolbox.definitions.get(check.asset_key).partitions_def
        if partition_keys is None and partitions is not None:
            partition_keys = expanded(toolbox.choose_keys(str(check.asset_key), False)[0], partitions)
        values[check.loads_asset] = load_value(toolbox, check.asset_key, name=check.loads_asset, keys=partition_keys)
    for name, dep in check.arguments.items():
        values[name] = load_value(toolbox, dep.key, name=name, keys=input_keys.get(name), dep=dep)
    return values


def check_context(
    toolbox: Toolbox,
    definition: AssetChecksDefinition,
    wanted: Sequence[PlannedCheck],
    partition_keys: Sequence[str] | None,
    op_config: Any,
    input_partition_keys: Mapping[str, Sequence[str]],
) -> AssetCheckExecutionContext:
    return AssetCheckExecutionContext(
        asset_key=definition.asset_key,
        check_name=definition.check_name,
        selected_asset_check_keys=frozenset(map(key_of, wanted)),
        input_partition_keys=input_partition_keys,
        run_id=toolbox.run_id,
        partition_keys=partition_keys,
        partitions_def=toolbox.definitions.get(definition.asset_key).partitions_def,
        resources=toolbox.resources,
        log=toolbox.log,
        run_tags=toolbox.run_tags,
        run_config=toolbox.run_config,
        op_config=op_config,
        instance=toolbox.open_instance,
    )
