"""Edits of a condition: a part of it replaced, taken out, or restricted to some upstream assets.

A part is named by a condition that says the same (labels do not matter), or by a name or a label. What an edit does not
touch is the same object afterwards, with the same `node_id`, and so keeps its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import InvalidInvocationError
from ..selection import AssetSelection, CoercibleToAssetSelection
from ..selection.names import Key
from ..selection.operators import Or
from .base import AutomationCondition
from .operators import And, DepsMatch, Not


def replaced(
    condition: AutomationCondition, old: AutomationCondition | str, new: AutomationCondition
) -> AutomationCondition:
    """See `AutomationCondition.replace`."""
    if _matches(condition, old):
        return new
    return _over_children(condition, lambda child: replaced(child, old, new))


def removed(condition: AutomationCondition, wanted: AutomationCondition | str) -> AutomationCondition:
    """See `AutomationCondition.without`."""
    edited, count = _removed(condition, wanted)
    if count:
        return edited
    operands = dict.fromkeys(
        _nickname(child) for node in condition.walk() if isinstance(node, And) for child in node.children
    )
    known = ", ".join(repr(operand) for operand in operands) or "none, since there is no AND in it"
    raise InvalidInvocationError(
        f"without: {str(wanted)!r} is no operand of an AND in {str(condition)!r}. There are: {known}."
    )


def _removed(condition: AutomationCondition, wanted: AutomationCondition | str) -> tuple[AutomationCondition, int]:
    """The edited tree, and how many operands were taken out of it."""
    children: Sequence[AutomationCondition] = condition.children
    if isinstance(condition, And):
        children = [child for child in children if not _names(child, wanted)]
        if not children:
            raise InvalidInvocationError(
                f"without: nothing would be left of {str(condition)!r}. Take the whole of it out."
            )
    count = len(condition.children) - len(children)
    edits = [_removed(child, wanted) for child in children]
    total = count + sum(below for _, below in edits)
    if not total:
        return condition, 0
    if isinstance(condition, And) and len(edits) == 1:
        return edits[0][0], total
    return condition.with_children([child for child, _ in edits]), total


def _names(operand: AutomationCondition, wanted: AutomationCondition | str) -> bool:
    if _matches(operand, wanted):
        return True
    return isinstance(operand, Not) and operand.label is None and _matches(operand.operand, wanted)


def _nickname(operand: AutomationCondition) -> str:
    if isinstance(operand, Not) and operand.label is None:
        operand = operand.operand
    return operand.label or operand.name


def restricted(
    condition: AutomationCondition,
    *,
    allow: CoercibleToAssetSelection | None = None,
    ignore: CoercibleToAssetSelection | None = None,
) -> AutomationCondition:
    """See `AutomationCondition.allow` and `ignore`. Repeated calls add up. Only the outermost looks upstream change:
    what stands below one of them looks at the upstream's own upstream."""
    edited = _restricted(
        condition, None if allow is None else _parts(allow), ((), ()) if ignore is None else _parts(ignore)
    )
    if edited is condition:
        raise InvalidInvocationError(
            f"{str(condition)!r} looks at no upstream assets: there are none to allow or ignore"
        )
    return edited


def _restricted(condition: AutomationCondition, allow: _Parts | None, ignore: _Parts) -> AutomationCondition:
    if isinstance(condition, DepsMatch):
        allowed_keys, allow_selections = allow or ((), ())
        return replace(
            condition,
            allowed=condition.allowed if allow is None else _union(condition.allowed, allowed_keys),
            ignored=_union(condition.ignored, ignore[0]),
            allow_selections=_union(condition.allow_selections, allow_selections),
            ignore_selections=_union(condition.ignore_selections, ignore[1]),
        )
    return _over_children(condition, lambda child: _restricted(child, allow, ignore))


def _union(before: tuple[str, ...] | None, more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*(before or ()), *more}))


_Parts = tuple[tuple[str, ...], tuple[str, ...]]


def _parts(selection: CoercibleToAssetSelection) -> _Parts:
    """The assets that a selection names as themselves, and the rest of it, which needs the graph to be resolved."""
    if selection == [] or selection == ():
        return (), ()
    whole = AssetSelection.from_coercible(selection)
    parts = whole.operands if isinstance(whole, Or) else (whole,)
    keys = [part.key.to_user_string() for part in parts if isinstance(part, Key)]
    return tuple(keys), tuple(str(part) for part in parts if not isinstance(part, Key))


def _matches(condition: AutomationCondition, wanted: AutomationCondition | str) -> bool:
    if isinstance(wanted, str):
        return wanted in (condition.label, condition.name)
    return condition.node_id == wanted.node_id


def _over_children(
    condition: AutomationCondition, edit: Callable[[AutomationCondition], AutomationCondition]
) -> AutomationCondition:
    children = tuple(map(edit, condition.children))
    unchanged = all(new is old for new, old in zip(children, condition.children, strict=True))
    return condition if unchanged else condition.with_children(children)
