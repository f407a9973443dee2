"""What looks elsewhere than at upstream assets: at checks, at any asset by its key, at conditions downstream."""

from __future__ import annotations

from dataclasses import dataclass

from .base import AutomationCondition, JsonData
from .operands import Operand
from .operators import _Unary


@dataclass(frozen=True)
class ChecksMatch(_Unary):
    """Looks at the checks of the asset; at the blocking ones only, if `blocking_only`."""

    blocking_only: bool = False

    def fields(self) -> JsonData:
        return {"blocking_only": True} if self.blocking_only else {}

    @classmethod
    def from_fields(cls, data: JsonData, children: tuple[AutomationCondition, ...]) -> AutomationCondition:
        return cls(children, data.get("blocking_only", False))

    @property
    def _checks(self) -> str:
        return "blocking check" if self.blocking_only else "check"


class AnyChecksMatch(ChecksMatch):
    name = "any_checks_match"

    @property
    def description(self) -> str:
        return f"for any {self._checks}: {self.operand}"


class AllChecksMatch(ChecksMatch):
    name = "all_checks_match"

    @property
    def description(self) -> str:
        return f"for each {self._checks}: {self.operand}"


@dataclass(frozen=True, kw_only=True)
class AssetMatches(_Unary):
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
