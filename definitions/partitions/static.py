"""Static partitions: a fixed list of keys, such as regions or customers, in the order in which they are given."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import InvalidDefinitionError
from .base import DynamicPartitionsStore, JsonData, PartitionsDefinition

if TYPE_CHECKING:
    from datetime import datetime


class StaticPartitionsDefinition(PartitionsDefinition):
    """The partitions `partition_keys`, at all times.

    >>> StaticPartitionsDefinition(["north", "south"]).get_partition_keys()
    ['north', 'south']
    """

    kind = "static"

    def __init__(self, partition_keys: Sequence[str]) -> None:
        if isinstance(partition_keys, str):
            raise InvalidDefinitionError(f"partition_keys is a list of keys; did you mean [{partition_keys!r}]?")
        keys = tuple(partition_keys)
        seen: set[str] = set()
        for key in keys:
            check_key(key)
            if key in seen:
                raise InvalidDefinitionError(f"partition key {key!r} is given twice; keys are unique")
            seen.add(key)
        self.keys = keys

    def get_num_partitions(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> int:
        return len(self.keys)

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[str]:
        return list(self.keys)

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        return partition_key in self._key_set

    @property
    def space(self) -> str:
        """Depends on the set of keys only, not on their order."""
        return self._space

    @cached_property
    def _space(self) -> str:
        from hashlib import sha256  # here, since it costs 10 ms to import and most processes never ask

        lines = "\n".join(sorted(self.keys))  # a key holds no line break
        return f"static:{sha256(lines.encode()).hexdigest()[:16]}"

    def to_json(self) -> JsonData:
        return {"kind": "static", "keys": list(self.keys)}

    @classmethod
    def from_json(cls, data: JsonData) -> StaticPartitionsDefinition:
        return cls(data["keys"])

    def describe(self) -> str:
        shown = ", ".join(repr(key) for key in self.keys[:5])
        return f"{len(self.keys)} static partitions ({shown}{', ...' if len(self.keys) > 5 else ''})"

    @cached_property
    def _key_set(self) -> frozenset[str]:
        return frozenset(self.keys)


def check_key(key: object) -> None:
    """Refuse what cannot be a partition key."""
    if not isinstance(key, str):
        raise InvalidDefinitionError(
            f"a partition key is a str; {key!r} is a {type(key).__name__}. Write {str(key)!r}."
        )
    if "..." in key or not key.isprintable():
        raise InvalidDefinitionError(
            f"partition key {key!r} cannot be used: '...' stands between the ends of a range, and line breaks and "
            "control characters do not survive on a command line"
        )
