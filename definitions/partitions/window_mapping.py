"""The mapping of windows of time."""

from __future__ import annotations

from ..errors import InvalidDefinitionError
from .base import JsonData, PartitionsDefinition
from .mappings import PartitionMapping
from .time_windows import TimeWindowPartitionsDefinition


class TimeWindowPartitionMapping(PartitionMapping):
    """Each window from the upstream windows that share time with it: a day from its 24 hours, an hour from its day.

    `start_offset` and `end_offset` move the ends by whole windows of the downstream: with -1 and 0 a day reads the
    hours of the day before as well. Upstream windows from before the upstream's start are left out where
    only an offset leads there. Any other that does not exist is waited for, unless
    `allow_nonexistent_upstream_partitions` is set.
    """

    kind = "time_window"

    def __init__(
        self,
        start_offset: int = 0,
        end_offset: int = 0,
        allow_nonexistent_upstream_partitions: bool = False,
    ) -> None:
        if start_offset > end_offset:
            raise InvalidDefinitionError(
                f"start_offset {start_offset} is behind end_offset {end_offset}: no window lies between them"
            )
        self.start_offset: int = start_offset
        self.end_offset: int = end_offset
        self.allow_nonexistent_upstream_partitions = allow_nonexistent_upstream_partitions

    def mismatch(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> str | None:
        for side in (upstream, downstream):
            if not isinstance(side, TimeWindowPartitionsDefinition):
                what = "no partitions" if side is None else side.describe()
                return f"TimeWindowPartitionMapping is between windows of time, and there are {what}"
        return None

    def reads_one(self, upstream: PartitionsDefinition | None, downstream: PartitionsDefinition | None) -> bool:
        same = upstream is not None and downstream is not None and upstream.space == downstream.space
        return same and self.start_offset == self.end_offset == 0

    def to_json(self) -> JsonData:
        return {
            "kind": self.kind,
            "start_offset": self.start_offset,
            "end_offset": self.end_offset,
            "allow_nonexistent_upstream_partitions": self.allow_nonexistent_upstream_partitions,
        }

    @classmethod
    def from_json(cls, data: JsonData) -> TimeWindowPartitionMapping:
        return cls(**{name: value for name, value in data.items() if name != "kind"})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.start_offset}, {self.end_offset})"
