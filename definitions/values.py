"""Values that were stored before, as a notebook or a test reads them: through the IO managers that stored them.

with defs.get_asset_value_loader(instance) as loader:
    orders = loader.load_asset_value("orders")
    monday = loader.load_asset_value("daily", partition_key="2026-03-02")
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .assets_definition import AssetsDefinition
from .binding import AssetNode
from .errors import InvalidInvocationError, UnknownPartition
from .spec import DEFAULT_IO_MANAGER, AssetSpec

if TYPE_CHECKING:
    from typing import Self

    from .definitions import Definitions
    from .graph import AssetGraph
    from .keys import AssetKey

RUN_ID = "load_asset_value"


class AssetValueLoader:
    """Loads values of the assets of `definitions` from where runs of `instance` have stored them.

    Without an instance that is the home that HEADWATER_HOME names, or `.headwater` in the working directory. Resources
    are opened when a value first needs them, and closed at the end of the block.
    """

    def __init__(self, definitions: Definitions, instance: Any = None) -> None:
        from .context import Resources
        from .lifecycle import RunResources

        self._definitions, self._instance = definitions, instance
        self._home = Path(os.environ.get("HEADWATER_HOME") or ".headwater") if instance is None else instance.home
        self._resources = Resources(RunResources(definitions.resources, run_id=RUN_ID))

    def load_asset_value(
        self,
        asset_key: Any,
        python_type: type[Any] | None = None,
        partition_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value of an asset; of one that is partitioned that of the partition `partition_key`, or all those that
        were made, by key.

        `python_type` is what the value has to be; `metadata` is handed to the IO manager.

        Raises:
            InvalidInvocationError: there is no such asset, a partition is named and it has none, or the value is of
                another type.
            UnknownPartition: it has no such partition.
            ExecutionError: nothing is stored.
        """
        from .io import InputContext

        node = self._definitions.get(asset_key)
        context = InputContext(
            asset_key=node.key,
            name=str(node.key),
            partition_keys=self._keys(node, partition_key),
            partitions_def=node.partitions_def,
            upstream_returns_nothing=isinstance(node, AssetsDefinition) and node.returns_nothing,
            metadata=metadata,
            upstream_metadata=node.spec.metadata,
            resources=self._resources,
            run_id=RUN_ID,
        )
        value = self._io_manager(node.io_manager_key).load_input(context)
        if python_type is not None and not isinstance(value, python_type):
            raise InvalidInvocationError(
                f"the value of asset {str(node.key)!r} is a {type(value).__name__}, not a {python_type.__name__}."
            )
        return value

    def _keys(self, node: AssetNode, partition_key: str | None) -> Sequence[str] | None:
        partitions, key = node.partitions_def, str(node.key)
        if partitions is None:
            if partition_key is not None:
                raise InvalidInvocationError(f"asset {key!r} has no partitions: leave partition_key out.")
            return None
        if partition_key is None:
            known = partitions.get_partition_keys()
            if self._instance is None:
                return known
            made = self._instance.get_materialized_partitions(node.key)
            return [one for one in known if one in made]
        if not partitions.has_partition_key(partition_key):
            raise UnknownPartition(partition_key, known=partitions.describe(), asset=node.key)
        return (partition_key,)

    def _io_manager(self, name: str) -> Any:
        if name in self._resources:
            return self._resources[name]
        if name == DEFAULT_IO_MANAGER and self._instance is not None and self._instance.io_manager is not None:
            return self._instance.io_manager
        return self._definitions.io_manager(name, home=self._home)

    def close(self) -> None:
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Accessors:
    """What users ask of a `Definitions` beside its parts: the resolved graph, specs, and stored values."""

    def load_asset_value(
        self,
        asset_key: Any,
        python_type: type[Any] | None = None,
        instance: Any = None,
        partition_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Any:
        """The stored value of an asset: see `AssetValueLoader.load_asset_value`.

        >>> materialize([orders, revenue], instance=instance).success
        True
        >>> defs.load_asset_value("revenue", instance=instance)
        7
        """
        with self.get_asset_value_loader(instance) as loader:
            return loader.load_asset_value(asset_key, python_type, partition_key, metadata)

    def get_asset_value_loader(self, instance: Any = None) -> AssetValueLoader:
        """Loads several values with the same resources; use it as a context manager."""
        return AssetValueLoader(cast("Definitions", self), instance)

    def resolve_asset_graph(self) -> AssetGraph:
        """The assets, bound to each other.

        Raises:
            DefinitionErrors: they do not fit together.
        """
        definitions = cast("Definitions", self)
        definitions.validate()
        return definitions.graph

    def resolve_all_asset_specs(self) -> list[AssetSpec]:
        """The spec of every asset, upstream first, those that are only depended on included."""
        return [node.spec for node in self._nodes()]

    def get_all_asset_specs(self) -> list[AssetSpec]:
        """As `resolve_all_asset_specs`."""
        return self.resolve_all_asset_specs()

    def resolve_all_asset_keys(self) -> list[AssetKey]:
        """The key of every asset, upstream first, those that are only depended on included."""
        return [node.key for node in self._nodes()]

    def resolve_assets_def(self, key: Any) -> AssetsDefinition:
        """The asset of this key as its decorator made it.

        Raises:
            InvalidInvocationError: there is none, or nothing here makes it.
        """
        node = cast("Definitions", self).get(key)
        if not isinstance(node, AssetsDefinition):
            raise InvalidInvocationError(
                f"asset {str(node.key)!r} is external: no function of these definitions makes it."
            )
        return node

    def _nodes(self) -> Iterable[AssetNode]:
        return cast("Definitions", self).assets
