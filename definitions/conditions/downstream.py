"""`any_downstream_conditions`, put together: an OR of the conditions of the nearest assets downstream that have one.

A walk down the graph stops at the first asset with a condition of its own, unless that one asks for what is downstream
of it in turn. Equal conditions stand in the OR once. Each is evaluated as if it were of the asset that asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..keys import AssetKey
from .base import AutomationCondition
from .looking import AnyDownstreamConditions, AssetMatches
from .operators import Or
from .restricting import DepsMatch

LABEL = "any_downstream_conditions"

Neighbours = Callable[[AssetKey], Iterable[AssetKey]]


def asks_downstream(condition: AutomationCondition) -> bool:
    """Whether there is something to put together."""
    return any(isinstance(node, AnyDownstreamConditions) for node in condition.walk())


def expanded(
    condition: AutomationCondition,
    keys: Iterable[AssetKey],
    conditions: Mapping[AssetKey, AutomationCondition],
    *,
    parents: Neighbours,
    children: Neighbours,
) -> AutomationCondition:
    """The condition of the assets `keys`, with the conditions downstream in place. The rest of it stays the same."""
    if isinstance(condition, AnyDownstreamConditions):
        nearest = tuple(_nearest(keys, conditions, children))
        return Or(nearest, label=condition.label or LABEL, first=condition.first)
    if isinstance(condition, DepsMatch):
        keys = {parent for key in keys for parent in parents(key)}
    elif isinstance(condition, AssetMatches):
        keys = {AssetKey.from_user_string(condition.key)}
    below = [expanded(one, keys, conditions, parents=parents, children=children) for one in condition.children]
    unchanged = all(new is old for new, old in zip(below, condition.children, strict=True))
    return condition if unchanged else condition.with_children(below)


def _nearest(
    keys: Iterable[AssetKey], conditions: Mapping[AssetKey, AutomationCondition], children: Neighbours
) -> list[AutomationCondition]:
    found: dict[str, AutomationCondition] = {}
    waiting, seen = sorted(keys), set(keys)
    while waiting:
        for child in children(waiting.pop()):
            if child in seen:
                continue
            seen.add(child)
            condition = conditions.get(child)
            if condition is None or asks_downstream(condition):
                waiting.append(child)
            if condition is not None:
                condition = _without_nested(condition)
                found.setdefault(condition.node_id, condition)
    return [found[node_id] for node_id in sorted(found)]


def _without_nested(condition: AutomationCondition) -> AutomationCondition:
    """What is further downstream is asked for by the outermost alone."""
    if isinstance(condition, AnyDownstreamConditions):
        return Or(())
    below = [_without_nested(child) for child in condition.children]
    unchanged = all(new is old for new, old in zip(below, condition.children, strict=True))
    return condition if unchanged else condition.with_children(below)
