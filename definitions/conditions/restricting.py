"""Operators that look around, at dependencies or at checks, and can be told at which of them: `allow` and `ignore`.

What is meant stands as keys where a selection names them, and as the string of the selection where that needs the
graph. In a snapshot there are only keys: what selections mean for the assets that the condition is of (`resolving.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import AutomationCondition, JsonData
from .operators import Unary


@dataclass(frozen=True)
class Restricted(Unary):
    """Looks at those of `allowed` (None: all) that are not in `ignored`; both user strings."""

    allowed: tuple[str, ...] | None = None
    ignored: tuple[str, ...] = ()
    allow_selections: tuple[str, ...] = ()
    ignore_selections: tuple[str, ...] = ()

    @property
    def is_resolved(self) -> bool:
        return not (self.allow_selections or self.ignore_selections)

    @property
    def looks_at_all(self) -> bool:
        """Whether nothing is left out."""
        return self.allowed is None and not self.ignored

    def is_meant(self, *names: str) -> bool:
        """Whether what goes by these names takes part."""
        assert self.is_resolved, f"{self}: take the condition from the snapshot, where its selections are keys"
        if any(name in self.ignored for name in names):
            return False
        return self.allowed is None or any(name in self.allowed for name in names)

    def fields(self) -> JsonData:
        data: JsonData = {}
        if self.allowed is not None:
            data["allow"] = list(self.allowed)
        if self.ignored:
            data["ignore"] = list(self.ignored)
        if self.allow_selections:
            data["allow_selections"] = list(self.allow_selections)
        if self.ignore_selections:
            data["ignore_selections"] = list(self.ignore_selections)
        return data

    @classmethod
    def from_fields(cls, data: JsonData, children: tuple[AutomationCondition, ...]) -> AutomationCondition:
        allowed = data.get("allow")
        return cls(
            children,
            None if allowed is None else tuple(allowed),
            tuple(data.get("ignore", ())),
            tuple(data.get("allow_selections", ())),
            tuple(data.get("ignore_selections", ())),
            **cls.more_fields(data),
        )

    @classmethod
    def more_fields(cls, data: JsonData) -> dict[str, Any]:
        """The arguments that a kind has of its own."""
        return {}

    def _among(self) -> str:
        allowed, ignored = (*(self.allowed or ()), *self.allow_selections), (*self.ignored, *self.ignore_selections)
        only = "" if self.allowed is None else f" among {', '.join(allowed)}"
        return only + (f" except {', '.join(ignored)}" if ignored else "")


class DepsMatch(Restricted):
    """Looks at the upstream assets."""

    def looks_at(self, upstream: str) -> bool:
        """Whether the upstream asset of this user string takes part."""
        return self.is_meant(upstream)


class AnyDepsMatch(DepsMatch):
    name = "any_deps_match"

    @property
    def description(self) -> str:
        return f"for any upstream asset{self._among()}: {self.operand}"


class AllDepsMatch(DepsMatch):
    name = "all_deps_match"

    @property
    def description(self) -> str:
        return f"for each upstream asset{self._among()}: {self.operand}"


@dataclass(frozen=True)
class ChecksMatch(Restricted):
    """Looks at the checks of the asset; at the blocking ones only, if `blocking_only`.

    `allowed` and `ignored` name checks, as in "orders:is_recent", or assets: then all checks of these are meant.
    """

    blocking_only: bool = False

    def looks_at(self, asset: str, check: str) -> bool:
        """Whether the check of this name of the asset takes part."""
        return self.looks_at_all or self.is_meant(asset, f"{asset}:{check}")

    def fields(self) -> JsonData:
        return {**super().fields(), "blocking_only": True} if self.blocking_only else super().fields()

    @classmethod
    def more_fields(cls, data: JsonData) -> dict[str, Any]:
        return {"blocking_only": data.get("blocking_only", False)}

    @property
    def _checks(self) -> str:
        return ("blocking check" if self.blocking_only else "check") + self._among()


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
