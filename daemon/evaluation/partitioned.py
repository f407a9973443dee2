"""The evaluator of partitioned assets: the plain one's operands and operators over a compiled condition.

The plain evaluator decides again at each node of what kind it is, spells out its path and combines sets that are mostly
empty. Here a condition is compiled once for all that have it (`compiled_sets.py`), what is nowhere true is passed
on as such, and what many assets make of the same is made once (`once.py`): to the whole evaluation of an asset that
reads what another one read (`alike.py`). What a node means stands in `plain.py` alone.

Conditions that look further than at direct dependencies are left to the plain evaluator.
"""

from __future__ import annotations

from collections.abc import Hashable

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition
from ...definitions.conditions import operands as op
from ...definitions.conditions import restricting as look
from ...definitions.snapshot import AssetSnapshot, DepSnapshot
from ...storage.state import Causes
from .alike import AlikeEvaluation, Known, Look, PartitionedEvaluation, View
from .compiled_sets import Compiled, Node
from .moment import Moment, max_per_run
from .plain import Evaluation, PlainEvaluator, evaluate, missing, passing
from .truth import NO_BITS, NO_CAUSES, Truth, all_of, any_of, is_true

NOTHING = Truth(NO_BITS)


class PartitionedEvaluator:
    """Evaluates assets; those whose conditions look far by the plain evaluator."""

    def __init__(self) -> None:
        self._compiled: dict[int, Compiled] = {}

    def __call__(self, moment: Moment, asset: AssetSnapshot) -> Evaluation:
        condition = asset.condition
        assert condition is not None
        compiled = self._compiled.get(id(condition))
        if compiled is None:  # with the condition itself, so that its id is not given again
            compiled = self._compiled[id(condition)] = Compiled.of(condition)
        if compiled.node is None:
            return evaluate(moment, asset)
        run = Run(moment, asset)
        views = run.views_of(compiled)
        if views is not None:
            return run.alike(compiled, views)
        run.result.truth = compiled.node(run, asset.key)
        return run.result


class Run(PlainEvaluator):
    """One evaluation under way."""

    def __init__(self, moment: Moment, root: AssetSnapshot) -> None:
        super().__init__(moment, root, PartitionedEvaluation(NOTHING))
        self.views: list[View] | None = None
        """What the dependencies look like, where they look the same to others."""
        self.latches: list[tuple[Causes, BitMap]] = []
        """What was latched, and what of it attempts have handled."""

    # ---- what assets have in common ----------------------------------------------------------------------------------

    def alike(self, compiled: Compiled, views: list[View]) -> Evaluation:
        """The evaluation of an asset whose dependencies look to it as to others: that of one that reads the same."""
        plan, key, once, moment = compiled.plan, self.root.key, self.moment.once, self.moment
        own = [getattr(self, name)(node, key) for node, name in plan.own]
        memory = moment.state.memory.nodes.get(key) or {}
        kept = [once.same_causes(memory[name]) if name in memory else NO_CAUSES for name in plan.remembered]
        place = (compiled, id(self.root.partitions), *[id(view.look) for view in views], *map(id, own), *map(id, kept))
        known = once.alike.get(place)
        if known is None or any(self._cleared_by_attempts(key, latched) for latched in known.latched):
            assert compiled.node is not None
            self.views = views
            self.latches.clear()
            truth, remember = compiled.node(self, key), self.result.remember
            known = Known(plan, own, truth, remember, [latched for latched, _ in self.latches], (own, kept, views))
            if not any(cleared for _, cleared in self.latches):
                once.alike[place] = known
        return AlikeEvaluation(key, known, views)

    def views_of(self, compiled: Compiled) -> list[View] | None:
        """What the dependencies look like; None where one of them looks to the root as to no other."""
        moment, root, views = self.moment, self.root, self.moment.once.views
        if not compiled.plan.can_be_alike or root.key in moment.initial:
            return None
        handled_last, owed = moment.state.asset(root.key).table.handled_last, moment.changes.owed.get(root.key, {})
        partitions, size, found = id(root.partitions), max_per_run(root), list[View]()
        for dep in root.deps:
            key = dep.key
            if not dep.gated or key in owed or key in moment.along or moment.first_step(key) <= handled_last:
                return None
            reader = compiled, key, id(dep.mapping), moment.requested.get(key), partitions, size
            view = views.get(reader)
            if view is None:
                view = views[reader] = self._view(compiled, dep, reader)
            found.append(view)
        return found

    def _view(self, compiled: Compiled, dep: DepSnapshot, reader: Hashable) -> View:
        """What a dependency looks like. Dependencies of which the same is true look alike, but for their names."""
        plan, key, once, root = compiled.plan, dep.key, self.moment.once, self.root
        self._edge = dep
        read = [getattr(self, name)(node, key) for node, name in plan.far]
        self._edge = None
        way = self.moment.way_along(root, dep), key if plan.leaves_out else None
        place = (compiled, *way, *map(id, read))
        look = once.alike.get(place)
        if look is None:
            truths = [self._seen(dep, one.child) if one.node.looks_at(key) else None for one in plan.deps]
            look = once.alike[place] = Look(plan, read, truths)
            self.result.leaves.clear()  # which are those of the look
        return View(key, look, reader)

    def along_deps(self, node: look.DepsMatch, child: Node, place: int) -> list[Truth]:
        """What a node says at each dependency, as seen from the root; `place` is the node's among those in the plan."""
        if self.views is not None:
            return [truth for view in self.views if (truth := view.look.truths[place]) is not None]
        return [self._seen(dep, child) for dep in self.root.deps if node.looks_at_all or node.looks_at(dep.key)]

    def _seen(self, dep: DepSnapshot, child: Node) -> Truth:
        self._edge = dep
        truth = child(self, dep.key)
        self._edge = None
        return self.moment.seen_downstream(self.root, dep, truth) if is_true(truth) else NOTHING

    def _cleared_by_attempts(self, key: str, latched: Causes) -> BitMap:
        cleared = super()._cleared_by_attempts(key, latched)
        self.latches.append((latched, cleared))
        return cleared

    # ---- operators ---------------------------------------------------------------------------------------------------

    def any_of(self, truths: list[Truth]) -> Truth:
        found = [truth for truth in truths if is_true(truth)]
        if len(found) <= 1:
            return found[0] if found else NOTHING
        return self.moment.once(_any_of, *found)

    def all_of(self, truths: list[Truth], key: str) -> Truth:
        if not all(map(is_true, truths)):
            return NOTHING
        return self.moment.once(_all_of, self._looked_at(key), *truths)

    def negated(self, truth: Truth, key: str) -> Truth:
        if is_true(truth):
            return self.moment.once(_less, self._looked_at(key), truth.bits)
        return self.moment.once(Truth, self._looked_at(key))

    # ---- operands that are mostly nowhere true, or true alike of many assets -----------------------------------------

    def _missing(self, node: AutomationCondition, key: str) -> Truth:
        once = self.moment.once
        return once(missing, self._looked_at(key), once.same(self.moment.state.asset(key).table.there()))

    def _in_progress(self, node: AutomationCondition, key: str) -> Truth:
        bits, once = self.moment.state.asset(key).in_progress, self.moment.once
        return once(_within, once.same(bits), self.moment.existing(key)) if bits else NOTHING

    def _execution_failed(self, node: AutomationCondition, key: str) -> Truth:
        table, once = self.moment.state.asset(key).table, self.moment.once
        bits = table.failed | BitMap(table.blocked) if table.failed or table.blocked else NO_BITS
        return once(_within, once.same(bits), self.moment.existing(key)) if bits else NOTHING

    def _newly_updated(self, node: AutomationCondition, key: str) -> Truth:
        once, gated = self.moment.once, self._edge is None or self._edge.gated
        updates = self.moment.updates(self.root.key, key, gated=gated)
        causes = once(Causes.within, updates, self.moment.existing(key)) if updates else updates
        if not causes:
            return NOTHING
        together = self._made_together(key, causes.bits) if self._edge is not None else NO_BITS
        return Truth.pulse(causes.without(together)) if together else once(Truth.pulse, causes)

    def _will_be_requested(self, node: AutomationCondition, key: str) -> Truth:
        truth, edge = self.moment.will_be_made(key) or self._riding(key), self._edge
        if truth is None or edge is None or not self.moment.same_run(self.root, edge):
            return NOTHING
        return self.moment.once(passing, truth)

    def _in_latest_time_window(self, node: AutomationCondition, key: str) -> Truth:
        asset = self.moment.definitions.assets.get(key)
        assert isinstance(node, op.InLatestTimeWindow)
        if asset is None:
            return super()._in_latest_time_window(node, key)
        return self.moment.once(self.moment.in_latest, asset.partitions, node)

    def _handled(self, node: AutomationCondition, key: str) -> Truth:
        once = self.moment.once
        return once(_within, once.same(self.moment.state.asset(key).table.attempted), self.moment.existing(key))

    def _gated(self, node: AutomationCondition, key: str) -> Truth:
        table, edge = self.moment.state.asset(key).table, self._edge
        if table.check_failed or table.held or (edge is not None and self.moment.reads_several(self.root, edge)):
            return super()._gated(node, key)
        return NOTHING


def _any_of(*truths: Truth) -> Truth:
    return any_of(truths)


def _all_of(candidates: BitMap, *truths: Truth) -> Truth:
    return all_of(truths, candidates)


def _less(candidates: BitMap, bits: BitMap) -> Truth:
    return Truth(candidates - bits)


def _within(bits: BitMap, existing: BitMap) -> Truth:
    return Truth(bits & existing)
