"""The inner nodes of a selection: unions, what is common, what is left, ways through the graph, and checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from ..errors import InvalidInvocationError
from ..keys import AssetCheckKey, AssetKey
from .base import AssetSelection
from .names import Everything, Leaf
from .view import SelectableAssets


@dataclass(frozen=True, slots=True, repr=False)
class _Joined(AssetSelection):
    """Two or more selections; one of the same sort among them is merged into it."""

    operands: tuple[AssetSelection, ...]

    word: ClassVar[str]

    @classmethod
    def of(cls, operands: Iterable[AssetSelection]) -> Self:
        flat: list[AssetSelection] = []
        for operand in operands:
            flat.extend(operand.operands if isinstance(operand, cls) else (operand,))
        return cls(tuple(flat))

    def __str__(self) -> str:
        return f" {self.word} ".join(
            f"({operand})" if isinstance(operand, Or) and self.word == "and" else str(operand)
            for operand in self.operands
        )


class Or(_Joined):
    __slots__ = ()
    word = "or"

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return set[AssetKey]().union(*(operand.assets_in(view) for operand in self.operands))

    def checks_in(self, view: SelectableAssets) -> set[AssetCheckKey]:
        return set[AssetCheckKey]().union(*(operand.checks_in(view) for operand in self.operands))


class And(_Joined):
    __slots__ = ()
    word = "and"

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return set.intersection(*(operand.assets_in(view) for operand in self.operands))

    def checks_in(self, view: SelectableAssets) -> set[AssetCheckKey]:
        return set.intersection(*(operand.checks_in(view) for operand in self.operands))


def any_of(selections: Sequence[AssetSelection]) -> AssetSelection:
    """The union of any number of selections; of none it is empty."""
    if len(selections) == 1:
        return selections[0]
    return Or.of(selections) if selections else Not(Everything())


@dataclass(frozen=True, slots=True, repr=False)
class _Unary(AssetSelection):
    operand: AssetSelection


class Not(_Unary):
    """All that is not selected, external assets and checks too."""

    __slots__ = ()

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return view.keys - self.operand.assets_in(view)

    def checks_in(self, view: SelectableAssets) -> set[AssetCheckKey]:
        return view.checks - self.operand.checks_in(view)

    def __str__(self) -> str:
        return f"not ({self.operand})" if isinstance(self.operand, _Joined) else f"not {self.operand}"


@dataclass(frozen=True, slots=True, repr=False)
class Within(_Unary):
    """With as many layers upstream and downstream; None is all of them."""

    up: int | None
    down: int | None

    @classmethod
    def of(cls, operand: AssetSelection, *, up: int | None, down: int | None) -> AssetSelection:
        for depth in (up, down):
            if depth is not None and (not isinstance(depth, int) or depth < 0):
                raise InvalidInvocationError(f"the depth is a number of layers, 0 or more, or None for all: {depth!r}")
        return operand if up == 0 and down == 0 else cls(operand, up, down)

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return view.within(self.operand.assets_in(view), up=self.up, down=self.down)

    def __str__(self) -> str:
        above = "" if self.up == 0 else "+" if self.up is None else f"{self.up}+"
        below = "" if self.down == 0 else "+" if self.down is None else f"+{self.down}"
        operand = self.operand
        return f"{above}{operand}{below}" if isinstance(operand, (Leaf, Function)) else f"{above}({operand}){below}"


class Function(_Unary):
    """What is written `name(selection)`."""

    __slots__ = ()
    name: ClassVar[str]

    def __str__(self) -> str:
        return f"{self.name}({self.operand})"


class Roots(Function):
    __slots__ = ()
    name = "roots"

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        chosen = self.operand.assets_in(view)
        return {key for key in chosen if chosen.isdisjoint(view.parents(key))}


class Sinks(Function):
    __slots__ = ()
    name = "sinks"

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        chosen = self.operand.assets_in(view)
        return {key for key in chosen if chosen.isdisjoint(view.children(key))}


class MadeWith(Function):
    """With all that can only be made together with what is selected: the other assets of the same functions."""

    __slots__ = ()
    name = "made_with"

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return view.made_with(self.operand.assets_in(view))


class ChecksOf(Function):
    """The checks of what is selected, without the assets."""

    __slots__ = ()
    name = "checks"

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return set()

    def checks_in(self, view: SelectableAssets) -> set[AssetCheckKey]:
        return view.checks_of(self.operand.assets_in(view))


class WithoutChecks(Function):
    __slots__ = ()
    name = "without_checks"

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return self.operand.assets_in(view)

    def checks_in(self, view: SelectableAssets) -> set[AssetCheckKey]:
        return set()


FUNCTIONS: dict[str, type[Function]] = {kind.name: kind for kind in (Roots, Sinks, MadeWith, ChecksOf, WithoutChecks)}
