"""Freshness policies: what may be promised, and when a promise is broken, to the instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from headwater import (
    AssetSpec,
    DefinitionErrors,
    Definitions,
    FreshnessPolicy,
    FreshnessState,
    InvalidDefinitionError,
    apply_freshness_policy,
    asset,
)
from headwater.definitions.freshness import freshness_from_json
from headwater.definitions.snapshot import DefinitionsSnapshot

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WINDOW = FreshnessPolicy.time_window(fail_window=24 * HOUR, warn_window=20 * HOUR)
NINE = FreshnessPolicy.cron(deadline_cron="0 9 * * *", lower_bound_delta=3 * HOUR)


def at(hour: float, *, day: int = 10) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC) + hour * HOUR


@pytest.mark.parametrize(
    ("age", "state", "since"),
    [
        (0 * HOUR, "PASS", NOON),
        (20 * HOUR - MINUTE, "PASS", NOON),
        (20 * HOUR, "WARN", NOON + 20 * HOUR),
        (24 * HOUR - MINUTE, "WARN", NOON + 20 * HOUR),
        (24 * HOUR, "FAIL", NOON + 24 * HOUR),
        (240 * HOUR, "FAIL", NOON + 24 * HOUR),
    ],
)
def test_a_time_window_warns_and_fails_at_its_own_instants(age: timedelta, state: str, since: datetime) -> None:
    assert WINDOW.standing(NOON, NOON + age) == (FreshnessState(state), since)


def test_the_arguments_of_a_policy_may_be_given_by_place() -> None:
    assert FreshnessPolicy.time_window(24 * HOUR, 20 * HOUR) == WINDOW
    assert FreshnessPolicy.cron("0 9 * * *", 3 * HOUR) == NINE


def test_the_next_change_of_a_time_window_is_known_in_advance() -> None:
    assert WINDOW.next_change(NOON, NOON) == NOON + 20 * HOUR
    assert WINDOW.next_change(NOON, NOON + 20 * HOUR) == NOON + 24 * HOUR
    assert WINDOW.next_change(NOON, NOON + 24 * HOUR) is None


def test_what_was_never_made_is_unknown_and_stays_so() -> None:
    for policy in (WINDOW, NINE):
        assert policy.standing(None, NOON) == (FreshnessState.UNKNOWN, None)
        assert policy.next_change(None, NOON) is None


@pytest.mark.parametrize(
    ("made", "now", "state", "since"),
    [
        (at(7), at(9), "PASS", at(7)),
        (at(6), at(9), "PASS", at(6)),  # just in time
        (at(5.9), at(8.9), "PASS", at(5.9)),  # too early for today's deadline, which has not come
        (at(5.9), at(9), "FAIL", at(9)),
        (at(9.5), at(10), "PASS", at(9.5)),  # late, but made
        (at(9.5), at(9, day=11), "FAIL", at(9, day=11)),
        (at(7, day=8), at(12), "FAIL", at(9, day=9)),  # the first of two that were missed
    ],
)
def test_a_deadline_wants_the_asset_made_shortly_before(
    made: datetime, now: datetime, state: str, since: datetime
) -> None:
    assert NINE.standing(made, now) == (FreshnessState(state), since)


def test_the_next_change_of_a_deadline_is_the_first_one_that_will_be_missed() -> None:
    assert NINE.next_change(at(7), at(9)) == at(9, day=11)
    assert NINE.next_change(at(5), at(6)) == at(9)


def test_deadlines_are_read_in_their_zone() -> None:
    policy = FreshnessPolicy.cron(deadline_cron="0 9 * * *", lower_bound_delta=HOUR, timezone="Europe/Berlin")
    before_summer_time = datetime(2026, 3, 28, 7, 30, tzinfo=UTC)
    assert policy.next_change(before_summer_time, before_summer_time) == datetime(2026, 3, 29, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FreshnessPolicy.time_window(fail_window=timedelta(seconds=59)), "at least a minute"),
        (lambda: FreshnessPolicy.time_window(fail_window=3600), "fail_window must be a timedelta"),  # type: ignore[arg-type]
        (lambda: FreshnessPolicy.time_window(fail_window=HOUR, warn_window=HOUR), "shorter than fail_window"),
        (lambda: FreshnessPolicy.cron(deadline_cron="0 9 * *", lower_bound_delta=HOUR), "has 4 fields"),
        (lambda: FreshnessPolicy.cron(deadline_cron="@daily", lower_bound_delta=25 * HOUR), "two deadlines"),
        (lambda: FreshnessPolicy.cron(deadline_cron="@daily", lower_bound_delta=timedelta()), "at least a minute"),
        (
            lambda: FreshnessPolicy.cron(deadline_cron="@daily", lower_bound_delta=HOUR, timezone="Mars/Base"),
            "no time zone 'Mars/Base'",
        ),
    ],
)
def test_a_promise_that_makes_no_sense_is_refused_at_once(make, message: str) -> None:
    with pytest.raises(InvalidDefinitionError, match=message):
        make()


@pytest.mark.parametrize("policy", [WINDOW, NINE, FreshnessPolicy.time_window(fail_window=HOUR)])
def test_a_policy_reaches_the_snapshot_and_comes_back(policy: FreshnessPolicy) -> None:
    @asset(freshness_policy=policy)
    def orders() -> int:
        return 1

    snapshot = DefinitionsSnapshot.from_bytes(Definitions(assets=[orders]).snapshot().to_bytes())
    assert snapshot.assets["orders"].freshness == policy
    assert freshness_from_json(policy.to_json()) == policy


def test_what_is_no_policy_is_named_with_its_asset() -> None:
    with pytest.raises((InvalidDefinitionError, DefinitionErrors), match=r"asset 'orders' has the freshness_policy 5"):
        AssetSpec("orders", freshness_policy=5)  # type: ignore[arg-type]


def test_a_policy_is_applied_to_specs_that_have_none() -> None:
    bare = AssetSpec("orders")
    assert apply_freshness_policy(bare, WINDOW).freshness_policy == WINDOW
    promised = AssetSpec("orders", freshness_policy=NINE)
    assert apply_freshness_policy(promised, WINDOW).freshness_policy == WINDOW
    assert apply_freshness_policy(promised, WINDOW, overwrite_existing=False).freshness_policy == NINE
