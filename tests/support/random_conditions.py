"""Random conditions, of all operands and operators."""

from __future__ import annotations

import random

from headwater import AutomationCondition

C = AutomationCondition
LEAVES = [
    C.missing,
    C.in_progress,
    C.execution_failed,
    C.newly_updated,
    C.newly_requested,
    C.in_latest_time_window,
    C.initial_evaluation,
    C.freshness_failed,
    C.data_version_changed,
    C.code_version_changed,
    C.executed_with_root_target,
    C.check_failed,
    lambda: C.executed_with_tags(tag_keys={"by"}),
    lambda: C.any_new_update_has_run_tags(tag_values={"by": "hand"}),
    lambda: C.all_new_updates_have_run_tags(tag_values={"by": "hand"}),
    lambda: C.asset_matches("a0", C.newly_updated()),
    lambda: C.any_checks_match(C.check_passed()),
    C.any_downstream_conditions,
    lambda: C.cron_tick_passed("*/7 * * * *"),
]


def random_condition(rng: random.Random, depth: int, *, at_dep: bool = False) -> AutomationCondition:
    if depth == 0:
        leaf = rng.choice([*LEAVES, C.will_be_requested] if at_dep else LEAVES)
        return leaf()
    first = random_condition(rng, depth - 1, at_dep=at_dep)
    match rng.randrange(8 if not at_dep else 6):
        case 0:
            return first & random_condition(rng, depth - 1, at_dep=at_dep)
        case 1:
            return first | random_condition(rng, depth - 1, at_dep=at_dep)
        case 2:
            return ~first
        case 3:
            return first.newly_true()
        case 4:
            return first.since(random_condition(rng, depth - 1, at_dep=at_dep))
        case 5:
            return first.since_last_handled()
        case 6:
            return C.any_deps_match(random_condition(rng, depth - 1, at_dep=True))
        case _:
            return C.all_deps_match(random_condition(rng, depth - 1, at_dep=True))
