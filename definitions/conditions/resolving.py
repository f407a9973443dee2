"""Selections in conditions, resolved: what `allow` and `ignore` mean for the asset that the condition is of.

Only upstream assets are kept, and only checks of what is looked at, since a condition looks at no others: an asset
elsewhere that joins a selected group changes neither the snapshot nor any `node_id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from ..keys import AssetCheckKey, AssetKey
from ..selection.view import SelectableAssets
from .base import AutomationCondition
from .looking import AssetMatches
from .restricting import DepsMatch, Restricted

_Node = TypeVar("_Node", bound=AutomationCondition)


def has_selections(condition: AutomationCondition) -> bool:
    """Whether there is something to resolve."""
    return any(isinstance(node, Restricted) and not node.is_resolved for node in condition.walk())


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
    if isinstance(condition, DepsMatch):
        read = {parent for key in keys for parent in view.parents(key)} if upstream is None else upstream
        return _with_keys(_over_children(condition, read, view), lambda text: read & view.selected(text))
    below = _over_children(condition, keys, view, upstream)
    if not isinstance(below, Restricted):
        return below
    checks = view.checks_of(keys)
    return _with_keys(below, lambda text: checks & view.selected_checks(text))


def _with_keys(condition: Restricted, found: Callable[[str], Iterable[AssetKey | AssetCheckKey]]) -> Restricted:
    """With what its selections mean, as `found` says of each, in place of them."""
    if condition.is_resolved:
        return condition
    allowed = condition.allowed
    if condition.allow_selections:
        allowed = _names(allowed or (), condition.allow_selections, found)
    ignored = _names(condition.ignored, condition.ignore_selections, found)
    return replace(condition, allowed=allowed, ignored=ignored, allow_selections=(), ignore_selections=())


def _over_children(
    condition: _Node, keys: set[AssetKey], view: SelectableAssets, upstream: set[AssetKey] | None = None
) -> _Node:
    children = [resolved(child, keys, view, upstream=upstream) for child in condition.children]
    unchanged = all(new is old for new, old in zip(children, condition.children, strict=True))
    return condition if unchanged else condition.with_children(children)


def _names(
    before: Iterable[str], selections: Iterable[str], found: Callable[[str], Iterable[AssetKey | AssetCheckKey]]
) -> tuple[str, ...]:
    return tuple(sorted({*before, *(key.to_user_string() for text in selections for key in found(text))}))
