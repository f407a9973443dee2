"""What comes of an evaluation at single partitions.

Of an asset with partitions these are the ones for which anything can have changed; about the others nothing is said,
and what their memory holds stays.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot
from ...storage import events as e
from ...storage.state import Causes
from .compiling import LeafKind
from .moment import Moment
from .plain import Changed, Evaluation, Leaf
from .points import Point, Run, Way
from .truth import NO_BITS, NO_CAUSES, WHOLE, Truth

NOTHING = Truth(NO_BITS)  # never changed


class PointEvaluation(Evaluation):
    """An evaluation at single partitions: its leaves are those that were true there, and are made when looked at.

    `remember` has nothing of the condition's own nodes, which stands in `points`.
    """

    def __init__(self, run: Run, points: list[Point]) -> None:
        self.points: list[Point] = points
        self.truth: Truth = _truth_of_whole(points[0], run.moment) if run.is_whole else _truth_of(points)
        self.remember: dict[str, Causes] = {}
        self.looked_at: BitMap | None = None if run.is_whole else BitMap([point.ordinal for point in points])
        self._run = run

    @property
    def leaves(self) -> list[Leaf]:  # type: ignore[override]
        return [_leaf(*leaf, point.ordinal) for point in self.points for leaf in point.leaves]

    @property
    def pulsed(self) -> bool:
        return any(kind.pulse for point in self.points for kind, _, _ in point.leaves)

    def told(self, moment: Moment, key: str, bits: BitMap) -> tuple[e.LeafTruth, ...]:
        if len(self.points) > 1:
            return self._told_of_several(moment, bits)
        [point] = self.points
        own = None if self._run.is_whole else moment.state.space(key).ranges(BitMap([point.ordinal]))
        of_whole = self._of_whole() if own else ()
        is_asked = point.ordinal in bits
        return tuple(
            [
                (kind.place.path(at), position or None, None if at in of_whole else own)
                for kind, at, position in point.leaves
                if is_asked or at in of_whole
            ]
        )

    def _of_whole(self) -> list[str]:
        """The dependencies without partitions: what is said of them is said of no partition."""
        run = self._run
        return [dep.key for dep, (is_like, _) in zip(run.root_asset.deps, run.way.deps, strict=True) if not is_like]

    def _told_of_several(self, moment: Moment, bits: BitMap) -> tuple[e.LeafTruth, ...]:
        """Each leaf once, in the order of the condition, with the newest position among its partitions."""
        of_whole = self._of_whole()
        found: dict[tuple[LeafKind, str], tuple[float, BitMap]] = {}
        for point in self.points:
            for kind, key, position in point.leaves:
                if key in of_whole or point.ordinal in bits:
                    newest, where = found.get((kind, key), (0.0, BitMap()))
                    found[kind, key] = max(newest, position), where | BitMap([0 if key in of_whole else point.ordinal])
        keys = [dep.key for dep in self._run.root_asset.deps]

        def order(leaf: tuple[LeafKind, str]) -> tuple[int, int, int]:
            kind, key = leaf
            return kind.loop, 0 if kind.place.after is None else keys.index(key), kind.number

        return tuple(
            [
                (kind.place.path(key), position or None, moment.state.space(key).ranges(where))
                for kind, key in sorted(found, key=order)
                for position, where in [found[kind, key]]
            ]
        )

    @property
    def nodes(self) -> Collection[str]:
        return {*self.remember, *(node for point in self.points for node in point.kept)}

    def changes_at_points(self) -> dict[str, Changed]:
        found: dict[str, Changed] = {}
        for ordinal, _, kept, _ in self.points:
            for node, position in kept.items():
                causes = self._run.memory.get(node)
                before = causes.position(ordinal) if causes is not None else 0
                if before != position:
                    found.setdefault(node, []).append((ordinal, before, position))
        return found


def evaluate_at(moment: Moment, asset: AssetSnapshot, way: Way, points: BitMap | None) -> PointEvaluation:
    """Evaluate an asset at some of its partitions; one that has none as a whole (`points` is None)."""
    run = Run(moment, asset, way)
    return PointEvaluation(run, [run.at(ordinal) for ordinal in ((0,) if points is None else points)])


def _leaf(kind: LeafKind, key: str, position: float, ordinal: int) -> Leaf:
    where = BitMap([ordinal])
    causes = Causes._of_disjoint([(position, where)]) if position else NO_CAUSES
    return Leaf(kind.place.path(key), kind.label, key, Truth(where, causes), kind.pulse)


def _truth_of_whole(point: Point, moment: Moment) -> Truth:
    lasting, position, passing, passing_position = point.value
    if not (lasting or passing):
        return NOTHING
    return Truth(
        WHOLE if lasting else NO_BITS,
        moment.whole_at(position) if position else NO_CAUSES,
        WHOLE if passing else NO_BITS,
        moment.whole_at(passing_position) if passing_position else NO_CAUSES,
    )


def _truth_of(points: list[Point]) -> Truth:
    lasting = [(at, BitMap([n])) for n, (is_true, at, _, _), _, _ in points if is_true]
    passing = [(at, BitMap([n])) for n, (_, _, is_true, at), _, _ in points if is_true]
    if not lasting and not passing:
        return NOTHING
    return Truth(_bits(lasting), _causes(lasting), _bits(passing), _causes(passing))


def _bits(found: list[Any]) -> BitMap:
    return BitMap.union(*(bits for _, bits in found)) if found else NO_BITS


def _causes(found: list[tuple[float, BitMap]]) -> Causes:
    return Causes(group for group in found if group[0]) if found else NO_CAUSES
