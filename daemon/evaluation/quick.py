"""The evaluator that the daemon runs: for each asset the quickest one that says all that is to be said.

single partitions    assets without partitions, and those with partitions of which few can have changed; what they
                     read has no partitions or the same ones, read one by one        (compiling.py, points.py)
sets of partitions   all others                                                      (partitioned.py)
plain                conditions that look further than at direct dependencies, first looks under "baseline"
"""

from __future__ import annotations

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot, DepSnapshot
from .compiling import Compiled, compiled
from .moment import Moment, max_per_run
from .partitioned import PartitionedEvaluator
from .plain import Evaluation, evaluate
from .point_evaluation import evaluate_at
from .points import Way

MOST_POINTS = 8  # partitions that are quicker to evaluate one by one than as parts of sets


class QuickEvaluator:
    """Evaluates the assets of one set of definitions."""

    def __init__(self, definitions: DefinitionsSnapshot) -> None:
        self._assets = definitions.assets
        self._compiled: dict[int, Compiled | None] = {}
        self._ways: dict[str, Way | None] = {}
        self._shared: dict[Way, Way] = {}
        self._of_sets = PartitionedEvaluator()

    def __call__(self, moment: Moment, asset: AssetSnapshot) -> Evaluation:
        key = asset.key
        if key in moment.baseline:
            return evaluate(moment, asset)
        try:
            way = self._ways[key]
        except KeyError:
            way = self._ways[key] = self._way_of(asset)
        if way is None:
            return self._of_sets(moment, asset)
        if asset.partitions is None:
            return evaluate_at(moment, asset, way, None)
        points = self._points(moment, asset, way)
        if points is None:
            return self._of_sets(moment, asset)
        return evaluate_at(moment, asset, way, points)

    def _points(self, moment: Moment, asset: AssetSnapshot, way: Way) -> BitMap | None:
        """The partitions to look at one by one; None where it has to be all of them."""
        key, whole = asset.key, moment.whole
        if whole is None or key in whole or key in moment.initial or key in moment.changes.owed:
            return None
        found = [moment.partly[key]] if key in moment.partly else []
        for dep, (is_like, _) in zip(asset.deps, way.deps, strict=True):
            changed = moment.partly.get(dep.key)
            requested = moment.will_be_made(dep.key)
            if changed is None and requested is None:
                continue
            if not is_like:
                return None
            found += [bits for bits in (changed, requested and requested.bits) if bits]
            if found and len(found[-1]) > MOST_POINTS:  # thousands are not put together to be counted
                return None
        points = BitMap.union(*found) if found else BitMap()
        return points if 0 < len(points) <= MOST_POINTS and points.issubset(moment.existing(key)) else None

    def _way_of(self, asset: AssetSnapshot) -> Way | None:
        condition = asset.condition
        if condition is None:
            return None
        deps = []
        for dep in asset.deps:
            upstream = self._assets.get(dep.key)
            if upstream is None or not dep.gated:  # which sees updates that are no news to others
                return None
            is_like = upstream.partitions is not None
            if is_like and not _reads_the_same(asset, upstream, dep):
                return None
            deps.append((is_like, not upstream.external and _in_same_run(asset, upstream)))
        found = self._condition(condition)
        if found is None:
            return None
        if asset.partitions is not None and found.remembers_deps and not all(is_like for is_like, _ in deps):
            return None  # what it remembers of a dependency as a whole is not to be said of one partition
        way = Way(found, tuple(deps))
        return self._shared.setdefault(way, way)

    def _condition(self, condition: AutomationCondition) -> Compiled | None:
        if id(condition) not in self._compiled:  # equal ones that were loaded are one object, which `_assets` keeps
            self._compiled[id(condition)] = compiled(condition)
        return self._compiled[id(condition)]


def _reads_the_same(asset: AssetSnapshot, upstream: AssetSnapshot, dep: DepSnapshot) -> bool:
    """Whether both have the same partitions, and each is made of the one of its own key."""
    return asset.partitions == upstream.partitions and dep.mapping.reads_one(upstream.partitions, asset.partitions)


def _in_same_run(asset: AssetSnapshot, upstream: AssetSnapshot) -> bool:
    """Of assets with the same partitions, or none: whether a run can make both."""
    same = (asset.partitions is None) == (upstream.partitions is None)
    return same and (asset.partitions is None or max_per_run(asset) == max_per_run(upstream))
