"""Mappings by named keys: to the last upstream partition, to some that are named, or by a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..errors import InvalidDefinitionError
from .base import JsonData, PartitionsDefinition
from .mappings import PartitionMapping


class LastPartitionMapping(PartitionMapping):
    """Each partition from the last upstream partition that exists."""

    kind = "last"

    def mismatch(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str | None:
        return None if upstream is not None else "its last partition is asked of an upstream that has none"


class SpecificPartitionsPartitionMapping(PartitionMapping):
    """Each partition from the upstream partitions `partition_keys`."""

    kind = "specific"

    def __init__(self, partition_keys: Iterable[str]) -> None:
        if isinstance(partition_keys, str):
            raise InvalidDefinitionError(f"partition_keys is a list of keys; did you mean [{partition_keys!r}]?")
        self.partition_keys: tuple[str, ...] = tuple(partition_keys)

    def mismatch(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str | None:
        if upstream is None:
            return f"partitions {list(self.partition_keys)} are asked of an upstream that has none"
        return _unknown(self.partition_keys, upstream)

    def to_json(self) -> JsonData:
        return {"kind": self.kind, "partition_keys": list(self.partition_keys)}

    @classmethod
    def from_json(cls, data: JsonData) -> SpecificPartitionsPartitionMapping:
        return cls(data["partition_keys"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.partition_keys)})"


class StaticPartitionMapping(PartitionMapping):
    """From each upstream key to the downstream key, or keys, that read it. A key that is left out is read by none.

    >>> StaticPartitionMapping({"north": "all", "south": ["all", "warm"]}).upstream_keys("all")
    ['north', 'south']
    """

    kind = "static"

    def __init__(self, downstream_partition_keys_by_upstream_partition_key: Mapping[str, str | Sequence[str]]) -> None:
        self.table: dict[str, tuple[str] | tuple[str, ...]] = {
            up: (down,) if isinstance(down, str) else tuple(down)
            for up, down in downstream_partition_keys_by_upstream_partition_key.items()
        }

    def upstream_keys(self, downstream: str) -> list[str]:
        """The upstream keys that a downstream key reads."""
        return [up for up, downs in self.table.items() if downstream in downs]

    def mismatch(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str | None:
        if upstream is None or downstream is None or {upstream.kind, downstream.kind} != {"static"}:
            return "StaticPartitionMapping leads from static partitions to static partitions"
        downs = [key for keys in self.table.values() for key in keys]
        return _unknown(self.table, upstream) or _unknown(downs, downstream)

    def to_json(self) -> JsonData:
        return {"kind": self.kind, "table": {up: list(downs) for up, downs in self.table.items()}}

    @classmethod
    def from_json(cls, data: JsonData) -> StaticPartitionMapping:
        return cls(data["table"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.table})"


def _unknown(keys: Iterable[str], partitions: PartitionsDefinition) -> str | None:
    """Why `partitions`, where they are fixed, cannot have all of `keys`."""
    if partitions.kind != "static":
        return None
    known = set(partitions.get_partition_keys())
    missing = next((key for key in keys if key not in known), None)
    return None if missing is None else f"the mapping names {missing!r}, which is none of {partitions.describe()}"
