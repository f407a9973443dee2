"""Selections in conditions, resolved: what `allow` and `ignore` mean for the asset that the condition is of.

Only upstream assets are kept, since a condition looks at no others: an asset elsewhere that joins a selected group
changes neither the snapshot nor any `node_id`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from ..keys import AssetKey
from ..selection.view import SelectableAssets
from .base import AutomationCondition
from .looking import AssetMatches
from .operators import DepsMatch

_Node = TypeVar("_Node", bound=AutomationCondition)


def has_selections(condition: AutomationCondition) -> bool:
    """Whether there is something to resolve."""
    return any(isinstance(node, DepsMatch) and not node.is_resolved for node in condition.walk())


def resolved(
    condition: AutomationCondition,
    keys: set[AssetKey],
    view: SelectableAssets,
    *,
    upstream: set[AssetKey] | None = None,
) -> AutomationCondition:
    """The condition of the assets `keys` with keys in place of selections. What names keys already stays the same.

    `upstream` is what it looks at as dependencies, where that is not what `keys` read: for a check, its asset.

    Raises:
        InvalidAssetSelection: a selection names an asset that is not there.
    """
    if isinstance(condition, AssetMatches):
        return _over_children(condition, {AssetKey.from_user_string(condition.key)}, view)
    if not isinstance(condition, DepsMatch):
        return _over_children(condition, keys, view, upstream)
    if upstream is None:
        upstream = {parent for key in keys for parent in view.parents(key)}
    below = _over_children(condition, upstream, view)
    if condition.is_resolved:
        return below
    allowed = condition.allowed
    if condition.allow_selections:
        allowed = _keys(allowed or (), condition.allow_selections, upstream, view)
    ignored = _keys(condition.ignored, condition.ignore_selections, upstream, view)
    return replace(below, allowed=allowed, ignored=ignored, allow_selections=(), ignore_selections=())


def _over_children(
    condition: _Node, keys: set[AssetKey], view: SelectableAssets, upstream: set[AssetKey] | None = None
) -> _Node:
    children = [resolved(child, keys, view, upstream=upstream) for child in condition.children]
    unchanged = all(new is old for new, old in zip(children, condition.children, strict=True))
    return condition if unchanged else condition.with_children(children)


def _keys(
    before: Iterable[str], selections: Iterable[str], upstream: set[AssetKey], view: SelectableAssets
) -> tuple[str, ...]:
    found = {key for text in selections for key in upstream & view.selected(text)}
    return tuple(sorted({*before, *map(str, found)}))
