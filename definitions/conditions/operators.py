"""Operators: the inner nodes of a condition, which combine what is below them.

AND and OR are sets of operands: one of the same kind without a label is merged into its parent. `since` and
`newly_true` remember something between ticks; their memory is kept under their `node_id`. Those that look around are in
`restricting.py` and `looking.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from ..errors import InvalidInvocationError
from .base import AutomationCondition, JsonData
from .first import as_first_of


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
        return as_first_of(cls(tuple(flat)), *operands)

    def with_children(self, children: Sequence[AutomationCondition]) -> Self:
        return replace(type(self).of(*children), label=self.label, first=self.first)  # type: ignore[attr-defined,return-value]

    @property
    def description(self) -> str:
        return f" {self.word} ".join(f"({child})" for child in self.operands)


class And(_Joined):
    name = "and"
    word = "and"


class Or(_Joined):
    name = "or"
    word = "or"


class Unary(Operator):
    """Over one operand."""

    @property
    def operand(self) -> AutomationCondition:
        return self.operands[0]


class Not(Unary):
    name = "not"

    @property
    def description(self) -> str:
        return f"not ({self.operand})"


class NewlyTrue(Unary):
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
