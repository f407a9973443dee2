"""Partition mappings: which partitions of an upstream asset a downstream partition is made from.

A mapping is pure data here. What it does to sets of partitions is done on bitmaps where State is kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from ..errors import InvalidDefinitionError
from .base import JsonData, PartitionsDefinition


class PartitionMapping(ABC):
    """A rule from downstream partitions to upstream ones and back. Mappings are values: equal if they say the same."""

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type[PartitionMapping]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        PartitionMapping.kinds[cls.kind] = cls

    @abstractmethod
    def mismatch(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str | None:
        """Why this mapping cannot lead from `downstream` to `upstream`, in words; None if it can."""

    def reads_one(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> bool:
        """Whether each downstream partition reads the upstream partition of its own key, and no other."""
        return False

    def to_json(self) -> JsonData:
        return {"kind": self.kind}

    @classmethod
    def from_json(cls, data: JsonData) -> PartitionMapping:
        return cls()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartitionMapping) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.kind)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class IdentityPartitionMapping(PartitionMapping):
    """Each partition from the upstream partition of the same key."""

    kind = "identity"

    def mismatch(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str | None:
        if upstream is None or downstream is None:
            if upstream is downstream:
                return None  # both without partitions
            return "the same key is asked of both, but only one of them has partitions"
        if upstream.space == downstream.space or _share_a_key(upstream, downstream):
            return None
        if "multi" in (upstream.kind, downstream.kind):
            return f"{upstream.describe()} and {downstream.describe()} differ in their dimensions"
        return f"{upstream.describe()} and {downstream.describe()} have no key in common"

    def reads_one(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> bool:
        return True


class AllPartitionMapping(PartitionMapping):
    """Each partition from all upstream partitions that exist; where the upstream has none, from the whole of it.

    >>> every_day = AssetIn("daily_orders", partition_mapping=AllPartitionMapping())
    """

    kind = "all"

    def mismatch(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str | None:
        return None


def mapping_from_json(data: JsonData) -> PartitionMapping:
    """The mapping that `to_json()` was called on."""
    cls = PartitionMapping.kinds.get(data["kind"])
    if cls is None:
        raise InvalidDefinitionError(
            f"a partition mapping of kind {data['kind']!r} is not known to this version of headwater"
        )
    return cls.from_json(data)


def _share_a_key(upstream: PartitionsDefinition, downstream: PartitionsDefinition) -> bool:
    """Fixed sets of keys may overlap in part: what the upstream lacks is "not ready" and waits, it is no error."""
    if "multi" in (upstream.kind, downstream.kind):
        return _share_all_dimensions(upstream, downstream)
    if "dynamic" in (upstream.kind, downstream.kind):
        return True  # nobody knows before the keys are added
    if upstream.kind != "static" or downstream.kind != "static":
        return False
    return not set(upstream.get_partition_keys()).isdisjoint(downstream.get_partition_keys())


def _share_all_dimensions(upstream: PartitionsDefinition, downstream: PartitionsDefinition) -> bool:
    from .multi import MultiPartitionsDefinition

    if not isinstance(upstream, MultiPartitionsDefinition) or not isinstance(downstream, MultiPartitionsDefinition):
        return False
    if upstream.partition_dimension_names != downstream.partition_dimension_names:
        return False
    dims = downstream.partitions_by_dimension
    return all(
        d.space == dims[n].space or _share_a_key(d, dims[n]) for n, d in upstream.partitions_by_dimension.items()
    )
