"""The plain evaluator: the definition of what a condition means, one function an operand.

It reads like SEMANTICS.md and evaluates every node in full; the incremental evaluator is tested against it. Memory is
read from State and never written here: what a stateful node would remember comes back in `Evaluation.remember`, for the
tick to record.

A node is evaluated *for* a root (the asset whose condition it is) *at* a key (the root itself or one of its
dependencies); its truth is over the partitions of that key.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition, PythonCondition, looking
from ...definitions.conditions import operands as op
from ...definitions.conditions import operators as ops
from ...definitions.conditions import restricting as look
from ...definitions.conditions import run_operands as runs
from ...definitions.snapshot import AssetSnapshot, DepSnapshot, check_node_key
from ...storage import events as e
from ...storage.state import Causes
from ...storage.state.runs import RunNote, Tags
from .moment import Moment, made_by_steps
from .truth import Truth, all_of, any_of, nothing

SINCE_EVER = 0.5
"""The position of what is missing: the beginning of the log."""


@dataclass(slots=True)
class Leaf:
    """A leaf as it was found: where in the tree, at which asset, with which truth."""

    path: str
    label: str
    key: str
    truth: Truth
    pulse: bool


Changed = list[tuple[int, float, float]]
"""Partitions, each with the position that a node remembered there before, and that which it remembers now (0: none)."""


@dataclass
class Evaluation:
    """The truth of a whole condition, the memory it would leave, and its leaves."""

    truth: Truth = field(default_factory=nothing)
    remember: dict[str, Causes] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)

    looked_at: BitMap | None = None
    """The partitions that were looked at; None: all."""

    @property
    def nodes(self) -> Collection[str]:
        """The nodes that remember anything, or could."""
        return self.remember

    def changes_at_points(self) -> dict[str, Changed]:
        """What nodes remember otherwise than before at single partitions; where all were looked at, `remember` says
        it."""
        return {}

    @property
    def pulsed(self) -> bool:
        """Whether a pulse was true, which is over in the next tick."""
        return any(leaf.pulse and leaf.truth.bits for leaf in self.leaves)

    def told(self, moment: Moment, key: str, bits: BitMap) -> tuple[e.LeafTruth, ...]:
        """The leaves that were true, as a Tick records them that requests `bits` of the asset `key`: of leaves about
        partitions of the same kind, those that are requested."""
        own, space = moment.state.space(key), moment.state.space
        leaves = [leaf for leaf in self.leaves if leaf.truth.bits]
        told = [(leaf.path, moment.told(leaf.truth, space(leaf.key), own, bits)) for leaf in leaves]
        return tuple([(path, what[0], what[1]) for path, what in told if what is not None])


def evaluate(moment: Moment, asset: AssetSnapshot) -> Evaluation:
    """Evaluate the condition of `asset` at `moment`, in full."""
    assert asset.condition is not None
    if asset.key in moment.baseline:
        from .baseline import evaluate_as_baseline  # which is made of what is below

        return evaluate_as_baseline(moment, asset)
    return PlainEvaluator(moment, asset).run(asset.condition)


class PlainEvaluator:
    """Evaluates the nodes of one asset's condition."""

    def __init__(self, moment: Moment, root: AssetSnapshot, result: Evaluation | None = None) -> None:
        self.moment: Moment = moment
        self.root: AssetSnapshot = root
        self.result: Evaluation = Evaluation() if result is None else result
        self._edge: DepSnapshot | None = None
        """The dependency that is looked at; None while at the root itself."""
        self._resets = 0
        """How many resets of `since` the node stands in: there a level speaks as long as it is true."""
        self._reader = root
        """The asset that it is a dependency of: the root, unless one operator stands in another."""

    def run(self, condition: AutomationCondition) -> Evaluation:
        self.result.truth = self.node(condition, self.root.key, "")
        return self.result

    def node(self, node: AutomationCondition, key: str, path: str) -> Truth:
        """Every child is evaluated, even where the answer is known already: an edge is consumed all the same."""
        here = f"{path}/{node.label or node.name}"
        if type(node) in OPERANDS:
            truth = self.operand(node, key)
            self.result.leaves.append(Leaf(here, node.label or node.name, key, truth, getattr(node, "pulse", False)))
            return truth
        if isinstance(node, look.DepsMatch):
            return self._deps(node, key, here)
        if isinstance(node, look.ChecksMatch):
            return self._checks(node, key, here)
        if isinstance(node, looking.AssetMatches):
            return self._asset_matches(node, key, here)
        if isinstance(node, ops.Since):
            return self._since(node, key, here)
        if isinstance(node, ops.NewlyTrue):
            return self._newly_true(node, key, here)
        children = [self.node(child, key, f"{here}.{n}") for n, child in enumerate(node.children)]
        if isinstance(node, ops.And):
            return all_of(children, self._looked_at(key))
        if isinstance(node, ops.Or):
            return any_of(children)
        assert isinstance(node, ops.Not), f"no evaluation for {type(node).__name__}"
        return Truth(self._looked_at(key) - children[0].bits)

    def _looked_at(self, key: str) -> BitMap:
        """The partitions that a node can be true for: of a dependency also those that the root requires in vain."""
        return self.moment.existing(key) if self._edge is None else self.moment.looked_at(self._reader, self._edge)

    def operand(self, node: AutomationCondition, key: str) -> Truth:
        return getattr(self, OPERANDS[type(node)])(node, key)

    # ---- operands ----------------------------------------------------------------------------------------------------

    def _missing(self, node: AutomationCondition, key: str) -> Truth:
        """Never made; of an observable source, never seen either. Its position is the beginning of the log: any attempt
        since has handled it. A partition of a dependency that is required and does not exist is missing too."""
        return missing(self._looked_at(key), self.moment.state.asset(key).table.there())

    def _in_progress(self, node: AutomationCondition, key: str) -> Truth:
        return Truth(self.moment.state.asset(key).in_progress & self.moment.existing(key))

    def _run_in_progress(self, node: AutomationCondition, key: str) -> Truth:
        return Truth(self.moment.state.asset(key).run_in_progress & self.moment.existing(key))

    def _backfill_in_progress(self, node: AutomationCondition, key: str) -> Truth:
        return Truth(self.moment.state.asset(key).backfill_in_progress & self.moment.existing(key))

    def _execution_failed(self, node: AutomationCondition, key: str) -> Truth:
        table = self.moment.state.asset(key).table
        return Truth((table.failed | BitMap(table.blocked)) & self.moment.existing(key))

    def _freshness_passed(self, node: AutomationCondition, key: str) -> Truth:
        return self._freshness(key, "PASS")

    def _freshness_warned(self, node: AutomationCondition, key: str) -> Truth:
        return self._freshness(key, "WARN")

    def _freshness_failed(self, node: AutomationCondition, key: str) -> Truth:
        return self._freshness(key, "FAIL")

    def _freshness(self, key: str, wanted: str) -> Truth:
        """What the last FreshnessChanged said: of the asset as a whole, and so of each of its partitions."""
        return Truth(self.moment.existing(key)) if self.moment.state.asset(key).freshness == wanted else nothing()

    def _newly_updated(self, node: AutomationCondition, key: str) -> Truth:
        """A released update; of a dependency, not one that the root's own attempt made (SEMANTICS 2b)."""
        gated = self._edge is None or self._edge.gated
        causes = self.moment.updates(self.root.key, key, gated=gated).within(self.moment.existing(key))
        if self._edge is None or self._reader is not self.root or not causes:
            return Truth.pulse(causes)
        return Truth.pulse(causes.without(self._made_together(key, causes.bits)))

    def _made_together(self, key: str, bits: BitMap) -> BitMap:
        """Partitions of a dependency whose update was made by the very step that is the root's last attempt."""
        table, root = self.moment.state.asset(key).table, self.moment.state.asset(self.root.key).table
        together, edge = BitMap(), self._edge
        if edge is None:
            return together
        first, by_steps = self.moment.once(made_by_steps, table.made_from, bits)
        if table.held and not edge.gated:  # what landed counts, released or not
            held = {n: table.held[n].made_from for n in table.held.keys() & bits}
            steps = {**dict(by_steps), **held}
            by_steps, first = [(n, step) for n, step in steps.items() if step], min(steps.values(), default=0)
        if first > root.handled_last:
            return together
        for ordinal, step in by_steps:
            mapped = self.moment.downstream(self.root, edge, BitMap([ordinal]))
            if mapped and all(root.handled[n] == step for n in mapped):
                together.add(ordinal)
        return together

    def _code_version_changed(self, node: AutomationCondition, key: str) -> Truth:
        """The definitions that hold since the tick before declare another one."""
        position = self.moment.changes.code_changed.get(key)
        return nothing() if position is None else Truth.pulse(Causes([(position, self.moment.existing(key))]))

    def _data_version_changed(self, node: AutomationCondition, key: str) -> Truth:
        """`newly_updated`, without updates to the data that was there. To an asset evaluated first all data is new."""
        truth = self._newly_updated(node, key)
        if self.root.key in self.moment.initial and key != self.root.key:
            return truth
        return Truth.pulse(truth.causes.without(self.moment.changes.same_data.get(key, BitMap())))

    def _check_passed(self, node: AutomationCondition, key: str) -> Truth:
        return self._check_result(key, passed=True)

    def _check_failed(self, node: AutomationCondition, key: str) -> Truth:
        return self._check_result(key, passed=False)

    def _check_result(self, key: str, *, passed: bool) -> Truth:
        """What a check said of the newest data; of what is no check it says nothing."""
        if key not in self.moment.state.checks.parts:
            return nothing()
        return Truth(self.moment.state.checks.results(key, passed=passed) & self.moment.existing(key))

    def _made_by(self, key: str, is_meant: Callable[[RunNote], bool]) -> Truth:
        """The partitions whose newest data a run made of which `is_meant` says so."""
        made_in = self.moment.state.asset(key).table.made_in
        notes = self.moment.state.run_notes
        found = [bits for name, bits in made_in.items() if is_meant(notes[name])]
        return Truth(BitMap.union(*found) & self.moment.existing(key)) if found else nothing()

    def _executed_with_root_target(self, node: AutomationCondition, key: str) -> Truth:
        return self._made_by(key, lambda note: self.root.key in note.keys)

    def _executed_with_tags(self, node: AutomationCondition, key: str) -> Truth:
        assert isinstance(node, runs.ExecutedWithTags)
        return self._made_by(key, lambda note: node.is_met_by(dict(note.tags)))

    def _any_new_update_has_run_tags(self, node: AutomationCondition, key: str) -> Truth:
        return self._new_updates(node, key, any)

    def _all_new_updates_have_run_tags(self, node: AutomationCondition, key: str) -> Truth:
        return self._new_updates(node, key, all)

    def _new_updates(self, node: AutomationCondition, key: str, quantifier: Callable[[Iterable[bool]], bool]) -> Truth:
        """`newly_updated`, where any or all of the runs that made the updates of this tick have the tags."""
        assert isinstance(node, runs.RunTagsOperand)
        causes = self._newly_updated(node, key).causes
        new = self.moment.changes.made_in.get(key, {})
        is_met = {n for n in causes.bits if quantifier(node.is_met_by(dict(tags)) for tags in self._tags(key, n, new))}
        return Truth.pulse(causes.within(BitMap(is_met)))

    def _tags(self, key: str, ordinal: int, new: dict[int, list[Tags]]) -> list[Tags]:
        if ordinal in new:
            return new[ordinal]
        name = None
        if ordinal not in self.moment.changes.updated.get(key, {}):  # it landed before, and is news to the root
            name = self.moment.state.asset(key).table.run_note(ordinal)
        return [self.moment.state.run_notes[name].tags if name else ()]

    def _newly_requested(self, node: AutomationCondition, key: str) -> Truth:
        bits = self.moment.previously_requested.get(key, BitMap()) & self.moment.existing(key)
        return Truth(bits, Causes([(self.moment.state.last_tick.through, bits)]))

    def _will_be_requested(self, node: AutomationCondition, key: str) -> Truth:
        """Requested in this tick, where a run can make both; of an asset itself it says nothing."""
        truth = self.moment.will_be_made(key) or self._riding(key)
        edge = self._edge
        if edge is not None and self._reader is not self.root:
            edge = self.moment.way_to(self.root, edge.key)[0]
        if truth is None or edge is None or not self.moment.same_run(self.root, edge):
            return nothing()
        return passing(truth)

    def _riding(self, key: str) -> Truth | None:
        """The request that a check without a condition is evaluated with: that of its asset."""
        part = self.moment.state.checks.parts.get(key)
        if part is None or key in self.moment.definitions.assets:
            return None
        return self.moment.will_be_made(part[0])

    def _in_latest_time_window(self, node: AutomationCondition, key: str) -> Truth:
        assert isinstance(node, op.InLatestTimeWindow)
        return Truth(self.moment.latest(key, node.lookback_delta))

    def _cron_tick_passed(self, node: AutomationCondition, key: str) -> Truth:
        """The cron fired since the tick before; several firings count as the last one."""
        assert isinstance(node, op.CronTickPassed)
        position = self.moment.cron_position(node.cron_schedule, node.cron_timezone)
        if position is None:
            return nothing()
        bits = self.moment.existing(key)
        return Truth(bits, Causes([(position, bits)]))

    def _initial_evaluation(self, node: AutomationCondition, key: str) -> Truth:
        if self.root.key not in self.moment.initial:
            return nothing()
        return Truth.pulse(Causes([(self.moment.state.through, self.moment.existing(key))]))

    def _handled(self, node: AutomationCondition, key: str) -> Truth:
        """An attempt has begun or the asset was reported. As a reset it speaks through H: see `_since`."""
        return Truth(self.moment.state.asset(key).table.attempted & self.moment.existing(key))

    def _gated(self, node: AutomationCondition, key: str) -> Truth:
        """The gate is shut or the newest update still held. Where the root takes whatever exists of several partitions,
        a gated one counts as absent and gates nothing, as long as there is anything to read at all. An edge can be
        declared without gating."""
        if self._edge is not None and not self._edge.gated:
            return nothing()
        table = self.moment.state.asset(key).table
        edge, reader = self._edge, self._reader
        if edge is not None and self.moment.reads_several(reader, edge) and not requires_all(self.root.condition):
            served = self.moment.downstream(reader, edge, table.readable() & self.moment.existing(key))
            return Truth(self.moment.upstream(reader, edge, self.moment.existing(reader.key) - served))
        return Truth(table.gated() & self.moment.existing(key))

    def _python(self, node: AutomationCondition, key: str) -> Truth:
        """What the user's code said last: a level, each partition with the offset of the answer that made it true."""
        causes = self.moment.state.conditions.true(node.node_id, key).within(self.moment.existing(key))
        return Truth(causes.bits) if self._resets else Truth(causes.bits, causes)

    # ---- operators ---------------------------------------------------------------------------------------------------

    def _deps(self, node: look.DepsMatch, key: str, path: str) -> Truth:
        """Look at the dependencies of `key`, which is the root itself unless one such operator stands in another."""
        truths = []
        asset = self.root if key == self.root.key else self.moment.definitions.assets.get(key)
        assert asset is not None, f"{key} is looked at and not defined"
        for dep in asset.deps:
            if not node.looks_at(dep.key):
                continue
            truth = self._along(asset, dep, node.children[0], dep.key, path)
            truths.append(self.moment.seen_downstream(asset, dep, truth))
        if isinstance(node, look.AnyDepsMatch):
            return any_of(truths)
        return all_of(truths, self.moment.existing(key))

    def _checks(self, node: look.ChecksMatch, key: str, path: str) -> Truth:
        asset = self.moment.definitions.assets.get(key)
        looked_at = [c for c in asset.checks if c.blocking or not node.blocking_only] if asset else []
        names = [check.name for check in looked_at if node.looks_at(key, check.name)]
        truths = [self.node(node.operand, check_node_key(key, name), f"{path}[{name}]") for name in names]
        if isinstance(node, look.AnyChecksMatch):
            return any_of(truths)
        return all_of(truths, self._looked_at(key))

    def _asset_matches(self, node: looking.AssetMatches, key: str, path: str) -> Truth:
        """Look at an asset by its key; the root itself is looked at as such."""
        asset = self.root if key == self.root.key else self.moment.definitions.assets[key]
        if node.key == asset.key:
            return self.node(node.operand, key, f"{path}[{node.key}]")
        edge, way = self.moment.way_to(asset, node.key)
        return self._along(asset, edge, node.operand, node.key, path).mapped(way)

    def _along(
        self, reader: AssetSnapshot, edge: DepSnapshot | None, node: AutomationCondition, key: str, path: str
    ) -> Truth:
        """A node at another asset, that `reader` looks at over `edge`."""
        outer = self._reader, self._edge
        self._reader, self._edge = reader, edge
        truth = self.node(node, key, f"{path}[{key}]")
        self._reader, self._edge = outer
        return truth

    def _memory(self, node: AutomationCondition, key: str) -> str:
        return node.node_id if key == self.root.key else f"{node.node_id}@{key}"

    def _since(self, node: ops.Since, key: str, path: str) -> Truth:
        """A latch. `handled` speaks through H of each partition; what an attempt under way has handled stays in memory
        until the attempt ends, so that one which turns out not to count gives it back (SEMANTICS 2g)."""
        trigger = self.node(node.children[0], key, f"{path}.trigger")
        reset = self.as_reset(lambda: self.node(node.children[1], key, f"{path}.reset"))
        return self.latched(node, key, trigger, reset)

    def as_reset(self, evaluated: Callable[[], Truth]) -> Truth:
        """The truth of a node that is the reset of a latch."""
        self._resets += 1
        truth = evaluated()
        self._resets -= 1
        return truth

    def latched(self, node: ops.Since, key: str, trigger: Truth, reset: Truth) -> Truth:
        """What a latch holds after what its two sides say now."""
        name, once = self._memory(node, key), self.moment.once
        named = self._turned(name, trigger)
        if key in self.moment.first_limits and key == self.root.key:
            named = self._capped(key, named)
        before = once.same_causes(self.moment.state.memory.of(self.root.key, name))
        latched = once(holding, before, named, self.moment.existing(key))
        if isinstance(node.children[1], op.Handled):
            cleared = self._cleared_by_attempts(key, latched)
            kept = latched.without(cleared - self.moment.state.asset(key).run_in_progress) if cleared else latched
        else:
            cleared = _cleared(latched, reset)
            kept = latched.without(cleared)
        self.result.remember[name] = kept
        return once(latch, latched.without(cleared), trigger)

    def _capped(self, key: str, latched: Causes) -> Causes:
        """At a first evaluation, no more partitions than the limit that are missing and nothing else."""
        alone = next((bits for position, bits in latched if position == SINCE_EVER), BitMap())
        limit = self.moment.first_limits[key]
        if len(alone) <= limit:
            return latched
        left = alone - BitMap(alone[:limit])
        self.moment.left[key] = self.moment.left.get(key, BitMap()) | left
        return latched.without(left)

    def _turned(self, name: str, trigger: Truth) -> Causes:
        """The positions of a trigger. Where it has none of its own, a level, it takes that of the tick in which it
        turned true."""
        name, once = f"level:{name}", self.moment.once
        before = once.same_causes(self.moment.state.memory.of(self.root.key, name))
        turned = once(named_by_tick, trigger, before, self.moment.state.through)
        if turned or self.moment.state.memory.seen(self.root.key, name):
            self.result.remember[name] = turned
        return once(Causes.__or__, trigger.causes, turned) if turned else trigger.causes

    def _cleared_by_attempts(self, key: str, latched: Causes) -> BitMap:
        table = self.moment.state.asset(key).table
        cleared = BitMap()
        for position, bits in reversed(latched.groups):
            if position > table.handled_last:
                break  # so are those that follow
            cleared |= BitMap([ordinal for ordinal in bits & table.attempted if table.handled[ordinal] >= position])
        return cleared

    def _newly_true(self, node: ops.NewlyTrue, key: str, path: str) -> Truth:
        return self.turned_true(node, key, self.node(node.children[0], key, path))

    def turned_true(self, node: ops.NewlyTrue, key: str, now: Truth) -> Truth:
        """Of what is true now, that which was not at the evaluation before."""
        name, once = self._memory(node, key), self.moment.once
        before = once.same_causes(self.moment.state.memory.of(self.root.key, name))
        truth, self.result.remember[name] = once(newly_true, now, before, self.moment.state.through)
        return truth


def missing(looked_at: BitMap, there: BitMap) -> Truth:
    """What is looked at and does not exist as data."""
    bits = looked_at - there
    return Truth(bits, Causes([(SINCE_EVER, bits)]))


def passing(requested: Truth) -> Truth:
    """The truth of `will_be_requested`, about what this tick requests."""
    return Truth(BitMap(), passing=requested.bits, passing_causes=requested.why)


def named_by_tick(trigger: Truth, before: Causes, through: int) -> Causes:
    """Where a trigger is true without a position, that of the tick in which it turned true: this one, if not before."""
    level = trigger.unnamed
    return before.within(level) | Causes([(through, level - before.bits)])


def holding(before: Causes, named: Causes, existing: BitMap) -> Causes:
    """What a latch holds before it is cleared."""
    return (before | named).within(existing)


def latch(live: Causes, trigger: Truth) -> Truth:
    """The truth of a latch: what it holds, and of its trigger what passes."""
    return Truth(live.bits, live, trigger.passing, trigger.passing_causes)


def newly_true(now: Truth, before: Causes, through: int) -> tuple[Truth, Causes]:
    """Of what is true now, that which was not before; and all that is true now, to be remembered."""
    fresh = now.bits - before.bits
    turned = now.why.within(fresh) | Causes([(through, fresh - now.why.bits)])
    truth = Truth(fresh - now.passing, turned.without(now.passing), now.passing & fresh, turned.within(now.passing))
    return truth, turned | before.within(now.bits)


def _cleared(latched: Causes, reset: Truth) -> BitMap:
    """The latched partitions for which the reset speaks through a position at or after the trigger's."""
    unnamed = reset.bits - reset.why.bits
    cleared = latched.bits & unnamed
    for position, bits in latched:
        for spoken, spoken_bits in reset.why:
            if spoken >= position:
                cleared |= bits & spoken_bits
    return cleared


def requires_all(condition: AutomationCondition | None) -> bool:
    """Whether a condition keeps eager's clause that every upstream partition must be there."""
    if condition is None:
        return False
    return condition.label == "any_deps_missing" or any(requires_all(child) for child in condition.children)


OPERANDS: dict[type, str] = {
    op.Missing: "_missing",
    op.InProgress: "_in_progress",
    op.RunInProgress: "_run_in_progress",
    op.BackfillInProgress: "_backfill_in_progress",
    op.ExecutionFailed: "_execution_failed",
    op.FreshnessPassed: "_freshness_passed",
    op.FreshnessWarned: "_freshness_warned",
    op.FreshnessFailed: "_freshness_failed",
    op.NewlyUpdated: "_newly_updated",
    op.CodeVersionChanged: "_code_version_changed",
    op.DataVersionChanged: "_data_version_changed",
    op.CheckPassed: "_check_passed",
    op.CheckFailed: "_check_failed",
    runs.ExecutedWithRootTarget: "_executed_with_root_target",
    runs.ExecutedWithTags: "_executed_with_tags",
    runs.AnyNewUpdateHasRunTags: "_any_new_update_has_run_tags",
    runs.AllNewUpdatesHaveRunTags: "_all_new_updates_have_run_tags",
    op.NewlyRequested: "_newly_requested",
    op.WillBeRequested: "_will_be_requested",
    op.InLatestTimeWindow: "_in_latest_time_window",
    op.CronTickPassed: "_cron_tick_passed",
    op.InitialEvaluation: "_initial_evaluation",
    op.Handled: "_handled",
    op.Gated: "_gated",
    PythonCondition: "_python",
}
"""What evaluates each kind of operand."""
