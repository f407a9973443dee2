"""The evaluator of unpartitioned assets: the same answers as the plain one, without a bitmap.

Most assets have no partitions. For one whose dependencies have none either, each node of its condition is true or not,
because of one position in the log; sets of partitions, their mappings and their grouped positions cost thirty times as
much and say no more. A condition is compiled once, into functions that call each other, and shared by all assets that
have it; the walk over dependencies happens as it runs.

The value of a node is a tuple, read like `Truth`: lasting, its position (0 where it has none), passing, its position.
What is not in here (partitions, dependencies of dependencies or without gates, operands of other kinds) is left to
`partitioned.py`; the plain evaluator is the oracle that this one is tested against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition, PythonCondition
from ...definitions.conditions import operands as op
from ...definitions.conditions import operators as ops
from ...definitions.conditions import restricting as look
from ...definitions.conditions import run_operands as runs
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot, DepSnapshot
from ...storage import events as e
from ...storage.state import AssetState, Causes
from .moment import Moment
from .partitioned import PartitionedEvaluator
from .place import Place
from .plain import Evaluation, Leaf, evaluate
from .truth import NO_BITS, NO_CAUSES, Truth

Value = tuple[bool, float, bool, float]
FALSE: Value = (False, 0, False, 0)
TRUE: Value = (True, 0, False, 0)
WHOLE = BitMap([0])  # never changed

Node = Callable[["_Run", str, DepSnapshot | None], Value]
"""A compiled node: its value for a run, at an asset, seen along a dependency (None: at the root itself)."""


class TrueLeaf(NamedTuple):
    """A leaf that was true."""

    place: Place
    label: str
    key: str
    position: float
    pulse: bool

    @property
    def path(self) -> str:
        return self.place.path(self.key)


class ScalarEvaluation(Evaluation):
    """An evaluation whose leaves are made when somebody looks at them; those that were false are not among them."""

    def __init__(self, truth: Truth, remember: dict[str, Causes], true_leaves: list[TrueLeaf]) -> None:
        self.truth: Truth = truth
        self.remember: dict[str, Causes] = remember
        self._true_leaves = true_leaves

    @property
    def leaves(self) -> list[Leaf]:  # type: ignore[override]
        return [Leaf(leaf.path, leaf.label, leaf.key, _truth(leaf.position), leaf.pulse) for leaf in self._true_leaves]

    @property
    def pulsed(self) -> bool:
        return any(leaf.pulse for leaf in self._true_leaves)

    def told(self, moment: Moment, key: str, bits: BitMap) -> tuple[e.LeafTruth, ...]:
        return tuple([(leaf.path, leaf.position or None, None) for leaf in self._true_leaves])


class ScalarEvaluator:
    """Evaluates the assets of one set of definitions; those that it cannot, by the one for partitioned assets."""

    def __init__(self, definitions: DefinitionsSnapshot) -> None:
        self._assets = definitions.assets
        self._compiled: dict[int, Node | None] = {}
        self._nodes: dict[str, Node | None] = {}
        self._partitioned = PartitionedEvaluator()

    def __call__(self, moment: Moment, asset: AssetSnapshot) -> Evaluation:
        key = asset.key
        try:
            node = self._nodes[key]
        except KeyError:
            node = self._nodes[key] = self._node_of(asset)
        if key in moment.baseline:
            return evaluate(moment, asset)
        if node is None:
            return self._partitioned(moment, asset)
        run = _Run(moment, asset)
        lasting, position, passing, passing_position = node(run, key, None)
        truth = Truth(
            WHOLE if lasting else NO_BITS,
            _causes(position) if position else NO_CAUSES,
            WHOLE if passing else NO_BITS,
            _causes(passing_position) if passing_position else NO_CAUSES,
        )
        return ScalarEvaluation(truth, run.remember, run.leaves)

    def _node_of(self, asset: AssetSnapshot) -> Node | None:
        condition = asset.condition
        if condition is None or asset.partitions is not None:
            return None
        for dep in asset.deps:
            upstream = self._assets.get(dep.key)
            if upstream is None or upstream.partitions is not None or not dep.gated:
                return None
        if id(condition) not in self._compiled:  # equal ones that were loaded are one object, which `_assets` keeps
            self._compiled[id(condition)] = _compiled(condition, Place())
        return self._compiled[id(condition)]


def _causes(position: float) -> Causes:
    return Causes._of_disjoint([(position, WHOLE)])


def _truth(position: float) -> Truth:
    return Truth(WHOLE, _causes(position) if position else NO_CAUSES)


class _Run:
    """One evaluation under way."""

    __slots__ = ("first", "leaves", "memory", "moment", "remember", "root", "root_asset", "root_state", "state")

    def __init__(self, moment: Moment, root: AssetSnapshot) -> None:
        self.moment, self.root_asset, self.root = moment, root, root.key
        self.state = moment.state
        self.root_state = self.state.asset(root.key)
        self.first = root.key in moment.initial
        self.memory = self.state.memory.nodes.get(root.key) or {}
        self.remember: dict[str, Causes] = {}
        self.leaves: list[TrueLeaf] = []

    def at(self, key: str) -> AssetState:
        return self.state.assets.get(key) or self.state.asset(key)

    def remembered(self, name: str) -> float:
        """The position that a node has latched; 0 where none."""
        causes = self.memory.get(name)
        return causes.groups[0][0] if causes is not None and causes.groups else 0

    def keep(self, name: str, position: float) -> None:
        """Remember a position (0: nothing) under a name."""
        before = self.memory.get(name)
        if before is not None and before.groups and before.groups[0][0] == position:
            self.remember[name] = before
        else:
            self.remember[name] = _causes(position) if position else NO_CAUSES


# ---- compiling -------------------------------------------------------------------------------------------------------


def _compiled(node: AutomationCondition, place: Place) -> Node | None:
    """The function of a node, or None where something below it is not for this evaluator."""
    here = place.down(f"/{node.label or node.name}")
    operand = _OPERANDS.get(type(node))
    if operand is not None:
        return _leaf(operand(node), node, here)
    if isinstance(node, PythonCondition):
        return _leaf(_python(node, in_reset=place.in_reset), node, here)
    if isinstance(node, look.DepsMatch):
        if place.after is not None:
            return None
        child = _compiled(node.children[0], here.along_dep())
        return None if child is None else _deps(node, child)
    if isinstance(node, ops.Since):
        trigger = _compiled(node.children[0], here.down(".trigger"))
        reset = _compiled(node.children[1], here.down(".reset")._replace(in_reset=True))
        if trigger is None or reset is None:
            return None
        handled = isinstance(node.children[1], op.Handled)
        return _since_handled(node.node_id, trigger, reset) if handled else _since(node.node_id, trigger, reset)
    if isinstance(node, ops.NewlyTrue):
        child = _compiled(node.children[0], here)
        return None if child is None else _newly_true(node.node_id, child)
    combine = _COMBINED.get(type(node))
    if combine is None:
        return None
    children = [_compiled(child, here.down(f".{n}")) for n, child in enumerate(node.children)]
    if any(child is None for child in children):
        return None
    return combine([child for child in children if child is not None])


def _leaf(value: Node, node: AutomationCondition, place: Place) -> Node:
    """Takes note of the leaf where it is true."""
    label, pulse = node.label or node.name, bool(getattr(node, "pulse", False))

    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        found = value(run, key, dep)
        if found is not FALSE and (found[0] or found[2]):
            run.leaves.append(TrueLeaf(place, label, key, max(found[1], found[3]), pulse))
        return found

    return evaluated


# ---- operands --------------------------------------------------------------------------------------------------------


def _missing(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    table = run.at(key).table
    there = 0 in table.materialized or (table.observable and 0 in table.observed)
    return FALSE if there else (True, 0.5, False, 0)


def _in_progress(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    return TRUE if run.at(key).in_progress else FALSE


def _run_in_progress(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    return TRUE if run.at(key).run_in_progress else FALSE


def _backfill_in_progress(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    return TRUE if run.at(key).backfill_in_progress else FALSE


def _execution_failed(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    table = run.at(key).table
    return TRUE if 0 in table.failed or 0 in table.blocked else FALSE


def _newly_updated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    changes = run.moment.changes
    updated = changes.updated.get(key)
    position: float = updated.get(0, 0) if updated else 0
    if changes.owed and (owed := changes.owed.get(run.root, {}).get(key)):
        position = max(position, *(at for _, at, _ in owed))
    if run.first and key != run.root:
        position = max(position, _news_at_first(run, key))
    if not position:
        return FALSE
    if dep is not None:
        step = run.at(key).table.made_from[0]
        if step and run.root_state.table.handled[0] == step:
            return FALSE  # the root's own attempt made it
    return (True, position, False, 0)


def _news_at_first(run: _Run, key: str) -> float:
    """The updates of a dependency that a root sees that is evaluated for the first time: all that it has not read."""
    upstream, table = run.at(key).table, run.root_state.table
    position: float = upstream.update[0]
    chosen, handled = table.chosen[0], table.handled[0]
    if chosen and upstream.updated_after(int(chosen), until=int(handled)):
        position = max(position, handled + 0.5)
    return position


def _code_version_changed(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    position = run.moment.changes.code_changed.get(key)
    return FALSE if position is None else (True, position, False, 0)


def _data_version_changed(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    found = _newly_updated(run, key, dep)
    if found[0] and not (run.first and key != run.root) and 0 in run.moment.changes.same_data.get(key, NO_BITS):
        return FALSE
    return found


def _check_result(passed: bool) -> Node:
    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        checks = run.state.checks
        return TRUE if key in checks.parts and 0 in checks.results(key, passed=passed) else FALSE

    return evaluated


def _executed_with_root_target(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    note = run.at(key).table.run_note(0)
    return TRUE if note is not None and run.root in run.state.run_notes[note].keys else FALSE


def _executed_with_tags(node: AutomationCondition) -> Node:
    assert isinstance(node, runs.RunTagsOperand)

    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        note = run.at(key).table.run_note(0)
        return TRUE if note is not None and node.is_met_by(dict(run.state.run_notes[note].tags)) else FALSE

    return evaluated


def _new_updates(quantifier: Callable[[Iterable[bool]], bool]) -> Callable[[AutomationCondition], Node]:
    def of(node: AutomationCondition) -> Node:
        assert isinstance(node, runs.RunTagsOperand)

        def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
            found = _newly_updated(run, key, dep)
            if not found[0]:
                return FALSE
            tags = run.moment.changes.made_in.get(key, {}).get(0)
            if tags is None:
                updated = 0 in run.moment.changes.updated.get(key, {})
                note = None if updated else run.at(key).table.run_note(0)
                tags = [run.state.run_notes[note].tags if note else ()]
            return found if quantifier(node.is_met_by(dict(one)) for one in tags) else FALSE

        return evaluated

    return of


def _newly_requested(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    if run.moment.previously_requested.get(key):
        return (True, run.state.last_tick.through, False, 0)
    return FALSE


def _will_be_requested(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    if dep is None:
        return FALSE
    truth = run.moment.will_be_made(key)
    if truth is None or run.moment.definitions.assets[dep.key].external:
        return FALSE
    newest = [causes.groups[0][0] for causes in (truth.causes, truth.passing_causes) if causes.groups]
    return (False, 0, True, max(newest, default=0))


def _initial_evaluation(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    return (True, run.state.through, False, 0) if run.first else FALSE


def _handled(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    return TRUE if 0 in run.at(key).table.attempted else FALSE


def _gated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    if dep is not None and not dep.gated:
        return FALSE
    table = run.at(key).table
    return TRUE if 0 in table.held or table.is_shut(0) else FALSE


def _always(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
    return TRUE


def _cron_tick_passed(node: AutomationCondition) -> Node:
    assert isinstance(node, op.CronTickPassed)
    schedule, zone = node.cron_schedule, node.cron_timezone

    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        position = run.moment.cron_position(schedule, zone)
        return FALSE if position is None else (True, position, False, 0)

    return evaluated


def _python(node: PythonCondition, *, in_reset: bool) -> Node:
    node_id = node.node_id

    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        groups = run.state.conditions.true(node_id, key).groups
        return (True, 0 if in_reset else groups[0][0], False, 0) if groups else FALSE

    return evaluated


def _freshness(state: str) -> Node:
    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        return TRUE if run.at(key).freshness == state else FALSE

    return evaluated


_OPERANDS: dict[type, Callable[[AutomationCondition], Node]] = {
    op.Missing: lambda node: _missing,
    op.InProgress: lambda node: _in_progress,
    op.RunInProgress: lambda node: _run_in_progress,
    op.BackfillInProgress: lambda node: _backfill_in_progress,
    op.ExecutionFailed: lambda node: _execution_failed,
    op.NewlyUpdated: lambda node: _newly_updated,
    op.CodeVersionChanged: lambda node: _code_version_changed,
    op.DataVersionChanged: lambda node: _data_version_changed,
    op.CheckPassed: lambda node: _check_result(True),
    op.CheckFailed: lambda node: _check_result(False),
    runs.ExecutedWithRootTarget: lambda node: _executed_with_root_target,
    runs.ExecutedWithTags: _executed_with_tags,
    runs.AnyNewUpdateHasRunTags: _new_updates(any),
    runs.AllNewUpdatesHaveRunTags: _new_updates(all),
    op.NewlyRequested: lambda node: _newly_requested,
    op.WillBeRequested: lambda node: _will_be_requested,
    op.InLatestTimeWindow: lambda node: _always,
    op.CronTickPassed: _cron_tick_passed,
    op.InitialEvaluation: lambda node: _initial_evaluation,
    op.Handled: lambda node: _handled,
    op.Gated: lambda node: _gated,
    op.FreshnessPassed: lambda node: _freshness("PASS"),
    op.FreshnessWarned: lambda node: _freshness("WARN"),
    op.FreshnessFailed: lambda node: _freshness("FAIL"),
}


# ---- operators -------------------------------------------------------------------------------------------------------


def _all(values: list[Value]) -> Value:
    """As `truth.all_of`."""
    lasting = together = True
    passing = False
    position: float = 0
    passing_position: float = 0
    for lasts, at, passes, passes_at in values:
        if not lasts:
            lasting = False
            if not passes:
                together = False
        if passes:
            passing = True
            if passes_at > passing_position:
                passing_position = passes_at
        if at > position:
            position = at
    if not passing:
        return (True, position, False, 0) if lasting else FALSE
    if not together:
        return FALSE
    return (lasting, position if lasting else 0, True, max(position, passing_position))


def _any(values: list[Value]) -> Value:
    """As `truth.any_of`."""
    lasting = passing = False
    position: float = 0
    passing_position: float = 0
    for lasts, at, passes, passes_at in values:
        if lasts:
            lasting = True
            if at > position:
                position = at
        if passes:
            passing = True
            if passes_at > passing_position:
                passing_position = passes_at
    return (lasting, position, passing, passing_position)


def _and(children: list[Node]) -> Node:
    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        return _all([child(run, key, dep) for child in children])

    return evaluated


def _or(children: list[Node]) -> Node:
    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        return _any([child(run, key, dep) for child in children])

    return evaluated


def _not(children: list[Node]) -> Node:
    child = children[0]

    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        found = child(run, key, dep)
        return FALSE if found[0] or found[2] else TRUE

    return evaluated


_COMBINED: dict[type, Callable[[list[Node]], Node]] = {ops.And: _and, ops.Or: _or, ops.Not: _not}


def _deps(node: look.DepsMatch, child: Node) -> Node:
    combine = _any if isinstance(node, look.AnyDepsMatch) else _all
    looks_at = None if node.allowed is None and not node.ignored else node.looks_at

    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        deps: Any = run.root_asset.deps
        if looks_at is not None:
            deps = [dep for dep in deps if looks_at(dep.key)]
        return combine([child(run, dep.key, dep) for dep in deps])

    return evaluated


def _name(node_id: str, run: _Run, key: str) -> str:
    return node_id if key == run.root else f"{node_id}@{key}"


def _latched(name: str, run: _Run, trigger: Value) -> float:
    """The position that a latch holds with what its trigger says now; a level takes that of the tick it turned true."""
    lasting, position, _, _ = trigger
    level, level_name = lasting and not position, f"level:{name}"
    if level:
        position = run.remembered(level_name) or run.state.through
        run.keep(level_name, position)
    elif level_name in run.memory:
        run.keep(level_name, 0)
    return max(run.remembered(name), position)


def _since_handled(node_id: str, trigger: Node, reset: Node) -> Node:
    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        name = _name(node_id, run, key)
        found = trigger(run, key, dep)
        reset(run, key, dep)
        latched = _latched(name, run, found)
        asset = run.at(key)
        cleared = bool(latched) and 0 in asset.table.attempted and asset.table.handled[0] >= latched
        run.keep(name, 0 if cleared and not asset.run_in_progress else latched)
        live = 0 if cleared else latched
        return (bool(live), live, found[2], found[3])

    return evaluated


def _since(node_id: str, trigger: Node, reset: Node) -> Node:
    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        name = _name(node_id, run, key)
        found = trigger(run, key, dep)
        lasts, at, passes, passes_at = reset(run, key, dep)
        latched = _latched(name, run, found)
        spoken = max(at, passes_at)
        cleared = (lasts or passes) and (not spoken or spoken >= latched)
        live = 0 if cleared else latched
        run.keep(name, live)
        return (bool(live), live, found[2], found[3])

    return evaluated


def _newly_true(node_id: str, child: Node) -> Node:
    def evaluated(run: _Run, key: str, dep: DepSnapshot | None) -> Value:
        name = _name(node_id, run, key)
        lasts, at, passes, passes_at = child(run, key, dep)
        before = run.remembered(name)
        if not (lasts or passes):
            run.keep(name, 0)
            return FALSE
        if before:
            run.keep(name, before)
            return FALSE
        position = max(at, passes_at) or run.state.through
        run.keep(name, position)
        return (False, 0, True, position) if passes else (True, position, False, 0)

    return evaluated
