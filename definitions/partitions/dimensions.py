"""A partition key taken apart into the keys of its dimensions; most partitions have one dimension without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import PartitionsDefinition

ONLY = ""
"""The name of the one dimension of partitions that have no several."""


def dimensions(partitions_def: PartitionsDefinition | None) -> dict[str, PartitionsDefinition | None]:
    """The partitions along each dimension, by its name."""
    several: Any = partitions_def
    return dict(several.partitions_by_dimension) if hasattr(several, "typed_key") else {ONLY: partitions_def}


def keys_by_dimension(partitions_def: PartitionsDefinition | None, key: str) -> dict[str, str]:
    """The key of each dimension, in the order of their names."""
    several: Any = partitions_def
    return dict(several.typed_key(key).keys_by_dimension) if hasattr(several, "typed_key") else {ONLY: key}
