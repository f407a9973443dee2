"""Random conditions, of all operands and operators."""

from __future__ import annotations

import random
from datetime import timedelta

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
    lambda: C.cron_tick_passed("15 3 * * *", "America/New_York"),
    C.newly_missing,
    C.run_in_progress,
    C.backfill_in_progress,
    C.freshness_passed,
    C.freshness_warned,
    C.gated,
    C.handled,
    C.check_passed,
    lambda: C.in_latest_time_window(timedelta(days=2)),
    lambda: C.all_checks_match(C.check_passed()),
    C.all_deps_blocking_checks_passed,
    C.any_deps_gated,
    C.any_deps_in_progress,
    C.any_deps_missing,
    C.any_deps_updated,
    lambda: C.all_deps_updated_since_cron("*/11 * * * *"),
    C.eager,
    C.on_missing,
    lambda: C.on_cron("*/13 * * * *"),
    lambda: C.eager().without(C.in_latest_time_window()),
    lambda: C.any_deps_match(C.newly_updated()).ignore("a1"),
    lambda: C.all_deps_match(~C.missing()).allow("a0"),
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
