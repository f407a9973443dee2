"""Retry policies: whether a step that failed is tried again in the same run, and after how long.

A policy is pure data and never reads a clock or a random source: the worker hands the random number in. The attempts of
a step count from 1; the wait after attempt n, of a delay d in seconds:

    no back-off     d, d, d, ...
    LINEAR          d, 2d, 3d, ...
    EXPONENTIAL     d, 3d, 7d, ...      (2**n - 1) * d

    FULL            anything from 0 to that
    PLUS_MINUS      that, up to d more or less
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from .collecting import report
from .errors import (
    AssetCheckFailed,
    DefinitionError,
    Failure,
    HeadwaterError,
    InvalidConfigError,
    InvalidInvocationError,
    TypeCheckDidNotPass,
)
from .source import SourceLine

NEVER_RETRIED = (AssetCheckFailed, DefinitionError, InvalidConfigError, InvalidInvocationError, TypeCheckDidNotPass)
"""What another attempt would meet again."""


class Backoff(Enum):
    """How the wait grows from attempt to attempt."""

    LINEAR = "LINEAR"
    EXPONENTIAL = "EXPONENTIAL"


class Jitter(Enum):
    """How chance spreads the waits of steps that failed together."""

    FULL = "FULL"
    PLUS_MINUS = "PLUS_MINUS"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Try a step that raised again, at most `max_retries` times; `delay` is in seconds.

    >>> RetryPolicy(max_retries=3, delay=1, backoff=Backoff.EXPONENTIAL).wait_s(attempt=2, random=0.5)
    3

    Raises:
        InvalidDefinitionError: `backoff` or `jitter` without a delay that they could change, or a negative number.
    """

    max_retries: int = 1
    delay: float | None = None
    backoff: Backoff | None = None
    jitter: Jitter | None = None

    def __post_init__(self) -> None:
        if isinstance(self.max_retries, bool) or not isinstance(self.max_retries, int) or self.max_retries < 0:
            raise DefinitionError(f"RetryPolicy: max_retries is a number of retries, not {self.max_retries!r}.")
        if self.delay is not None and self.delay < 0:
            raise DefinitionError(f"RetryPolicy: delay is a number of seconds, not {self.delay!r}.")
        for name, given, cls in (("backoff", self.backoff, Backoff), ("jitter", self.jitter, Jitter)):
            if given is not None and not isinstance(given, cls):
                raise DefinitionError(f"RetryPolicy: {name} is one of {cls.__name__}, not {given!r}.")
            if given is not None and not self.delay:
                raise DefinitionError(f"RetryPolicy: {name} changes a delay, but there is none. Give delay=SECONDS.")

    def wait_s(self, *, attempt: int, random: float) -> float:
        """Seconds to wait after the attempt of this number failed. `random` is from 0 up to 1."""
        delay = self.delay or 0
        wait = delay
        if self.backoff is Backoff.LINEAR:
            wait = delay * attempt
        elif self.backoff is Backoff.EXPONENTIAL:
            wait = delay * (2**attempt - 1)
        if self.jitter is Jitter.FULL:
            return wait * random
        if self.jitter is Jitter.PLUS_MINUS:
            return wait + delay * (2 * random - 1)
        return wait


class RetryRequested(HeadwaterError):
    """Raised by the user's code to have its step tried again: `raise RetryRequested(max_retries=3) from error`."""

    def __init__(self, max_retries: int = 1, seconds_to_wait: float | None = None) -> None:
        super().__init__("the step asked to be tried again, and has had all its retries")
        if max_retries < 0 or (seconds_to_wait or 0) < 0:
            raise InvalidInvocationError("RetryRequested: max_retries and seconds_to_wait cannot be negative.")
        self.max_retries: int = max_retries
        self.seconds_to_wait: float | None = seconds_to_wait


def checked_policy(policy: Any, *, owner: str, source: SourceLine) -> RetryPolicy | None:
    """The retry policy that a user gave, reported where it is none."""
    if policy is None or isinstance(policy, RetryPolicy):
        return policy
    report(DefinitionError(f"{source}: {owner} has the retry_policy {policy!r}. Give RetryPolicy(max_retries=...)."))
    return None


def retry_wait(error: BaseException, policy: RetryPolicy | None, *, attempt: int, random: float) -> float | None:
    """Seconds until the next attempt, after the attempt of this number raised `error`; None: there is none."""
    if isinstance(error, RetryRequested):
        return (error.seconds_to_wait or 0) if attempt <= error.max_retries else None
    if policy is None or attempt > policy.max_retries or not isinstance(error, Exception):
        return None
    if isinstance(error, NEVER_RETRIED) or (isinstance(error, Failure) and not error.allow_retries):
        return None
    return policy.wait_s(attempt=attempt, random=random)
