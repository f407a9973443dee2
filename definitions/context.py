"""What a function sees of the run that it is part of: `context` in assets and in checks.

A context knows the step's partition, the partition keys of each input that it was handed, the resources and a logger,
and collects metadata for the event. It never reaches into the log: what a step reads is decided before it starts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import InvalidInvocationError, did_you_mean
from .keys import AssetKey
from .metadata import MetadataValue, normalize_metadata

if TYPE_CHECKING:
    from typing import Self

    from .assets_definition import AssetsDefinition
    from .partitions.base import PartitionKeyRange, PartitionsDefinition, TimeWindow

STEP_LOGGER = "headwater.step"


class Resources(Mapping[str, Any]):
    """Resources by name: `resources.db` and `resources["db"]` are the same."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values: Mapping[str, Any] = {} if values is None else values

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_values":  # copy and pickle ask before there are values
            raise AttributeError(name)
        if name in self._values:
            return self._values[name]  # which may open it
        hint = did_you_mean(name, self._values, "Add it to Definitions(resources={...}).")
        raise AttributeError(f"there is no resource {name!r}. {hint}")

    def close(self) -> None:
        """Close those that have a life of their own."""
        from .lifecycle import RunResources

        if isinstance(self._values, RunResources):
            self._values.close()

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _StepContext:
    """What the contexts of assets and of checks share."""

    def __init__(
        self,
        *,
        asset_key: AssetKey | None,
        run_id: str,
        partition_keys: Sequence[str] | None,
        partitions_def: PartitionsDefinition | None,
        resources: Mapping[str, Any] | None,
        log: logging.Logger | None,
        run_tags: Mapping[str, str] | None,
        run_config: Mapping[str, Any] | None,
        op_config: Any,
    ) -> None:
        self._asset_key = asset_key
        self._partition_keys = None if partition_keys is None else tuple(partition_keys)
        self._partitions_def = partitions_def
        self.run_id = run_id
        self.run_tags = dict(run_tags or {})
        self.run_config: Mapping[str, Any] = {} if run_config is None else run_config
        """The config of the whole run as it was requested: what comes from the environment is `{"env": NAME}`."""
        self.op_config: Any = {} if op_config is None else op_config
        """The config of this step as plain data, with what comes from the environment."""
        self.resources = resources if isinstance(resources, Resources) else Resources(resources)
        self.log = log or logging.getLogger(STEP_LOGGER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.resources.close()

    @property
    def asset_key(self) -> AssetKey:
        if self._asset_key is None:
            raise InvalidInvocationError("this context has no asset: pass asset_key to build_asset_context(...)")
        return self._asset_key

    @property
    def has_partition_key(self) -> bool:
        return self._partition_keys is not None and len(self._partition_keys) == 1

    @property
    def partition_key(self) -> str:
        """The step's one partition; of several dimensions a `MultiPartitionKey`, which has `.keys_by_dimension`.

        Raises:
            InvalidInvocationError: the asset is not partitioned, or the step makes several partitions.
        """
        keys = self.partition_keys
        if len(keys) != 1:
            raise InvalidInvocationError(f"this step has {len(keys)} partitions: use context.partition_keys")
        return keys[0]

    @property
    def partition_keys(self) -> Sequence[str]:
        if self._partition_keys is None:
            whose = f"asset {str(self._asset_key)!r}" if self._asset_key else "this context"
            raise InvalidInvocationError(
                f"{whose} has no partition: give the asset a partitions_def, or in a test pass partition_key to "
                "build_asset_context(...)"
            )
        typed = self._partitions_def.typed_key if self._partitions_def else str
        return tuple(map(typed, self._partition_keys))

    @property
    def partition_key_range(self) -> PartitionKeyRange:
        from .partitions.base import PartitionKeyRange

        keys = self.partition_keys
        return PartitionKeyRange(keys[0], keys[-1])

    @property
    def partition_time_window(self) -> TimeWindow:
        """From the start of the first to the end of the last partition of the step, as aware datetimes. Where there are
        several dimensions, those of the dimension of windows of time."""
        from .partitions.base import TimeWindow

        keys = self.partition_keys
        if self._partitions_def is None or not self._partitions_def.time_windows:
            raise InvalidInvocationError(
                f"partition {keys[0]!r} is no window of time: its partitions are not windows of time"
            )
        windows = [self._partitions_def.window(key) for key in keys]
        return TimeWindow(min(window.start for window in windows), max(window.end for window in windows))


class AssetExecutionContext(_StepContext):
    """The context of the function of an asset."""

    def __init__(
        self,
        *,
        asset_key: AssetKey | None = None,
        run_id: str = "",
        partition_keys: Sequence[str] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        input_partition_keys: Mapping[str, Sequence[str]] | None = None,
        resources: Mapping[str, Any] | None = None,
        log: logging.Logger | None = None,
        run_tags: Mapping[str, str] | None = None,
        run_config: Mapping[str, Any] | None = None,
        op_config: Any = None,
    ) -> None:
        """`input_partition_keys` holds the keys handed to the step, by argument and by the upstream's key string."""
        super().__init__(
            asset_key=asset_key,
            run_id=run_id,
            partition_keys=partition_keys,
            partitions_def=partitions_def,
            resources=resources,
            log=log,
            run_tags=run_tags,
            run_config=run_config,
            op_config=op_config,
        )
        self._input_partition_keys = {name: tuple(keys) for name, keys in (input_partition_keys or {}).items()}
        self._metadata: dict[str, MetadataValue] = {}

    @property
    def added_metadata(self) -> Mapping[str, MetadataValue]:
        """What the function has added so far; merged into the event of its materialization."""
        return self._metadata

    def add_output_metadata(self, metadata: Mapping[str, Any], output_name: str | None = None) -> None:
        """Add metadata to the materialization of this step; a key given twice keeps the later value."""
        self._metadata.update(normalize_metadata(metadata))

    def add_asset_metadata(
        self, metadata: Mapping[str, Any], asset_key: Any = None, partition_key: str | None = None
    ) -> None:
        """As `add_output_metadata`; `asset_key` can only be the step's own."""
        if asset_key is not None and AssetKey.of(asset_key) != self.asset_key:
            raise InvalidInvocationError(
                f"metadata for {str(AssetKey.of(asset_key))!r} cannot be added in the step of {str(self.asset_key)!r}"
            )
        self.add_output_metadata(metadata)

    def asset_partition_keys_for_input(self, name: str) -> Sequence[str]:
        """The partition keys of an upstream asset that this step was handed, by argument or by key string."""
        try:
            return self._input_partition_keys[name]
        except KeyError:
            known = ", ".join(map(repr, self._input_partition_keys)) or "none"
            raise InvalidInvocationError(
                f"{name!r} is no partitioned input of this step. Its partitioned inputs: {known}."
            ) from None

    def asset_partition_key_for_input(self, name: str) -> str:
        keys = self.asset_partition_keys_for_input(name)
        if len(keys) != 1:
            raise InvalidInvocationError(
                f"input {name!r} has {len(keys)} partitions: use context.asset_partition_keys_for_input({name!r})"
            )
        return keys[0]

    def bind(self, definition: AssetsDefinition) -> None:
        """Take the asset of a direct call, where a test has not named one."""
        if self._asset_key is None:
            self._asset_key = definition.key
        if self._partitions_def is None:
            self._partitions_def = definition.partitions_def


class AssetCheckExecutionContext(_StepContext):
    """The context of the function of a check. `partition_key` is that of the asset's partition it looks at."""

    def __init__(
        self,
        *,
        asset_key: AssetKey,
        check_name: str,
        run_id: str = "",
        partition_keys: Sequence[str] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        resources: Mapping[str, Any] | None = None,
        log: logging.Logger | None = None,
        run_tags: Mapping[str, str] | None = None,
        run_config: Mapping[str, Any] | None = None,
        op_config: Any = None,
    ) -> None:
        super().__init__(
            asset_key=asset_key,
            run_id=run_id,
            partition_keys=partition_keys,
            partitions_def=partitions_def,
            resources=resources,
            log=log,
            run_tags=run_tags,
            run_config=run_config,
            op_config=op_config,
        )
        self.check_name = check_name


def build_asset_context(
    *,
    partition_key: str | None = None,
    partition_keys: Sequence[str] | None = None,
    resources: Mapping[str, Any] | None = None,
    asset_key: Any = None,
    input_partition_keys: Mapping[str, Sequence[str]] | None = None,
    run_id: str = "test",
    run_tags: Mapping[str, str] | None = None,
    run_config: Mapping[str, Any] | None = None,
    op_config: Any = None,
) -> AssetExecutionContext:
    """A context to call an asset with in a test: `orders(build_asset_context(partition_key="2026-01-01"))`.

    `resources` are opened when they are first used; as a context manager it closes them at the end of the block.
    """
    from .lifecycle import RunResources

    if partition_key is not None and partition_keys is not None:
        raise InvalidInvocationError("build_asset_context: give partition_key or partition_keys, not both")
    return AssetExecutionContext(
        asset_key=None if asset_key is None else AssetKey.of(asset_key),
        run_id=run_id,
        partition_keys=partition_keys if partition_key is None else (partition_key,),
        input_partition_keys=input_partition_keys,
        resources=Resources(RunResources(resources or {}, run_id=run_id)),
        run_tags=run_tags,
        run_config=run_config,
        op_config=op_config,
    )
