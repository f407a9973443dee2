"""Retry policies: how long a step waits, what is never tried again, and what cannot be a policy."""

from __future__ import annotations

import pytest

from headwater import Backoff, Failure, InvalidConfigError, InvalidDefinitionError, Jitter, RetryPolicy, RetryRequested
from headwater.definitions.retries import retry_wait


def waits(policy: RetryPolicy, count: int = 4, random: float = 0.5) -> list[float | None]:
    return [retry_wait(ValueError(), policy, attempt=attempt, random=random) for attempt in range(1, count + 1)]


def test_without_back_off_every_wait_is_the_delay() -> None:
    assert waits(RetryPolicy(max_retries=3, delay=2)) == [2, 2, 2, None]
    assert waits(RetryPolicy(max_retries=1)) == [0, None, None, None]


def test_linear_back_off_grows_by_the_delay() -> None:
    assert waits(RetryPolicy(max_retries=3, delay=2, backoff=Backoff.LINEAR)) == [2, 4, 6, None]


@pytest.mark.parametrize(("delay", "expected"), [(1, [1, 3, 7]), (2, [2, 6, 14])])
def test_exponential_back_off_doubles_what_was_waited_and_adds_the_delay(delay: int, expected: list[float]) -> None:
    assert waits(RetryPolicy(max_retries=3, delay=delay, backoff=Backoff.EXPONENTIAL), 3) == expected


def test_full_jitter_is_anything_up_to_the_wait() -> None:
    policy = RetryPolicy(max_retries=2, delay=2, backoff=Backoff.LINEAR, jitter=Jitter.FULL)
    assert waits(policy, 2, random=0.25) == [0.5, 1]


def test_plus_minus_jitter_is_around_the_wait() -> None:
    policy = RetryPolicy(max_retries=2, delay=2, backoff=Backoff.LINEAR, jitter=Jitter.PLUS_MINUS)
    assert waits(policy, 2, random=0) == [0, 2]
    assert waits(policy, 2, random=0.75) == [3, 5]


@pytest.mark.parametrize("change", [{"backoff": Backoff.LINEAR}, {"jitter": Jitter.FULL}])
def test_back_off_and_jitter_need_a_delay(change: dict[str, object]) -> None:
    with pytest.raises(InvalidDefinitionError, match=r"there is none\. Give delay=SECONDS"):
        RetryPolicy(max_retries=2, **change)  # type: ignore[arg-type]


def test_a_negative_or_broken_number_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="max_retries"):
        RetryPolicy(max_retries=-1)
    with pytest.raises(InvalidDefinitionError, match="delay"):
        RetryPolicy(delay=-1)
    with pytest.raises(InvalidDefinitionError, match="backoff is one of Backoff, not 'LINEAR'"):
        RetryPolicy(delay=1, backoff="LINEAR")  # type: ignore[arg-type]


def test_a_step_may_ask_for_its_retry_by_itself() -> None:
    error = RetryRequested(max_retries=2, seconds_to_wait=5)
    assert [retry_wait(error, None, attempt=n, random=0) for n in (1, 2, 3)] == [5, 5, None]
    assert retry_wait(RetryRequested(), None, attempt=1, random=0) == 0


@pytest.mark.parametrize(
    "error", [Failure("no", allow_retries=False), InvalidConfigError(["x"]), SystemExit(1), KeyboardInterrupt()]
)
def test_what_another_attempt_would_meet_again_is_not_tried_again(error: BaseException) -> None:
    assert retry_wait(error, RetryPolicy(max_retries=5), attempt=1, random=0) is None


def test_a_failure_is_tried_again_unless_it_says_otherwise() -> None:
    assert retry_wait(Failure("no"), RetryPolicy(), attempt=1, random=0) == 0
