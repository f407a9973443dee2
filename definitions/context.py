"""What a function sees of the run that it is part of: `context` in assets and in checks.

A context knows the step's partition, the partition keys of each input that it was handed, the resources and a logger,
and collects metadata for the event. What a step reads of other assets is decided before it starts; what else the code
wants to know of the past it asks `context.instance`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from .errors import InvalidInvocationError, did_you_mean
from .keys import AssetCheckKey, AssetKey
from .metadata import MetadataValue, normalize_metadata

if TYPE_CHECKING:
    from typing import Self

    from .asset_events import AssetEvent
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


class StepContext:
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
        instance: Any,
    ) -> None:
        self._asset_key = asset_key
        self._partition_keys = None if partition_keys is None else tuple(partition_keys)
        self._partitions_def = partitions_def
        self._events: list[AssetEvent] = []
        self.run_id = run_id
        self.run_tags: dict[str, str] = dict(run_tags or {})
        self.run_config: Mapping[str, Any] = {} if run_config is None else run_config
        """The config of the whole run as it was requested: what comes from the environment is `{"env": NAME}`."""
        self.op_config: Any = {} if op_config is None else op_config
        """The config of this step as plain data, with what comes from the environment."""
        self.resources: Resources = resources if isinstance(resources, Resources) else Resources(resources)
        self.log: logging.Logger = log or logging.getLogger(STEP_LOGGER)
        self._instance = instance

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.resources.close()

    @property
    def instance(self) -> Any:
        """The `Instance` that the run writes to: what happened before, as in
        `context.instance.get_latest_materialization_event(key)`. It is opened when it is first asked for.

        Raises:
            InvalidInvocationError: a test built this context without one.
        """
        if self._instance is None:
            raise InvalidInvocationError(
                "this context has no instance: pass one, as in build_asset_context(instance=Instance.ephemeral())"
            )
        if callable(self._instance):
            self._instance = self._instance()
        return self._instance

    @property
    def asset_key(self) -> AssetKey:
        if self._asset_key is None:
            raise InvalidInvocationError("this context has no asset: pass asset_key to build_asset_context(...)")
        return self._asset_key

    @property
    def logged_events(self) -> Sequence[AssetEvent]:
        """What the function has said so far with `log_event`; each becomes an event of the run."""
        return self._events

    def log_event(self, event: AssetEvent) -> None:
        """Say that an asset (this or any other) was made, looked at or checked: it becomes an event of the run.

        `event` is an AssetMaterialization, an AssetObservation or an AssetCheckEvaluation. It is written with the end
        of the step, however that ends.
        """
        from .asset_events import checked_event

        self._events.append(checked_event(event, where="context.log_event"))

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


class AssetExecutionContext(StepContext):
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
        instance: Any = None,
        retry_number: int = 0,
        selected_asset_check_keys: Set[AssetCheckKey] | None = None,
        assets_def: AssetsDefinition | None = None,
        selected_asset_keys: Set[AssetKey] | None = None,
    ) -> None:
        """`input_partition_keys` holds the keys handed to the step, by argument and by the upstream's key string;
        `selected_asset_keys` of None is all that `assets_def` makes."""
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
            instance=instance,
        )
        self.retry_number = retry_number
        """How many attempts of this step there were before this one."""
        self._input_partition_keys = {name: tuple(keys) for name, keys in (input_partition_keys or {}).items()}
        self._metadata: list[tuple[AssetKey | None, str | None, dict[str, MetadataValue]]] = []
        self._assets_def = assets_def
        self._selected_asset_keys = None if selected_asset_keys is None else frozenset(selected_asset_keys)
        self.selected_asset_check_keys: Set[AssetCheckKey] = selected_asset_check_keys or frozenset()
        """The inline checks of which the run wants a result."""

    @property
    def asset_key(self) -> AssetKey:
        """The asset that the step makes.

        Raises:
            InvalidInvocationError: the function makes several, or a test has not named one.
        """
        if self._asset_key is None and self._assets_def is not None:
            raise InvalidInvocationError(
                f"{self._assets_def} makes several assets: use context.selected_asset_keys, or "
                "context.asset_key_for_output(output_name)"
            )
        return super().asset_key

    @property
    def assets_def(self) -> AssetsDefinition:
        """The definition whose function is called."""
        if self._assets_def is None:
            raise InvalidInvocationError("this context has no assets: call an asset with it, or run one")
        return self._assets_def

    @property
    def has_assets_def(self) -> bool:
        return self._assets_def is not None

    @property
    def selected_asset_keys(self) -> Set[AssetKey]:
        """The assets that this step is to make: some of those of the function where it `can_subset`, else all."""
        if self._selected_asset_keys is not None:
            return self._selected_asset_keys
        return self._assets_def.keys if self._assets_def is not None else frozenset([self.asset_key])

    @property
    def selected_output_names(self) -> Set[str]:
        """The names of the outputs that this step is to give."""
        selected = self.selected_asset_keys
        return {name for name, key in self.assets_def.keys_by_output_name.items() if key in selected}

    @property
    def is_subset(self) -> bool:
        """Whether this step makes some of the assets of its function only."""
        return self.selected_asset_keys != self.assets_def.keys

    def asset_key_for_output(self, output_name: str = "result") -> AssetKey:
        """The asset that is the output of this name.

        Raises:
            InvalidInvocationError: the function has no such output.
        """
        keys = self.assets_def.keys_by_output_name
        if output_name not in keys and not (output_name == "result" and len(keys) == 1):
            hint = did_you_mean(output_name, keys, f"Its outputs: {', '.join(keys)}.")
            raise InvalidInvocationError(f"{self.assets_def} has no output {output_name!r}. {hint}")
        return keys.get(output_name) or next(iter(keys.values()))

    def output_for_asset_key(self, asset_key: Any) -> str:
        """The name of the output that an asset is."""
        wanted = AssetKey.of(asset_key)
        names = {key: name for name, key in self.assets_def.keys_by_output_name.items()}
        if wanted not in names:
            raise InvalidInvocationError(f"{self.assets_def} does not make {str(wanted)!r}.")
        return names[wanted]

    @property
    def op_execution_context(self) -> AssetExecutionContext:
        """Itself: an asset's function is its op."""
        return self

    @property
    def added_metadata(self) -> Mapping[str, MetadataValue]:
        """What the function has added so far, whatever it is of."""
        return {name: value for *_, metadata in self._metadata for name, value in metadata.items()}

    def metadata_of(self, asset_key: AssetKey, partition_key: str | None) -> dict[str, MetadataValue]:
        """What the function has added so far for the event of one asset and partition; the later value of a name."""
        return {
            name: value
            for key, partition, metadata in self._metadata
            if key in (None, asset_key) and partition in (None, partition_key)
            for name, value in metadata.items()
        }

    def add_output_metadata(self, metadata: Mapping[str, Any], output_name: str | None = None) -> None:
        """Add metadata to the materialization of this step; a key given twice keeps the later value. Where the function
        has several outputs, `output_name` says to which of them it belongs.

        Raises:
            InvalidInvocationError: it has no such output.
        """
        key = None
        if output_name is not None and self._assets_def is not None:
            key = self.asset_key_for_output(output_name)
        elif self._makes_several:
            raise InvalidInvocationError(f"{self._assets_def} makes several assets: say which with output_name=...")
        self._metadata.append((key, None, normalize_metadata(metadata)))

    def add_asset_metadata(
        self, metadata: Mapping[str, Any], asset_key: Any = None, partition_key: str | None = None
    ) -> None:
        """As `add_output_metadata`, for the asset and the partition that are named: those that the step makes.

        Raises:
            InvalidInvocationError: the step makes another asset, or other partitions.
        """
        key = None if asset_key is None else AssetKey.of(asset_key)
        if key is None and self._makes_several:
            raise InvalidInvocationError(f"{self._assets_def} makes several assets: say which with asset_key=...")
        if key is not None and key not in self.selected_asset_keys:
            own = ", ".join(repr(str(one)) for one in sorted(self.selected_asset_keys))
            raise InvalidInvocationError(f"metadata for {str(key)!r} cannot be added in the step of {own}")
        if partition_key is not None and partition_key not in self.partition_keys:
            own = ", ".join(self.partition_keys)
            raise InvalidInvocationError(f"metadata for partition {partition_key!r} cannot be added in a step of {own}")
        self._metadata.append((key, partition_key, normalize_metadata(metadata)))

    @property
    def _makes_several(self) -> bool:
        return self._assets_def is not None and len(self._assets_def.keys) > 1

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
        if self._asset_key is None and len(definition.keys) == 1:
            self._asset_key = definition.key
        if self._assets_def is None:
            self._assets_def = definition
        if self._partitions_def is None:
            self._partitions_def = definition.partitions_def


class AssetCheckExecutionContext(StepContext):
    """The context of the function of a check. `partition_key` is that of the asset's partition it looks at."""

    def __init__(
        self,
        *,
        asset_key: AssetKey,
        check_name: str,
        selected_asset_check_keys: Set[AssetCheckKey] | None = None,
        input_partition_keys: Mapping[str, Sequence[str]] | None = None,
        run_id: str = "",
        partition_keys: Sequence[str] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        resources: Mapping[str, Any] | None = None,
        log: logging.Logger | None = None,
        run_tags: Mapping[str, str] | None = None,
        run_config: Mapping[str, Any] | None = None,
        op_config: Any = None,
        instance: Any = None,
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
            instance=instance,
        )
        self.check_name = check_name
        self.selected_asset_check_keys: Set[AssetCheckKey] = selected_asset_check_keys or {
            AssetCheckKey(asset_key, check_name)
        }
        """The checks that the run wants of this function."""
        self._input_partition_keys = {name: tuple(keys) for name, keys in (input_partition_keys or {}).items()}

    @property
    def partitions_def(self) -> PartitionsDefinition | None:
        """The partitions of the asset; None where it has none."""
        return self._partitions_def

    @property
    def asset_check_key(self) -> AssetCheckKey:
        return AssetCheckKey(self.asset_key, self.check_name)


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
    instance: Any = None,
    selected_asset_keys: Iterable[Any] | None = None,
) -> AssetExecutionContext:
    """A context to call an asset with in a test: `orders(build_asset_context(partition_key="2026-01-01"))`.

    `resources` are opened when they are first used; as a context manager it closes them at the end of the block.
    `instance` is what `context.instance` gives, `selected_asset_keys` which assets of a `@multi_asset` are to be made.
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
        instance=instance,
        selected_asset_keys=None if selected_asset_keys is None else set(map(AssetKey.of, selected_asset_keys)),
    )
