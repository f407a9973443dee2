"""Why a condition does not hold: the operands that stand in its way, and what would have to happen to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyroaring import BitMap

from ...definitions.conditions import (
    AllChecksMatch,
    AllDepsMatch,
    And,
    Gated,
    Handled,
    Missing,
    NewlyTrue,
    Not,
    PythonCondition,
    Since,
)
from ...storage.state import State
from .asked_places import standing
from .explained_tree import Found

WORDS: dict[str, tuple[str, str]] = {
    "missing": ("it has to be missing, and it has been made", "it has to be made or reported"),
    "in_progress": ("it has to be under way", "what makes it has to end"),
    "run_in_progress": ("a run of it has to be under way", "the run that makes it has to end"),
    "backfill_in_progress": ("a backfill of it has to be under way", "the backfill has to end"),
    "execution_failed": ("its last attempt has to have failed", "it has to be made after its failure"),
    "newly_updated": ("it has to be updated", "the moment of its update has to pass"),
    "newly_requested": ("automation has to ask for it", "the tick after its request has to pass"),
    "will_be_requested": ("automation has to ask for it in the same tick", "automation may not ask for it now"),
    "handled": ("an attempt of it has to start", "nothing may have read it"),
    "gated": ("a blocking check of it has to fail", "its blocking checks have to pass"),
    "in_latest_time_window": ("its time window is not the latest", "its time window has to become an older one"),
    "cron_tick_passed": ("the schedule has to tick", "the tick of the schedule has to pass"),
    "initial_evaluation": ("its condition has to be new or changed", "it has to be evaluated once"),
    "freshness_passed": ("it has to keep its freshness policy", "its freshness policy has to warn or fail"),
    "freshness_warned": ("its freshness policy has to warn", "it has to become fresh again"),
    "freshness_failed": ("its freshness policy has to fail", "it has to become fresh again"),
    "code_version_changed": ("another code version has to be loaded", "the moment of the change has to pass"),
    "data_version_changed": ("it has to be updated to other data", "the moment of its update has to pass"),
    "check_passed": ("the check has to pass on the newest data", "the check may not have passed"),
    "check_failed": ("the check has to fail on the newest data", "the check has to pass on the newest data"),
    "executed_with_root_target": (
        "it has to be made in a run that makes both",
        "it has to be made in a run that leaves the asset of the condition out",
    ),
    "executed_with_tags": ("a run with these tags has to make it", "a run without these tags has to make it"),
    "any_new_update_has_run_tags": ("a run with these tags has to update it", "the moment has to pass"),
    "all_new_updates_have_run_tags": ("runs with these tags alone have to update it", "the moment has to pass"),
}
"""Per operand, what would have to happen for it to become true, and to become false."""


LEFT = (
    "it was missing when the asset was evaluated for the first time, and on_first left it so: "
    "make it by hand or with a backfill, or something upstream has to be updated"
)


@dataclass(frozen=True, slots=True)
class Blocker:
    """An operand that keeps a condition from holding."""

    operand: str
    """Its label, or its name; where it stands in a labelled part of the condition, that label before it."""
    asset_key: str
    is_true: bool
    needed: str
    """What would have to happen."""
    alternatives: bool = False
    """It is enough if this or another one happens."""


def blockers(found: Found, state: State) -> list[Blocker]:
    """What keeps the condition from holding; nothing, where it holds."""
    unique = {(b.operand, b.asset_key, b.is_true): b for b in _blockers(found, True, state, (), False)}
    return list(unique.values())


def _blockers(found: Found, wanted: bool, state: State, labels: tuple[str, ...], either: bool) -> Iterator[Blocker]:
    if found.is_true == wanted:
        return
    node = found.node
    below = (*labels, node.label) if node.label and found.children else labels
    if isinstance(node, Not):
        yield from _blockers(found.children[0], not wanted, state, below, either)
    elif isinstance(node, Since):
        yield from _of_latch(found, wanted, state, below, either)
    elif isinstance(node, NewlyTrue):
        if wanted and found.children[0].is_true:
            left = state.memory.left.get(found.key, BitMap()) & found.concerned
            is_left = bool(left) and isinstance(found.children[0].node, Missing)
            needed = LEFT if is_left else "it was true before this tick: it has to become false, and true again"
            yield Blocker(_named(found, labels), found.key, False, needed, either)
        else:
            yield from _blockers(found.children[0], wanted, state, below, either)
    elif found.children:
        is_and = isinstance(node, And | AllDepsMatch | AllChecksMatch)
        any_will_do = is_and != wanted
        several = either or (any_will_do and len(found.children) > 1)
        inner = [b for child in found.children for b in _blockers(child, wanted, state, below, several)]
        yield from inner or [Blocker(_named(found, labels), found.key, found.is_true, _overlap(wanted), either)]
    else:
        yield Blocker(_named(found, labels), found.key, found.is_true, _needed(found, wanted, state), either)


def _of_latch(found: Found, wanted: bool, state: State, labels: tuple[str, ...], either: bool) -> Iterator[Blocker]:
    trigger, reset = found.children
    if not wanted:
        yield from _blockers(reset, True, state, labels, either)
    elif trigger.is_true:
        needed = f"{trigger.name} has to be true after {reset.name}"
        yield Blocker(_named(found, labels[:-1] if found.node.label else labels), found.key, False, needed, either)
    else:
        yield from _blockers(trigger, True, state, labels, either)


def _named(found: Found, labels: tuple[str, ...]) -> str:
    return ": ".join([*labels[-1:], found.name])


def _overlap(wanted: bool) -> str:
    return "there is no partition for which all of its parts hold" if wanted else "it holds for some partitions"


def _needed(found: Found, wanted: bool, state: State) -> str:
    if isinstance(found.node, PythonCondition):
        said = standing(state, (found.node.node_id, found.key))
        return f"its Python code has to say {'so' if wanted else 'otherwise'}; {said}"
    words = WORDS.get(found.node.name)
    if words is None:
        return f"{found.node.description} has to be {str(wanted).lower()}"
    needed = words[0 if wanted else 1]
    asset = state.assets.get(found.key)
    if asset is not None and not wanted:
        runs = [run_id for run_id, bits in asset.unmade.items() if bits & found.concerned]
        if "in_progress" in found.node.name and runs:
            return f"{needed} ({', '.join(runs)})"
        if isinstance(found.node, Gated) and (names := [n for n, bits in asset.table.check_failed.items() if bits]):
            return f"{needed}: {', '.join(names)} failed"
        if isinstance(found.node, Handled):
            return needed
    return needed
