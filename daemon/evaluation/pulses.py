"""Which conditions must be looked at again in the tick after a pulse, because what they read is over by then.

A pulse that feeds a latch (the trigger of `since`) needs nothing more: the latch keeps it. One that is read outside a
latch, or whose edge `newly_true` looks for, turns false in the next tick.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...definitions.conditions import AutomationCondition
from ...definitions.conditions import operands as op
from ...definitions.conditions import operators as ops
from ...definitions.conditions import restricting as look


def needs_follow_up(condition: AutomationCondition, *, negated: bool = False) -> bool:
    """Whether the end of a pulse can change what the condition asks for or remembers.

    It can turn the condition true where the pulse stands under an odd number of negations, and it must be seen by a
    `newly_true` over it, whose next edge would be missed otherwise.
    """
    if isinstance(condition, op.Operand):
        return condition.pulse and negated
    if isinstance(condition, ops.NewlyTrue):  # which is a pulse itself
        below = [node for child in condition.children for node in child.walk()]
        return negated or any(map(_is_pulse, below))
    if isinstance(condition, ops.Since):
        trigger, reset = condition.children
        if not _is_over_next_tick(trigger) and any(_is_pulse(node) for node in reset.walk()):
            return True  # which latches again when the reset is over
        if not _is_over_next_tick(trigger) and any(map(_is_pulse, _outside_latches(trigger))):
            return True  # of which a level remains, that turns true as a trigger of its own
        return needs_follow_up(trigger, negated=negated) or needs_follow_up(reset, negated=not negated)
    inner = negated != isinstance(condition, ops.Not)
    return any(needs_follow_up(child, negated=inner) for child in condition.children)


def _is_pulse(node: AutomationCondition) -> bool:
    return isinstance(node, ops.NewlyTrue) or (isinstance(node, op.Operand) and node.pulse)


def _outside_latches(condition: AutomationCondition) -> Iterator[AutomationCondition]:
    if not isinstance(condition, ops.Since):
        yield condition
        for child in condition.children:
            yield from _outside_latches(child)


def _is_over_next_tick(condition: AutomationCondition) -> bool:
    """Whether the condition as a whole is true for one tick only."""
    if isinstance(condition, ops.And):
        return any(map(_is_over_next_tick, condition.children))
    if isinstance(condition, ops.Or | look.AnyDepsMatch):
        return all(map(_is_over_next_tick, condition.children))
    return _is_pulse(condition)


def reads_requests(condition: AutomationCondition) -> bool:
    """Whether the condition reads `newly_requested`, which is true in the tick after a request."""
    return isinstance(condition, op.NewlyRequested) or any(reads_requests(child) for child in condition.children)


def reads_open_pulses(condition: AutomationCondition, *, negated: bool = False) -> bool:
    """Whether the condition holds through a pulse that no latch keeps: over in the next tick, and true in this one.

    `will_be_requested` does not count: nothing is owed for it.
    """
    if isinstance(condition, ops.Since):
        return False
    if isinstance(condition, ops.NewlyTrue):
        return not negated
    if isinstance(condition, op.Operand):
        return condition.pulse and not negated and not isinstance(condition, op.WillBeRequested)
    inner = negated != isinstance(condition, ops.Not)
    return any(reads_open_pulses(child, negated=inner) for child in condition.children)
