"""Conditions compiled for partitioned assets: functions that call each other, made once for all assets that have one.

A path is spelled out where a leaf is true. Beside its functions a condition has a plan of what these read (`alike.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...definitions.conditions import AutomationCondition, PythonCondition
from ...definitions.conditions import operands as op
from ...definitions.conditions import operators as ops
from ...definitions.conditions import restricting as look
from ...definitions.conditions import run_operands as runs
from .alike import Plan
from .place import Place
from .plain import OPERANDS, Leaf
from .truth import Truth, is_true

if TYPE_CHECKING:
    from .partitioned import Run

Node = Callable[["Run", str], Truth]
"""A compiled node: its truth at an asset."""


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A condition as functions; `node` is None where something below it looks further than one dependency."""

    condition: AutomationCondition
    node: Node | None
    plan: Plan

    @classmethod
    def of(cls, condition: AutomationCondition) -> Compiled:
        plan = Plan()
        return cls(condition, _compiled(condition, Place(), plan), plan)


def _compiled(node: AutomationCondition, place: Place, plan: Plan) -> Node | None:
    """The function of a node, or None where something below it looks further than one dependency. What it reads is
    added to the plan."""
    here = place.down(f"/{node.label or node.name}")
    if type(node) in OPERANDS:
        return _leaf(node, here, plan)
    if isinstance(node, look.DepsMatch):
        child = _compiled(node.children[0], here.along_dep(), plan) if place.after is None else None
        return None if child is None else _deps(node, child, plan)
    if isinstance(node, ops.Since):
        trigger = _compiled(node.children[0], here.down(".trigger"), plan)
        reset = _compiled(node.children[1], here.down(".reset"), plan)
        _remembers(here, plan, node.node_id, f"level:{node.node_id}")
        return None if trigger is None or reset is None else _since(node, trigger, reset)
    if isinstance(node, ops.NewlyTrue):
        child = _compiled(node.children[0], here, plan)
        _remembers(here, plan, node.node_id)
        return None if child is None else _newly_true(node, child)
    children = [_compiled(child, here.down(f".{n}"), plan) for n, child in enumerate(node.children)]
    known = [child for child in children if child is not None]
    combine = _COMBINED.get(type(node))
    return None if combine is None or len(known) < len(children) else combine(known)


def _remembers(place: Place, plan: Plan, *names: str) -> None:
    if place.after is not None:
        plan.can_be_alike = False  # of a dependency each asset remembers something of its own
    plan.remembered += names


def _leaf(node: AutomationCondition, place: Place, plan: Plan) -> Node:
    """Takes note of the leaf where it is true."""
    label, pulse, name = node.label or node.name, bool(getattr(node, "pulse", False)), OPERANDS[type(node)]
    plan.reads(node, name, place)
    if isinstance(node, PythonCondition) or (place.after is not None and isinstance(node, _ABOUT_THE_ROOT)):
        plan.can_be_alike = False

    def evaluated(run: Run, key: str) -> Truth:
        truth: Truth = getattr(run, name)(node, key)
        if is_true(truth):
            run.result.leaves.append(Leaf(place.path(key), label, key, truth, pulse))
        return truth

    return evaluated


_ABOUT_THE_ROOT = (runs.ExecutedWithRootTarget, op.InitialEvaluation)


def _deps(node: look.DepsMatch, child: Node, plan: Plan) -> Node:
    place = plan.looks_at_deps(node, child)
    if isinstance(node, look.AnyDepsMatch):
        return lambda run, key: run.any_of(run.along_deps(node, child, place))
    return lambda run, key: run.all_of(run.along_deps(node, child, place), key)


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
