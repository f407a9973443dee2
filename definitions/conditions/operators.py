"""Operators: the inner nodes of a condition, which combine what is below them.

AND and OR are sets of operands: one of the same kind without a label is merged into its parent. `since` and
`newly_true` remember something between ticks; their memory is kept under their `node_id`. The two that look at upstream
assets evaluate their operand there and map the answer back along each dependency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from ..errors import InvalidInvocationError
from .base import AutomationCondition, JsonData


@dataclass(frozen=True)
class Operator(AutomationCondition):
    """An inner node over `operands`."""

    operands: tuple[AutomationCondition, ...]

    def __post_init__(self) -> None:
        for operand in self.operands:
            if not isinstance(operand, AutomationCondition):
                raise InvalidInvocationError(f"{self.name} takes conditions, not {operand!r}")

    @property
    def children(self) -> tuple[AutomationCondition, ...]:
        return self.operands

    def with_children(self, children: Sequence[AutomationCondition]) -> Self:
        return replace(self, operands=tuple(children))

    @classmethod
    def from_fields(cls, data: JsonData, children: tuple[AutomationCondition, ...]) -> AutomationCondition:
        return cls(children)


class _Joined(Operator):
    """AND and OR. An operand of the same kind without a label is merged into its parent."""

    word: ClassVar[str]

    @classmethod
    def of(cls, *operands: AutomationCondition) -> AutomationCondition:
        flat: list[AutomationCondition] = []
        for operand in operands:
            same = isinstance(operand, cls) and operand.label is None
            flat.extend(operand.children if same else (operand,))
        return cls(tuple(flat))

    def with_children(self, children: Sequence[AutomationCondition]) -> Self:
        return replace(type(self).of(*children), label=self.label)  # type: ignore[attr-defined,return-value]

    @property
    def description(self) -> str:
        return f" {self.word} ".join(f"({child})" for child in self.operands)


class And(_Joined):
    name = "and"
    word = "and"


class Or(_Joined):
    name = "or"
    word = "or"


class _Unary(Operator):
    @property
    def operand(self) -> AutomationCondition:
        return self.operands[0]


class Not(_Unary):
    name = "not"

    @property
    def description(self) -> str:
        return f"not ({self.operand})"


class NewlyTrue(_Unary):
    """Remembers whether its operand was true."""

    name = "newly_true"

    @property
    def description(self) -> str:
        return f"({self.operand}) has become true"


class Since(Operator):
    """Remembers, for each partition, the cause that `trigger` was true for, until `reset` speaks through it."""

    name = "since"

    @property
    def trigger(self) -> AutomationCondition:
        return self.operands[0]

    @property
    def reset(self) -> AutomationCondition:
        return self.operands[1]

    @property
    def description(self) -> str:
        return f"({self.trigger}) since ({self.reset})"


@dataclass(frozen=True)
class DepsMatch(_Unary):
    """Looks at the upstream assets: at those of `allowed` (None: all) that are not in `ignored`; both user strings.

    `allow_selections` and `ignore_selections` are the strings of selections that are not resolved to keys yet. In a
    snapshot there are none: it holds what they mean for its assets (`resolving.py`).
    """

    allowed: tuple[str, ...] | None = None
    ignored: tuple[str, ...] = ()
    allow_selections: tuple[str, ...] = ()
    ignore_selections: tuple[str, ...] = ()

    @property
    def is_resolved(self) -> bool:
        return not (self.allow_selections or self.ignore_selections)

    def looks_at(self, upstream: str) -> bool:
        """Whether the upstream asset of this user string takes part."""
        assert self.is_resolved, f"{self}: take the condition from the snapshot, where its selections are keys"
        return upstream not in self.ignored and (self.allowed is None or upstream in self.allowed)

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
        )

    def _among(self) -> str:
        allowed, ignored = (*(self.allowed or ()), *self.allow_selections), (*self.ignored, *self.ignore_selections)
        only = "" if self.allowed is None else f" among {', '.join(allowed)}"
        return only + (f" except {', '.join(ignored)}" if ignored else "")


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
