"""What looks further than at what is next to the asset: at any asset by its key, at conditions downstream."""

from __future__ import annotations

from dataclasses import dataclass

from .base import AutomationCondition, JsonData
from .operands import Operand
from .operators import Unary


@dataclass(frozen=True, kw_only=True)
class AssetMatches(Unary):
    """Looks at the asset of `key`, a user string, wherever it stands in the graph."""

    name = "asset_matches"
    key: str

    def fields(self) -> JsonData:
        return {"key": self.key}

    @classmethod
    def from_fields(cls, data: JsonData, children: tuple[AutomationCondition, ...]) -> AutomationCondition:
        return cls(children, key=data["key"])

    @property
    def description(self) -> str:
        return f"for {self.key}: {self.operand}"


class AnyDownstreamConditions(Operand):
    """The conditions of the nearest assets downstream. In a snapshot they stand in its place (`resolving.py`)."""

    name = "any_downstream_conditions"
    says = "the condition of an asset downstream holds here"
