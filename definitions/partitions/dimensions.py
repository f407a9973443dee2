"""A partition key taken apart into the keys of its dimensions; most partitions have one dimension without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import PartitionsDefinition

ONLY = ""
"""The name of the one dimension of partitions that have no several."""


def dimensions(partitions_def: PartitionsDefinition | None) -> dict[str, PartitionsDefinition | None]:
    """The partitions along each dimension, by its name."""
    several = getattr(partitions_def, "partitions_by_dimension", None)
    return {ONLY: partitions_def} if several is None else dict(several)


def keys_by_dimension(partitions_def: PartitionsDefinition | None, key: str) -> dict[str, str]:
    """The key of each dimension, in the order of their names."""
    typed: Any = key if partitions_def is None else partitions_def.typed_key(key)
    return dict(getattr(typed, "keys_by_dimension", None) or {ONLY: key})
