"""IO managers: where the value of an asset is kept between the step that makes it and the steps that take it.

A manager stores what a step returns (`handle_output`) and loads it for an argument (`load_input`). An input of several
partitions is `{key: value}`, of exactly one the bare value, of none `{}` where the mapping takes all and None where it
goes key by key. An upstream that stored nothing is an error with the cause and the way out, or None where the asset
named it in `deps=` too.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import ExecutionError, InvalidInvocationError
from .keys import AssetKey
from .metadata import MetadataValue, normalize_metadata

if TYPE_CHECKING:
    from .filesystem_io import FilesystemIOManager as FilesystemIOManager
    from .partitions.base import PartitionKeyRange, PartitionsDefinition, TimeWindow
    from .partitions.mappings import PartitionMapping

ALLOW_MISSING = "allow_missing_partitions"  # metadata of an AssetIn: leave partitions without a value out


class IOManager(ABC):
    """Stores and loads the values of assets. Subclass it, and name the object in `Definitions(resources={...})`."""

    @abstractmethod
    def handle_output(self, context: OutputContext, obj: Any) -> None: ...

    @abstractmethod
    def load_input(self, context: InputContext) -> Any: ...


class _ValueContext:
    """What storing and loading share: the asset that the value belongs to, and which partitions of it are meant."""

    def __init__(
        self,
        *,
        asset_key: AssetKey,
        partition_keys: Sequence[str] | None,
        partitions_def: PartitionsDefinition | None,
        metadata: Mapping[str, Any] | None,
        resources: Any,
        log: logging.Logger | None,
        run_id: str,
    ) -> None:
        self.asset_key = asset_key
        self.has_asset_key = True
        """False for a value that ops hand to each other: its key is the run, the step and the output."""
        typed = partitions_def.typed_key if partitions_def else str
        self._partition_keys = None if partition_keys is None else tuple(map(typed, partition_keys))
        self.asset_partitions_def = partitions_def
        self.metadata: Mapping[str, Any] = dict(metadata or {})
        self.resources = resources
        self.log: logging.Logger = log or logging.getLogger("headwater.io")
        self.run_id = run_id

    @property
    def has_asset_partitions(self) -> bool:
        return self._partition_keys is not None

    @property
    def asset_partition_keys(self) -> Sequence[str]:
        if self._partition_keys is None:
            raise InvalidInvocationError(f"asset {str(self.asset_key)!r} has no partitions")
        return self._partition_keys

    @property
    def asset_partition_key(self) -> str:
        keys = self.asset_partition_keys
        if len(keys) != 1:
            raise InvalidInvocationError(
                f"{len(keys)} partitions of asset {str(self.asset_key)!r} are meant: use context.asset_partition_keys"
            )
        return keys[0]

    @property
    def asset_partition_key_range(self) -> PartitionKeyRange:
        """The first and the last of the partitions, in the order of their definition."""
        from .partitions.base import PartitionKeyRange

        keys = self.asset_partition_keys
        return PartitionKeyRange(keys[0], keys[-1])

    @property
    def asset_partitions_time_window(self) -> TimeWindow:
        """The span from the beginning of the first partition to the end of the last.

        Raises:
            InvalidInvocationError: they are no windows of time.
        """
        from .partitions.base import TimeWindow

        windows: Any = self.asset_partitions_def
        if not hasattr(windows, "window"):
            raise InvalidInvocationError(f"the partitions of asset {str(self.asset_key)!r} are no windows of time")
        spans = [windows.window(key) for key in self.asset_partition_keys]
        return TimeWindow(min(span.start for span in spans), max(span.end for span in spans))

    def get_asset_identifier(self) -> Sequence[str]:
        """The parts of the key, and the partition key where one partition is meant: a place that is its own."""
        return [*self.asset_key.path, *(self.asset_partition_keys if self.has_partition_key else ())]

    def get_identifier(self) -> Sequence[str]:
        return self.get_asset_identifier()

    @property
    def definition_metadata(self) -> Mapping[str, Any]:
        return self.metadata

    @property
    def has_partition_key(self) -> bool:
        return self._partition_keys is not None and len(self._partition_keys) == 1

    @property
    def partition_key(self) -> str:
        return self.asset_partition_key


class OutputContext(_ValueContext):
    """The value to store: of which asset and partition, and metadata for the event of its materialization."""

    def __init__(
        self,
        *,
        asset_key: AssetKey,
        partition_keys: Sequence[str] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        metadata: Mapping[str, Any] | None = None,
        resources: Any = None,
        log: logging.Logger | None = None,
        run_id: str = "",
        step_key: str = "",
        name: str = "result",
    ) -> None:
        super().__init__(
            asset_key=asset_key,
            partition_keys=partition_keys,
            partitions_def=partitions_def,
            metadata=metadata,
            resources=resources,
            log=log,
            run_id=run_id,
        )
        self.step_key = step_key
        self.name = name
        self._added: dict[str, MetadataValue] = {}

    @property
    def added_metadata(self) -> Mapping[str, MetadataValue]:
        return self._added

    def add_output_metadata(self, metadata: Mapping[str, Any]) -> None:
        self._added.update(normalize_metadata(metadata))


class InputContext(_ValueContext):
    """The value to load: `asset_key` is the upstream asset, `name` the argument, `for_asset` who takes it.

    `metadata` is that of the AssetIn, `upstream_metadata` that of the upstream's definition.
    """

    def __init__(
        self,
        *,
        asset_key: AssetKey,
        name: str,
        for_asset: AssetKey | None = None,
        partition_keys: Sequence[str] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        mapping: PartitionMapping | None = None,
        value_optional: bool = False,
        upstream_returns_nothing: bool = False,
        metadata: Mapping[str, Any] | None = None,
        upstream_metadata: Mapping[str, Any] | None = None,
        resources: Any = None,
        log: logging.Logger | None = None,
        run_id: str = "",
    ) -> None:
        super().__init__(
            asset_key=asset_key,
            partition_keys=partition_keys,
            partitions_def=partitions_def,
            metadata=metadata,
            resources=resources,
            log=log,
            run_id=run_id,
        )
        self.name = name
        self.for_asset = for_asset
        self.mapping = mapping
        self.value_optional = value_optional
        self.upstream_returns_nothing = upstream_returns_nothing
        self.upstream_metadata: Mapping[str, Any] = dict(upstream_metadata or {})

    @property
    def upstream_output(self) -> OutputContext:
        """What the value was stored with, as far as its definition says."""
        return OutputContext(
            asset_key=self.asset_key,
            partition_keys=self._partition_keys,
            partitions_def=self.asset_partitions_def,
            metadata=self.upstream_metadata,
            resources=self.resources,
            log=self.log,
        )


class NoStoredValue(ExecutionError):
    """An argument is to be loaded, but its upstream asset has stored no value."""

    def __init__(self, context: InputContext, *, partition: str | None) -> None:
        upstream = str(context.asset_key)
        whose = f"asset {str(context.for_asset)!r}" if context.for_asset else "the step"
        where = f" for partition {partition!r}" if partition is not None else ""
        if context.upstream_returns_nothing:
            cause = f"{upstream!r} is annotated to return no value, so nothing is stored for it"
        else:
            cause = f"either {upstream!r} has not been materialized yet{where}, or it returned no value to store"
        super().__init__(
            f"{whose} takes the value of {upstream!r} as its argument {context.name!r}, but there is none{where}: "
            f"{cause}. Return the value in {upstream!r} (or MaterializeResult(value=...)) and materialize it; or, if "
            f"only the order matters, name it in deps=[{upstream!r}] and drop the argument."
        )
        self.asset_key: AssetKey = context.asset_key
        self.partition: str | None = partition


class NotStored(LookupError):
    """Raised inside `load_partitions` by `load_one`: there is no value of that partition."""


def load_partitions(context: InputContext, load_one: Callable[[str | None], Any]) -> Any:
    """The input in the shape that its number of partitions asks for; `load_one` gets a key, or None for the whole.

    Raises:
        NoStoredValue: `load_one` raised NotStored, and the value is not optional.
    """
    if not context.has_asset_partitions:
        return _one(context, None, load_one)
    keys = context.asset_partition_keys
    takes_all = context.mapping is not None and context.mapping.to_json()["kind"] == "all"
    if not keys:
        return {} if takes_all else None
    if len(keys) == 1:
        return _one(context, keys[0], load_one)
    values: dict[str, Any] = {}
    for key in keys:
        try:
            values[key] = load_one(key)
        except NotStored:
            if context.metadata.get(ALLOW_MISSING):
                continue
            values[key] = _absent(context, key)
    return values


def _one(context: InputContext, key: str | None, load_one: Callable[[str | None], Any]) -> Any:
    try:
        return load_one(key)
    except NotStored:
        return _absent(context, key)


def _absent(context: InputContext, key: str | None) -> None:
    if not context.value_optional:
        raise NoStoredValue(context, partition=key) from None


def parts_of(context: OutputContext, obj: Any) -> list[tuple[str | None, Any]]:
    """What is to be stored, by partition key (None: the whole). Of several partitions `obj` is a mapping of their keys.

    Raises:
        ExecutionError: there are several partitions, and `obj` is no such mapping.
    """
    if not context.has_asset_partitions:
        return [(None, obj)]
    keys = context.asset_partition_keys
    if len(keys) == 1:
        return [(keys[0], obj)]
    if isinstance(obj, Mapping) and set(obj) == set(keys):
        return [(key, obj[key]) for key in keys]
    raise ExecutionError(
        f"asset {str(context.asset_key)!r} returned one value for {len(keys)} partitions. Return a dict with a value "
        "for each of their keys, annotate its function with -> None and store the parts yourself, or use another "
        "io_manager_key."
    )


class InMemoryIOManager(IOManager):
    """Keeps values in this process, as they are: for tests and for runs whose values nobody needs afterwards."""

    def __init__(self) -> None:
        self.values: dict[tuple[AssetKey, str | None], Any] = {}

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        try:
            parts = parts_of(context, obj)
        except ExecutionError:  # one value that stands for all of them
            parts = [(key, obj) for key in context.asset_partition_keys]
        for key, value in parts:
            self.values[context.asset_key, key] = value

    def load_input(self, context: InputContext) -> Any:
        def load_one(partition: str | None) -> Any:
            try:
                return self.values[context.asset_key, partition]
            except KeyError:
                raise NotStored from None

        return load_partitions(context, load_one)


def __getattr__(name: str) -> Any:
    if name == "FilesystemIOManager":  # its file system modules are needed by those who store only
        from .filesystem_io import FilesystemIOManager

        return FilesystemIOManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
