"""The nodes of a condition as an evaluation found them: the plain evaluator, which notes what each node came to.

A node is looked at for some partitions of the asset that is explained; `concerned` are those of the asset that the node
looks at which they read. It is *true* where it is true for one of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition
from ...definitions.snapshot import AssetSnapshot, DepSnapshot
from .moment import Moment
from .plain import PlainEvaluator
from .truth import Truth, nothing


@dataclass
class Found:
    """One node at one asset (or check)."""

    node: AutomationCondition
    key: str
    concerned: BitMap
    truth: Truth = field(default_factory=nothing)
    children: list[Found] = field(default_factory=list)

    @property
    def bits(self) -> BitMap:
        return self.truth.bits & self.concerned

    @property
    def is_true(self) -> bool:
        return bool(self.bits)

    @property
    def name(self) -> str:
        return self.node.label or self.node.name


def found_tree(moment: Moment, asset: AssetSnapshot, concerned: BitMap) -> Found:
    """The condition of `asset` as it is at `moment`, for the partitions `concerned`."""
    assert asset.condition is not None
    explainer = _Explainer(moment, asset, concerned)
    explainer.run(asset.condition)
    return explainer.top.children[0]


class _Explainer(PlainEvaluator):
    def __init__(self, moment: Moment, root: AssetSnapshot, concerned: BitMap) -> None:
        super().__init__(moment, root)
        assert root.condition is not None
        self.top: Found = Found(root.condition, root.key, concerned)
        self._under = self.top
        self._concerned = concerned

    def node(self, node: AutomationCondition, key: str, path: str) -> Truth:
        found = Found(node, key, self._concerned)
        self._under.children.append(found)
        outer, self._under = self._under, found
        found.truth = super().node(node, key, path)
        self._under = outer
        return found.truth

    def _along(
        self, reader: AssetSnapshot, edge: DepSnapshot | None, node: AutomationCondition, key: str, path: str
    ) -> Truth:
        outer = self._concerned
        self._concerned = self.moment.existing(key)
        if edge is not None:
            not_there = self.moment.looked_at(reader, edge) - self.moment.existing(key)
            self._concerned = self.moment.upstream(reader, edge, outer) | not_there
        truth = super()._along(reader, edge, node, key, path)
        self._concerned = outer
        return truth
