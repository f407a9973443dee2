"""Why a condition does not hold: the operands that stand in its way, and what would have to happen to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyroaring import BitMap

from ...definitions.conditions import (
    AllChecksMatch,
    AllDepsMatch,
    And,
    CronTickPassed,
    Gated,
    Missing,
    NewlyTrue,
    Not,
    PythonCondition,
    Since,
    WillBeRequested,
)
from ...definitions.snapshot import AssetSnapshot
from .asked_places import standing
from .explained_tree import Found
from .firing import next_firing
from .moment import Moment

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


MOST_KEYS = 1_000  # partition keys listed of one blocker


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
    partitions: tuple[str, ...] | None = None
    """The keys of `asset_key` for which it stands in the way, where that has partitions."""


def blockers(found: Found, moment: Moment, root: AssetSnapshot) -> list[Blocker]:
    """What keeps the condition of `root` from holding; nothing, where it holds."""
    unique = {(b.operand, b.asset_key, b.is_true): b for b in _Search(moment, root).below(found, True, (), False)}
    return list(unique.values())


class _Search:
    """Goes down a tree to the leaves that are not as they would have to be."""

    def __init__(self, moment: Moment, root: AssetSnapshot) -> None:
        self._moment, self._root = moment, root

    def below(self, found: Found, wanted: bool, labels: tuple[str, ...], either: bool) -> Iterator[Blocker]:
        """`labels` are those of the parts around it; with `either` something else would do as well."""
        if found.is_true == wanted:
            return
        node = found.node
        inner = (*labels, node.label) if node.label and found.children else labels
        if isinstance(node, Not):
            yield from self.below(found.children[0], not wanted, inner, either)
        elif isinstance(node, Since):
            yield from self._of_latch(found, wanted, inner, either)
        elif isinstance(node, NewlyTrue):
            yield from self._of_edge(found, wanted, inner, either)
        elif found.children:
            every = isinstance(node, And | AllDepsMatch | AllChecksMatch)
            chances = [child for child in found.children if self._can_be(child, wanted)]
            several = either or (every != wanted and len(chances) > 1)
            parts = [b for child in chances for b in self.below(child, wanted, inner, several)]
            yield from parts or [self._blocker(found, _overlap(wanted), labels, wanted, either)]
        else:
            yield self._blocker(found, _needed(found, wanted, self._moment), labels, wanted, either)

    def _of_latch(self, found: Found, wanted: bool, labels: tuple[str, ...], either: bool) -> Iterator[Blocker]:
        trigger, reset = found.children
        if not wanted and reset.is_true:
            yield self._blocker(found, f"{reset.name} has to be true after {trigger.name}", labels, False, either)
        elif not wanted:
            yield from self.below(reset, True, labels, either)
        elif trigger.is_true:
            needed = f"{trigger.name} has to be true after {reset.name}"
            yield self._blocker(found, needed, labels[:-1] if found.node.label else labels, True, either)
        else:
            yield from self.below(trigger, True, labels, either)

    def _of_edge(self, found: Found, wanted: bool, labels: tuple[str, ...], either: bool) -> Iterator[Blocker]:
        [level] = found.children
        if wanted and level.is_true:
            left = self._moment.state.memory.left.get(found.key, BitMap()) & found.concerned
            is_left = bool(left) and isinstance(level.node, Missing)
            needed = LEFT if is_left else "it was true before this tick: it has to become false, and true again"
            yield self._blocker(found, needed, labels, True, either)
        else:
            yield from self.below(level, wanted, labels, either)

    def _can_be(self, found: Found, wanted: bool) -> bool:
        """Whether it can come to be as wanted: what automation never asks for in a run with the root will not be."""
        if isinstance(found.node, Not):
            return self._can_be(found.children[0], not wanted)
        if not (wanted and isinstance(found.node, WillBeRequested)):
            return True
        key = found.key.partition(":")[0]
        asset = self._moment.definitions.assets.get(key)
        if asset is None or asset.external or (asset.condition is None and found.key == key):
            return False
        dep = next((dep for dep in self._root.deps if dep.key == key), None)
        return dep is None or self._moment.same_run(self._root, dep)

    def _blocker(self, found: Found, needed: str, labels: tuple[str, ...], wanted: bool, either: bool) -> Blocker:
        bits = found.concerned - found.bits if wanted else found.bits
        space = self._moment.state.space(found.key.partition(":")[0])
        keys = [space.key(ordinal) for ordinal in list(bits)[:MOST_KEYS]]
        partitions = None if None in keys else tuple(key for key in keys if key is not None)
        name = ": ".join([*labels[-1:], found.name])
        return Blocker(name, found.key, not wanted, needed, either, partitions)


def _overlap(wanted: bool) -> str:
    return "there is no partition for which all of its parts hold" if wanted else "it holds for some partitions"


def _needed(found: Found, wanted: bool, moment: Moment) -> str:
    state, node = moment.state, found.node
    if isinstance(node, PythonCondition):
        said = standing(state, (node.node_id, found.key))
        return f"its Python code has to say {'so' if wanted else 'otherwise'}; {said}"
    if isinstance(node, CronTickPassed) and wanted:
        following = next_firing(node.cron_schedule, node.cron_timezone, after=moment.at)
        return f"{node.cron_schedule!r} ({node.cron_timezone}) has to tick, next at {following.isoformat(sep=' ')}"
    words = WORDS.get(node.name)
    if words is None:
        return f"{node.description} has to be {str(wanted).lower()}"
    needed = words[0 if wanted else 1]
    if isinstance(node, Missing) and not wanted and (early := found.bits - moment.existing(found.key)):
        return f"{needed}; {len(early)} of these partitions {'does' if len(early) == 1 else 'do'} not exist yet"
    asset = state.assets.get(found.key)
    if asset is not None and not wanted:
        runs = [run_id for run_id, bits in asset.unmade.items() if bits & found.concerned]
        if "in_progress" in node.name and runs:
            return f"{needed} ({', '.join(runs)})"
        failed = [name for name, bits in asset.table.check_failed.items() if bits & found.concerned]
        if isinstance(node, Gated) and failed:
            return f"{needed}: {', '.join(failed)} failed"
    return needed
