"""Parts that many assets of a snapshot have in common: conditions, mappings and partitions, each stored once.

Thousands of assets have one of a handful of conditions. In the bytes of a snapshot an asset names such a part by its
place in a table, and the table lists each part once, in the order in which the assets name them: equal definitions give
equal tables. Who reads the bytes gets one object for each part, so that what is worked out from it (its node ids, how
it is evaluated) is worked out once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .conditions.base import AutomationCondition, condition_from_json
from .partitions.base import PartitionsDefinition, partitions_from_json
from .partitions.mappings import PartitionMapping, mapping_from_json

JsonData = dict[str, Any]


class _Part(Protocol):
    def to_json(self) -> JsonData: ...


class PartTable:
    """The parts of one kind, while a snapshot is written."""

    def __init__(self) -> None:
        self.parts: list[JsonData] = []
        self._places: dict[str, int] = {}
        self._by_identity: dict[int, tuple[_Part, int]] = {}  # with the part, so that its id is not given again

    def place(self, part: _Part | None) -> int | None:
        """Where `part` stands in the table, which it is added to if it is new; None for None."""
        if part is None:
            return None
        known = self._by_identity.get(id(part))
        if known is not None:
            return known[1]
        data = part.to_json()
        place = self._places.setdefault(json.dumps(data, sort_keys=True), len(self.parts))
        if place == len(self.parts):
            self.parts.append(data)
        self._by_identity[id(part)] = part, place
        return place


class PartsWritten:
    """The tables of a snapshot that is being written."""

    def __init__(self) -> None:
        self.conditions: PartTable = PartTable()
        self.mappings: PartTable = PartTable()
        self.partitions: PartTable = PartTable()

    def to_json(self) -> JsonData:
        tables = {"conditions": self.conditions, "mappings": self.mappings, "partitions": self.partitions}
        return {name: table.parts for name, table in tables.items() if table.parts}


class PartsRead:
    """The tables of a snapshot that is being read, as objects. In format 1 a part stands where it is named."""

    def __init__(self, data: Mapping[str, Sequence[JsonData]]) -> None:
        self.edges: dict[tuple[Any, ...], Any] = {}
        """Edges that were read, by what is said of them."""
        self._texts: dict[str, str] = {}
        self._conditions = list(map(condition_from_json, data.get("conditions", ())))
        self._mappings = list(map(mapping_from_json, data.get("mappings", ())))
        self._partitions = list(map(partitions_from_json, data.get("partitions", ())))

    def text(self, text: str) -> str:
        """The one object for all texts that are equal to this one, as the key of an asset is for all that read it."""
        return self._texts.setdefault(text, text)

    def mapping(self, place: int | JsonData) -> PartitionMapping:
        return mapping_from_json(place) if isinstance(place, dict) else self._mappings[place]

    def condition(self, place: int | JsonData | None) -> AutomationCondition | None:
        if place is None:
            return None
        return condition_from_json(place) if isinstance(place, dict) else self._conditions[place]

    def partitions(self, place: int | JsonData | None) -> PartitionsDefinition | None:
        if place is None:
            return None
        return partitions_from_json(place) if isinstance(place, dict) else self._partitions[place]
