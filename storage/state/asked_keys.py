"""Keys that assets ask for in dynamic partitions to which nobody has added them yet.

A customer whose data is made from the account of the same key has to wait for that account, also if no event has named
it so far. So a key gets its ordinal among the accounts when it is added to the customers. Which dynamic partitions are
linked in this way follows from the definitions; a mapping to all, to the last or to windows of time asks for no key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...definitions.partitions import (
    AllPartitionMapping,
    LastPartitionMapping,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    PartitionMapping,
    PartitionsDefinition,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
)
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot, DepSnapshot
from .ordinals import Spaces

NO_KEYS = (AllPartitionMapping, LastPartitionMapping, StaticPartitionMapping, TimeWindowPartitionMapping)

Edge = tuple[AssetSnapshot, DepSnapshot, PartitionsDefinition]
"""An asset, what it reads, and the dynamic partitions of that."""


def linked_names(definitions: DefinitionsSnapshot) -> dict[str, set[str]]:
    """Per name of dynamic partitions, the others in which its keys are asked for."""
    links: dict[str, set[str]] = {}
    for asset, _, upstream in _edges(definitions):
        for name in asset.partitions.dynamic_names if asset.partitions else ():
            if others := upstream.dynamic_names - {name}:
                links.setdefault(name, set()).update(others)
    return links


def number_asked(definitions: DefinitionsSnapshot, spaces: Spaces, links: dict[str, set[str]]) -> None:
    """Number what is asked for under `definitions`: keys that exist elsewhere, and those that the definitions name."""
    for name in links:
        number_linked(spaces, links, name, spaces.get_dynamic_partitions(name))
    for asset, dep, upstream in _edges(definitions):
        if isinstance(dep.mapping, SpecificPartitionsPartitionMapping):
            for key in dep.mapping.partition_keys:
                spaces.of(upstream).number(key)
        else:
            for key in (*_static_keys(asset.partitions), *_named_inside(dep.mapping)):
                for name in upstream.dynamic_names:
                    spaces.dynamic(name).number(key)


def number_linked(spaces: Spaces, links: dict[str, set[str]], name: str, keys: Iterable[str]) -> None:
    """Number the `keys` of `name` in the dynamic partitions in which they are asked for."""
    for other in sorted(links.get(name, ())):
        for key in keys:
            spaces.dynamic(other).number(key)


def _edges(definitions: DefinitionsSnapshot) -> Iterator[Edge]:
    for asset in definitions.assets.values():
        for dep in asset.deps:
            upstream = definitions.assets[dep.key].partitions
            if upstream is not None and upstream.dynamic_names and not isinstance(dep.mapping, NO_KEYS):
                yield asset, dep, upstream


def _named_inside(mapping: PartitionMapping | None) -> tuple[str, ...]:
    """The keys that a mapping names along a dimension."""
    if isinstance(mapping, SpecificPartitionsPartitionMapping):
        return mapping.partition_keys
    if isinstance(mapping, MultiToSingleDimensionPartitionMapping):
        return _named_inside(mapping.partition_mapping)
    inner = mapping.by_upstream.values() if isinstance(mapping, MultiPartitionMapping) else ()
    return tuple(key for one in inner for key in _named_inside(one.partition_mapping))


def _static_keys(partitions: PartitionsDefinition | None) -> tuple[str, ...]:
    if isinstance(partitions, MultiPartitionsDefinition):
        return tuple(key for axis in partitions.partitions_by_dimension.values() for key in _static_keys(axis))
    return partitions.keys if isinstance(partitions, StaticPartitionsDefinition) else ()
