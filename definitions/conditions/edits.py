"""Edits of a condition: a part of it replaced, taken out, or restricted to some upstream assets or some checks.

A part is named by a condition that says the same (labels do not matter), or by a name or a label. What an edit does not
touch is the same object afterwards, with the same `node_id`, and so keeps its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..errors import InvalidInvocationError
from ..selection import AssetSelection, CoercibleToAssetSelection
from ..selection.names import Check, Key
from ..selection.operators import ChecksOf, Or
from .base import AutomationCondition
from .operators import And, Not
from .python_condition import as_data
from .restricting import ChecksMatch, Restricted


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
    return operand.label or (type(operand).__name__ if operand.is_python else operand.name)


def restricted(
    condition: AutomationCondition,
    *,
    allow: CoercibleToAssetSelection | None = None,
    ignore: CoercibleToAssetSelection | None = None,
) -> AutomationCondition:
    """See `AutomationCondition.allow` and `ignore`. Repeated calls add up. Of what looks upstream only the outermost
    change: what stands below one of them looks at the upstream's own upstream, and at its checks."""
    edited = _restricted(
        condition, None if allow is None else _Wanted.of(allow), _NOTHING if ignore is None else _Wanted.of(ignore)
    )
    if edited is condition:
        raise InvalidInvocationError(
            f"{str(condition)!r} looks at no upstream assets and at no checks: there are none to allow or ignore"
        )
    return edited


def _restricted(condition: AutomationCondition, allow: _Wanted | None, ignore: _Wanted) -> AutomationCondition:
    only_checks = (allow or ignore).only_checks
    if not isinstance(condition, Restricted) or (only_checks and not isinstance(condition, ChecksMatch)):
        return _over_children(condition, lambda child: _restricted(child, allow, ignore))
    return replace(
        condition,
        allowed=condition.allowed if allow is None else _union(condition.allowed, allow.keys),
        ignored=_union(condition.ignored, ignore.keys),
        allow_selections=_union(condition.allow_selections, allow.selections if allow else ()),
        ignore_selections=_union(condition.ignore_selections, ignore.selections),
    )


def _union(before: tuple[str, ...] | None, more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*(before or ()), *more}))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a selection names itself, and the rest of it, which needs the graph to be resolved."""

    keys: tuple[str, ...] = ()
    selections: tuple[str, ...] = ()
    only_checks: bool = False

    @classmethod
    def of(cls, selection: CoercibleToAssetSelection) -> _Wanted:
        if selection == [] or selection == ():
            return _NOTHING
        whole = AssetSelection.from_coercible(selection)
        parts = whole.operands if isinstance(whole, Or) else (whole,)
        return cls(
            tuple(name for part in parts if (name := _own_name(part)) is not None),
            tuple(str(part) for part in parts if _own_name(part) is None),
            all(isinstance(part, (Check, ChecksOf)) for part in parts),
        )


_NOTHING = _Wanted()


def _own_name(selection: AssetSelection) -> str | None:
    if isinstance(selection, Key):
        return selection.key.to_user_string()
    if isinstance(selection, Check):
        return selection.check.to_user_string()
    return None


def without_objects(condition: AutomationCondition, objects: dict[str, AutomationCondition]) -> AutomationCondition:
    """With the objects of user's classes as data; each is noted in `objects` under the id of its node.

    Raises:
        InvalidDefinitionError: the configuration of one is not data.
    """
    if not condition.is_python:
        return _over_children(condition, lambda child: without_objects(child, objects))
    objects.setdefault(condition.node_id, condition)
    return as_data(condition)


def _matches(condition: AutomationCondition, wanted: AutomationCondition | str) -> bool:
    if isinstance(wanted, str):
        return wanted in (condition.label, type(condition).__name__ if condition.is_python else condition.name)
    return condition.node_id == wanted.node_id


def _over_children(
    condition: AutomationCondition, edit: Callable[[AutomationCondition], AutomationCondition]
) -> AutomationCondition:
    children = tuple(map(edit, condition.children))
    unchanged = all(new is old for new, old in zip(children, condition.children, strict=True))
    return condition if unchanged else condition.with_children(children)
