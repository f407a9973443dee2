"""Conditions as functions: the text of each node, one after the other, without a call between them.

Most assets have no partitions, and of those that have, most ticks touch one. At one partition each node of a condition
is true or not, because of one position in the log: no sets, nothing to combine. A condition becomes one function, once
for all assets that have it; a node is a line or two of it, dependencies are a loop. Walking the tree instead took three
times as long.

What a node means stands in `plain.py`, the oracle that this is tested against. What is not in here (dependencies of
dependencies, other assets, checks) is left to the evaluators of whole sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...definitions.conditions import AutomationCondition
from ...definitions.conditions import operands as op
from ...definitions.conditions import operators as ops
from ...definitions.conditions import restricting as look
from .place import Place
from .point_operands import AT_DEP, AT_ROOT, OPERANDS, Site
from .said import NEVER, NOWHERE, Gathering, Said, all_of, any_of, largest, not_of
from .source import Source

PROLOGUE = """\
    moment, key, table, asset, n = run.moment, run.root, run.table, run.asset, run.ordinal
    memory, deps, leaves, first = run.memory, run.deps, run.leaves, run.first
    updated = moment.changes.updated
    has_more_news = first or moment.changes.owed
    state = moment.state
    through = state.through"""


class LeafKind(NamedTuple):
    """A leaf of a condition, wherever it is looked at."""

    place: Place
    label: str
    pulse: bool
    loop: int
    """The leaves of one loop over dependencies have one number; the leaves behind it have larger ones."""
    number: int


class Compiled(NamedTuple):
    """A condition as a function of a run (`points.py`): lasting, position, passing, its position."""

    evaluate: Callable[..., tuple[bool, float, bool, float]]
    reads_deps: bool
    remembers_deps: bool
    """Whether it remembers anything about partitions of dependencies."""


def compiled(condition: AutomationCondition) -> Compiled | None:
    """The function of a condition, or None where something in it is not for this evaluator."""
    source = Source()
    compiler = _Compiler(source)
    try:
        said = compiler.node(condition, Place(), AT_ROOT)
    except _NotHere:
        return None
    result = f"bool({said.lasting}), {said.position}, bool({said.passing}), {said.passing_position}"
    return Compiled(source.function("run", PROLOGUE, result), compiler.reads_deps, compiler.remembers_deps)


class _NotHere(Exception):
    """A node that looks further than this evaluator does."""


class _Compiler:
    """Writes the nodes of one condition."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.reads_deps = self.remembers_deps = False
        self._loop: int | None = None
        self._leaves = 0

    def node(self, node: AutomationCondition, place: Place, site: Site) -> Said:
        here = place.down(f"/{node.label or node.name}")
        if (operand := OPERANDS.get(type(node))) is not None:
            return self._leaf(operand(self._source, node, site, place.in_reset), node, here, site)
        if isinstance(node, look.DepsMatch):
            return self._deps(node, here, site)
        if isinstance(node, ops.Since):
            trigger = self.node(node.children[0], here.down(".trigger"), site)
            reset = self.node(node.children[1], here.down(".reset")._replace(in_reset=True), site)
            return self._since(node, trigger, reset, site)
        if isinstance(node, ops.NewlyTrue):
            return self._newly_true(node, self.node(node.children[0], here, site), site)
        if type(node) not in (ops.And, ops.Or, ops.Not):
            raise _NotHere
        children = [self.node(child, here.down(f".{n}"), site) for n, child in enumerate(node.children)]
        if isinstance(node, ops.And):
            return all_of(self._source, children)
        return any_of(self._source, children) if isinstance(node, ops.Or) else not_of(self._source, children[0])

    def _leaf(self, said: Said, node: AutomationCondition, place: Place, site: Site) -> Said:
        """Takes note of the leaf where it is true."""
        if said.is_true != NEVER:
            label, pulse, number = node.label or node.name, bool(getattr(node, "pulse", False)), self._leaves
            loop = number if self._loop is None else self._loop
            kind = self._source.name(LeafKind(place, label, pulse, loop, number))
            self._leaves += 1
            with self._source.block(f"if {said.is_true}:"):
                self._source.line(f"leaves.append(({kind}, {site.key}, {said.newest}))")
        return said

    def _deps(self, node: look.DepsMatch, place: Place, site: Site) -> Said:
        if site is not AT_ROOT:
            raise _NotHere
        self.reads_deps, self._loop = True, self._leaves
        gathering = Gathering(self._source, is_any=isinstance(node, look.AnyDepsMatch))
        among = "deps" if node.looks_at_all else f"[dep for dep in deps if {self._source.name(node.looks_at)}(dep[1])]"
        one = f"{AT_DEP.dep}, {AT_DEP.key}, {AT_DEP.asset}, {AT_DEP.table}, {AT_DEP.n}, {AT_DEP.requested}"
        with self._source.block(f"for {one} in {among}:"):
            gathering.add(self.node(node.children[0], place.along_dep(), AT_DEP))
        self._loop, self._leaves = None, self._leaves + 1
        return gathering.any_of() if isinstance(node, look.AnyDepsMatch) else gathering.all_of()

    def _memory(self, node: AutomationCondition, site: Site) -> str:
        """The name that the memory of a node has."""
        if site is AT_ROOT:
            return self._source.name(node.node_id)
        self.remembers_deps = True
        return self._source.let(f"{self._source.name(node.node_id + '@')} + {site.key}")

    def _latched(self, name: str, trigger: Said) -> str:
        """The position that a latch holds with what its trigger says now."""
        source, position = self._source, trigger.position
        if not trigger.is_named and trigger.lasting != NEVER:
            position = source.new(position)
            with source.block(f"if memory or {trigger.lasting}:"):
                source.line(f"{position} = run.turned({name}, {trigger.lasting}, {position})")
        remembered = source.let(f"run.remembered({name}) if memory else 0")
        return source.let(largest([remembered, position]))

    def _since(self, node: ops.Since, trigger: Said, reset: Said, site: Site) -> Said:
        """A latch. What an attempt under way has handled stays in memory until the attempt ends (SEMANTICS 2g)."""
        source, name = self._source, self._memory(node, site)
        latched = self._latched(name, trigger)
        live = source.new(latched)
        if isinstance(node.children[1], op.Handled):
            kept = source.new(latched)
            attempted = f"{site.n} in {site.table}.attempted and {site.table}.handled[{site.n}] >= {latched}"
            with source.block(f"if {latched} and {attempted}:"):
                source.line(f"{live} = 0")
                with source.block(f"if {site.n} not in {site.asset}.run_in_progress:"):
                    source.line(f"{kept} = 0")
        else:
            kept = live
            spoken = source.let(reset.newest)
            with source.block(f"if ({reset.is_true}) and (not {spoken} or {spoken} >= {latched}):"):
                source.line(f"{live} = 0")
        with source.block(f"if {kept} or memory:"):
            source.line(f"run.kept[{name}] = {kept}")
        return Said(source.let(f"{live} > 0"), live, trigger.passing, trigger.passing_position, is_named=True)

    def _newly_true(self, node: ops.NewlyTrue, child: Said, site: Site) -> Said:
        source, name = self._source, self._memory(node, site)
        before = source.let(f"run.remembered({name}) if memory else 0")
        position, fresh = source.new(NOWHERE), source.new(NEVER)
        with source.block(f"if {child.is_true}:"):
            source.line(f"{position} = {before} or {child.newest} or through")
            source.line(f"{fresh} = not {before}")
        with source.block(f"if {position} or memory:"):
            source.line(f"run.kept[{name}] = {position}")
        if child.passing == NEVER:
            return Said(fresh, source.let(f"{position} if {fresh} else 0"), is_named=True)
        lasting, passing = source.let(f"{fresh} and not {child.passing}"), source.let(f"{fresh} and {child.passing}")
        return Said(
            lasting,
            source.let(f"{position} if {lasting} else 0"),
            passing,
            source.let(f"{position} if {passing} else 0"),
            is_named=True,
        )
