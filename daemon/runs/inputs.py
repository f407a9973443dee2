"""What a step reads: which partitions of each dependency, and their values for the function's arguments.

Of a dependency that is mapped key by key a step reads its own partition. Of one that it reads whole it reads the
partitions that it was *handed*: those that existed and passed when the plan was made, so that the log says what the
step has seen. Nothing here decides which these are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.binding import AssetNode
from ...definitions.dependencies import Dependency
from ...definitions.errors import ExecutionError
from ...definitions.io import InputContext
from ...definitions.partitions.base import PartitionsDefinition
from ...storage.events import KeyRanges
from ...storage.state.ordinals import Spaces
from .plan import StepPlan
from .toolbox import Toolbox


def keys_of_step(step: StepPlan, asset: AssetsDefinition) -> Sequence[str] | None:
    """The partitions of its assets that a step makes or looks at; None: the whole."""
    if step.partitions is None or asset.partitions_def is None:
        return None
    return (step.partition,) if step.partition is not None else expanded(step.partitions, asset.partitions_def)


def reads_several(asset: AssetsDefinition, upstream: AssetNode, dep: Dependency) -> bool:
    """Whether a step may read several partitions of this dependency, and so has to be handed their keys."""
    if upstream.partitions_def is None or dep.mapping is None:
        return False
    return not dep.mapping.reads_one(upstream.partitions_def, asset.partitions_def)


def partition_keys_of_inputs(
    toolbox: Toolbox,
    asset: AssetsDefinition,
    deps: Iterable[Dependency],
    own_keys: Sequence[str] | None,
    handed: Mapping[str, KeyRanges],
) -> dict[str, Sequence[str]]:
    """The partition keys of each partitioned dependency, by its key and, where it is an argument, by that name too.

    `own_keys` are the partitions that the step makes.
    """
    keys_of: dict[str, Sequence[str]] = {}
    for dep in deps:
        key = str(dep.key)
        upstream = toolbox.definitions.get(dep.key)
        if upstream.partitions_def is None:
            continue
        if key in handed:
            keys = expanded(handed[key], upstream.partitions_def)
        elif reads_several(asset, upstream, dep):
            raise ExecutionError(f"{asset} reads several partitions of {key!r}, but its plan does not say which.")
        else:
            keys = own_keys or ()
        keys_of[key] = keys
        if dep.arg is not None:
            keys_of[dep.arg] = keys
    return keys_of


def expanded(ranges: KeyRanges, definition: PartitionsDefinition) -> Sequence[str]:
    """Each key of `ranges`, in the order of the definition; keys that it does not know are left out."""
    space = Spaces(is_open=True).of(definition)
    return tuple(key for ordinal in space.ordered(space.bits(ranges)) if (key := space.key(ordinal)) is not None)


def load_arguments(
    toolbox: Toolbox, asset: AssetsDefinition, deps: Iterable[Dependency], keys_of: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The values of all arguments that are upstream assets, through their IO managers."""
    return {
        dep.arg: load_value(toolbox, dep.key, name=dep.arg, keys=keys_of.get(str(dep.key)), dep=dep, reader=asset)
        for dep in deps
        if dep.arg is not None
    }


def load_value(
    toolbox: Toolbox,
    key: Any,
    *,
    name: str,
    keys: Sequence[str] | None,
    dep: Dependency | None = None,
    reader: AssetsDefinition | None = None,
) -> Any:
    """The stored value of an asset: of its partitions `keys`, or the whole where that is None."""
    upstream = toolbox.definitions.get(key)
    manager = toolbox.io_manager((dep and dep.input_manager_key) or upstream.io_manager_key)
    context = InputContext(
        asset_key=upstream.key,
        name=name,
        for_asset=reader.key if reader else None,
        partition_keys=keys,
        partitions_def=upstream.partitions_def,
        mapping=dep.mapping if dep else None,
        value_optional=dep.value_optional if dep else False,
        upstream_returns_nothing=isinstance(upstream, AssetsDefinition) and upstream.returns_nothing,
        metadata=dep.metadata if dep else None,
        upstream_metadata=upstream.spec.metadata,
        resources=toolbox.resources,
        log=toolbox.log,
        run_id=toolbox.run_id,
    )
    return manager.load_input(context)
