"""Dynamic partitions: keys that are added and deleted while everything runs, such as customers or uploaded files.

The keys of a name stand in the log, as events; every asset that has partitions of that name has the same keys. A
definition by itself does not know them: whoever asks hands in a `DynamicPartitionsStore`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ..errors import InvalidDefinitionError, InvalidInvocationError
from .base import DynamicPartitionsStore, JsonData, PartitionsDefinition
from .static import check_key


class DynamicPartitionsDefinition(PartitionsDefinition):
    """The partitions that were added under `name`, in the order in which they were added.

    They are added by `Instance.add_dynamic_partitions(name, keys)`, by a sensor, or by `headwater partition add`.

    >>> DynamicPartitionsDefinition(name="customers")
    <dynamic partitions 'customers'>
    """

    kind = "dynamic"

    def __init__(self, partition_fn: Any = None, name: str | None = None) -> None:
        if isinstance(partition_fn, str) and name is None:
            partition_fn, name = None, partition_fn
        if partition_fn is not None:
            raise InvalidDefinitionError(
                "DynamicPartitionsDefinition takes no function: what it gives would not stand in the log, and nobody "
                "could say later which partitions there were. Write DynamicPartitionsDefinition(name='customers'), and "
                "add the keys with Instance.add_dynamic_partitions('customers', [...]) or from a sensor."
            )
        if not isinstance(name, str) or not name or not name.isprintable():
            raise InvalidDefinitionError(
                f"DynamicPartitionsDefinition needs a name, under which its keys are added; {name!r} is none. "
                "Write DynamicPartitionsDefinition(name='customers')."
            )
        self.name = name

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[str]:
        """The keys that were added and not deleted.

        Raises:
            InvalidInvocationError: no store is given.
        """
        if dynamic_partitions_store is None:
            raise InvalidInvocationError(
                f"the keys of the {self.describe()} stand in the log: pass dynamic_partitions_store=instance."
            )
        return list(dynamic_partitions_store.get_dynamic_partitions(self.name))

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        return partition_key in self.get_partition_keys(current_time, dynamic_partitions_store)

    def build_add_request(self, partition_keys: Sequence[str]) -> AddDynamicPartitionsRequest:
        """What a sensor returns in `SensorResult(dynamic_partitions_requests=[...])` to add keys."""
        return AddDynamicPartitionsRequest(self.name, checked_keys(partition_keys))

    def build_delete_request(self, partition_keys: Sequence[str]) -> DeleteDynamicPartitionsRequest:
        """What a sensor returns in `SensorResult(dynamic_partitions_requests=[...])` to delete keys."""
        return DeleteDynamicPartitionsRequest(self.name, checked_keys(partition_keys))

    @property
    def dynamic_names(self) -> frozenset[str]:
        return frozenset([self.name])

    @property
    def space(self) -> str:
        return f"dynamic:{self.name}"

    def to_json(self) -> JsonData:
        return {"kind": self.kind, "name": self.name}

    @classmethod
    def from_json(cls, data: JsonData) -> DynamicPartitionsDefinition:
        return cls(name=data["name"])

    def describe(self) -> str:
        return f"dynamic partitions {self.name!r}"


class AddDynamicPartitionsRequest(NamedTuple):
    """Keys to add to the dynamic partitions `partitions_def_name`."""

    partitions_def_name: str
    partition_keys: Sequence[str]


class DeleteDynamicPartitionsRequest(NamedTuple):
    """Keys to delete from the dynamic partitions `partitions_def_name`."""

    partitions_def_name: str
    partition_keys: Sequence[str]


def checked_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """`keys`, each once.

    Raises:
        InvalidDefinitionError: one of them cannot be a partition key.
    """
    if isinstance(keys, str):
        raise InvalidDefinitionError(f"partition_keys is a list of keys; did you mean [{keys!r}]?")
    for key in keys:
        check_key(key)
    return tuple(dict.fromkeys(keys))
