"""Contexts to call an IO manager with in a test.

>>> manager = InMemoryIOManager()
>>> manager.handle_output(build_output_context(asset_key="orders"), [1, 2])
>>> manager.load_input(build_input_context(upstream_output=build_output_context(asset_key="orders")))
[1, 2]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import InvalidInvocationError
from .io import InputContext, OutputContext
from .keys import AssetKey, CoercibleToAssetKey
from .lifecycle import RunResources

if TYPE_CHECKING:
    from .partitions.base import PartitionsDefinition


def build_output_context(
    *,
    asset_key: CoercibleToAssetKey | None = None,
    name: str = "result",
    step_key: str = "step",
    run_id: str = "test",
    partition_key: str | None = None,
    asset_partition_keys: Sequence[str] | None = None,
    asset_partitions_def: PartitionsDefinition | None = None,
    definition_metadata: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | None = None,
) -> OutputContext:
    """A context to store with: of the asset `asset_key`, or of the output `name` of the step `step_key`."""
    context = OutputContext(
        asset_key=AssetKey([run_id, step_key, name]) if asset_key is None else AssetKey.of(asset_key),
        partition_keys=_keys(partition_key, asset_partition_keys),
        partitions_def=asset_partitions_def,
        metadata={**(definition_metadata or {}), **(metadata or {})},
        resources=RunResources(resources or {}, run_id=run_id),
        run_id=run_id,
        step_key=step_key,
    )
    context.name = name
    return context


def build_input_context(
    *,
    asset_key: CoercibleToAssetKey | None = None,
    upstream_output: OutputContext | None = None,
    name: str | None = None,
    partition_key: str | None = None,
    asset_partition_keys: Sequence[str] | None = None,
    asset_partitions_def: PartitionsDefinition | None = None,
    definition_metadata: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | None = None,
) -> InputContext:
    """A context to load with: the asset `asset_key`, or what was stored with the context `upstream_output`.

    Raises:
        InvalidInvocationError: neither is given.
    """
    if asset_key is None and upstream_output is None:
        raise InvalidInvocationError("build_input_context: say what is loaded, with asset_key or upstream_output")
    keys, upstream_metadata = _keys(partition_key, asset_partition_keys), {}
    if upstream_output is not None:
        upstream_metadata = upstream_output.metadata
        if keys is None and upstream_output.has_asset_partitions:
            keys = upstream_output.asset_partition_keys
        asset_partitions_def = asset_partitions_def or upstream_output.asset_partitions_def
    key = AssetKey.of(asset_key) if asset_key is not None else upstream_output.asset_key  # type: ignore[union-attr]
    return InputContext(
        asset_key=key,
        name=name or key.path[-1],
        partition_keys=keys,
        partitions_def=asset_partitions_def,
        metadata={**(definition_metadata or {}), **(metadata or {})},
        upstream_metadata=upstream_metadata,
        resources=RunResources(resources or {}),
    )


def _keys(one: str | None, several: Sequence[str] | None) -> Sequence[str] | None:
    return several if one is None else (one,)
