"""The evaluator of partitioned assets: the plain one's operands and operators over a compiled condition.

The plain evaluator decides again at each node of what kind it is, spells out its path and combines sets that are mostly
empty. Here a condition becomes functions that call each other, once for all assets that have it; a path is spelled out
where a leaf is true, and what is nowhere true is passed on as such. What a node means stands in `plain.py` alone.

Conditions that look further than at direct dependencies are left to the plain evaluator.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition, PythonCondition
from ...definitions.conditions import operands as op
from ...definitions.conditions import operators as ops
from ...definitions.conditions import restricting as look
from ...definitions.conditions import run_operands as runs
from ...definitions.snapshot import AssetSnapshot, DepSnapshot
from ...storage.state import Causes
from .moment import Moment, max_per_run
from .place import Place
from .plain import OPERANDS, Evaluation, Leaf, PlainEvaluator, evaluate, missing, passing
from .truth import NO_BITS, Truth, all_of, any_of

NOTHING = Truth(NO_BITS)

Node = Callable[["_Run", str], Truth]
"""A compiled node: its truth at an asset."""


class PartitionedEvaluation(Evaluation):
    """An evaluation of which the leaves are those that were true."""


class PartitionedEvaluator:
    """Evaluates assets; those whose conditions look far by the plain evaluator."""

    def __init__(self) -> None:
        self._compiled: dict[int, tuple[AutomationCondition, Node | None]] = {}

    def __call__(self, moment: Moment, asset: AssetSnapshot) -> Evaluation:
        condition = asset.condition
        assert condition is not None
        known = self._compiled.get(id(condition))
        if known is None:  # with the condition itself, so that its id is not given again
            known = self._compiled[id(condition)] = condition, _compiled(condition, Place())
        node = known[1]
        if node is None:
            return evaluate(moment, asset)
        run = _Run(moment, asset)
        run.result.truth = node(run, asset.key)
        return run.result


class _Run(PlainEvaluator):
    """One evaluation under way."""

    def __init__(self, moment: Moment, root: AssetSnapshot) -> None:
        super().__init__(moment, root)
        self.result: Evaluation = PartitionedEvaluation()
        self._readers: list[tuple[DepSnapshot, Hashable]] | None = None

    def along_deps(self, node: look.DepsMatch, child: Node, is_shared: bool) -> list[Truth]:
        """What a node says at each dependency, as seen from the root. What it says to many readers is said once."""
        views = self.moment.once.views
        truths = []
        for dep, reader in self._edges():
            if not node.looks_at_all and not node.looks_at(dep.key):
                continue
            if not is_shared or reader is None:
                truths.append(self._seen(dep, child))
                continue
            view = views.get((child, reader))
            if view is None:
                known = len(self.result.leaves)
                view = views[child, reader] = self._seen(dep, child), self.result.leaves[known:], reader
            elif view[1]:
                self.result.leaves += view[1]
            truths.append(view[0])
        return truths

    def _seen(self, dep: DepSnapshot, child: Node) -> Truth:
        self._edge = dep
        truth = child(self, dep.key)
        self._edge = None
        return self.moment.seen_downstream(self.root, dep, truth) if is_true(truth) else NOTHING

    def _edges(self) -> list[tuple[DepSnapshot, Hashable]]:
        """The dependencies, each with what the root has in common with all readers to which it looks the same; None
        where it looks to the root as to no other."""
        if self._readers is None:
            root, moment = self.root, self.moment
            own = id(root.partitions), max_per_run(root)
            handled_last, owed = moment.state.asset(root.key).table.handled_last, moment.changes.owed.get(root.key, {})
            is_alone = root.key in moment.initial
            self._readers = [
                (
                    dep,
                    None
                    if is_alone
                    or dep.key in owed
                    or dep.key in moment.along
                    or moment.first_step(dep.key) <= handled_last
                    else (dep.key, id(dep.mapping), dep.gated, moment.requested.get(dep.key), *own),
                )
                for dep in root.deps
            ]
        return self._readers

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
        return super()._in_progress(node, key) if self.moment.state.asset(key).in_progress else NOTHING

    def _execution_failed(self, node: AutomationCondition, key: str) -> Truth:
        table = self.moment.state.asset(key).table
        return super()._execution_failed(node, key) if table.failed or table.blocked else NOTHING

    def _newly_updated(self, node: AutomationCondition, key: str) -> Truth:
        once, updates = self.moment.once, self.moment.updates(self.root.key, key)
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


def is_true(truth: Truth) -> bool:
    """Whether it is true anywhere."""
    return bool(truth.lasting) or bool(truth.passing)


def _any_of(*truths: Truth) -> Truth:
    return any_of(truths)


def _all_of(candidates: BitMap, *truths: Truth) -> Truth:
    return all_of(truths, candidates)


def _less(candidates: BitMap, bits: BitMap) -> Truth:
    return Truth(candidates - bits)


def _within(bits: BitMap, existing: BitMap) -> Truth:
    return Truth(bits & existing)


# ---- compiling -------------------------------------------------------------------------------------------------------


def _compiled(node: AutomationCondition, place: Place) -> Node | None:
    """The function of a node, or None where something below it looks further than one dependency."""
    here = place.down(f"/{node.label or node.name}")
    if type(node) in OPERANDS:
        return _leaf(node, here)
    if isinstance(node, look.DepsMatch):
        child = _compiled(node.children[0], here.along_dep()) if place.after is None else None
        return None if child is None else _deps(node, child)
    if isinstance(node, ops.Since):
        trigger = _compiled(node.children[0], here.down(".trigger"))
        reset = _compiled(node.children[1], here.down(".reset"))
        return None if trigger is None or reset is None else _since(node, trigger, reset)
    if isinstance(node, ops.NewlyTrue):
        child = _compiled(node.children[0], here)
        return None if child is None else _newly_true(node, child)
    children = [_compiled(child, here.down(f".{n}")) for n, child in enumerate(node.children)]
    known = [child for child in children if child is not None]
    combine = _COMBINED.get(type(node))
    return None if combine is None or len(known) < len(children) else combine(known)


def _leaf(node: AutomationCondition, place: Place) -> Node:
    """Takes note of the leaf where it is true."""
    label, pulse, name = node.label or node.name, bool(getattr(node, "pulse", False)), OPERANDS[type(node)]

    def evaluated(run: _Run, key: str) -> Truth:
        truth: Truth = getattr(run, name)(node, key)
        if is_true(truth):
            run.result.leaves.append(Leaf(place.path(key), label, key, truth, pulse))
        return truth

    return evaluated


def _deps(node: look.DepsMatch, child: Node) -> Node:
    is_shared = _says_the_same(node.children[0])
    if isinstance(node, look.AnyDepsMatch):
        return lambda run, key: run.any_of(run.along_deps(node, child, is_shared))
    return lambda run, key: run.all_of(run.along_deps(node, child, is_shared), key)


def _says_the_same(node: AutomationCondition) -> bool:
    """Whether what a node says of a dependency is the same for all that read it alike: it remembers nothing for the one
    who asks, and asks nothing about it."""
    if type(node) in OPERANDS:
        return type(node) not in _ABOUT_THE_ROOT
    return isinstance(node, ops.And | ops.Or | ops.Not) and all(map(_says_the_same, node.children))


_ABOUT_THE_ROOT = (runs.ExecutedWithRootTarget, op.InitialEvaluation, PythonCondition)


def _since(node: ops.Since, trigger: Node, reset: Node) -> Node:
    return lambda run, key: run.latched(node, key, trigger(run, key), run.as_reset(lambda: reset(run, key)))


def _newly_true(node: ops.NewlyTrue, child: Node) -> Node:
    return lambda run, key: run.turned_true(node, key, child(run, key))


def _and(children: list[Node]) -> Node:
    return lambda run, key: run.all_of([child(run, key) for child in children], key)


def _or(children: list[Node]) -> Node:
    return lambda run, key: run.any_of([child(run, key) for child in children])


def _not(children: list[Node]) -> Node:
    [child] = children
    return lambda run, key: run.negated(child(run, key), key)


_COMBINED: dict[type, Callable[[list[Node]], Node]] = {ops.And: _and, ops.Or: _or, ops.Not: _not}
