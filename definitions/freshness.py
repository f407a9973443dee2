"""Freshness policies: how old an asset may become, and by when it has to be new.

Both kinds say the same thing in the end: given when the asset was last made, at which instants its state changes if it
is not made again. So a state is never polled for: it is known in advance when a promise will be broken.

    time_window   PASS when made; WARN `warn_window` and FAIL `fail_window` later
    cron          PASS when made; FAIL at the first deadline more than `lower_bound_delta` later

Any partition counts, and only what was made or reported: an observation makes nothing fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from .errors import InvalidDefinitionError, InvalidInvocationError
from .zones import zone

if TYPE_CHECKING:
    from .spec import AssetSpec

JsonData = dict[str, Any]

SHORTEST = timedelta(minutes=1)


class FreshnessState(StrEnum):
    """How an asset stands to its policy."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    """It was never made."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """It has no policy."""


class FreshnessPolicy:
    """A promise about the age of an asset; made by `time_window` or `cron`."""

    @staticmethod
    def time_window(fail_window: timedelta, warn_window: timedelta | None = None) -> TimeWindowFreshness:
        """The asset fails when it was last made `fail_window` ago, and warns from `warn_window` on.

        >>> policy = FreshnessPolicy.time_window(fail_window=timedelta(days=1), warn_window=timedelta(hours=20))

        Raises:
            InvalidDefinitionError: a window is shorter than a minute, or the warning does not come first.
        """
        return TimeWindowFreshness(fail_window, warn_window)

    @staticmethod
    def cron(deadline_cron: str, lower_bound_delta: timedelta, timezone: str = "UTC") -> CronFreshness:
        """At each deadline the asset has to have been made within the last `lower_bound_delta`.

        >>> policy = FreshnessPolicy.cron(deadline_cron="0 9 * * *", lower_bound_delta=timedelta(hours=3))

        Before the next deadline the one before counts. Being made late makes it pass at once.

        Raises:
            InvalidDefinitionError: the cron or the zone cannot be read, or `lower_bound_delta` is shorter than a minute
                or longer than the time between two deadlines.
        """
        return CronFreshness(deadline_cron, lower_bound_delta, timezone)

    def changes(self, made_at: datetime) -> list[tuple[datetime, FreshnessState]]:
        """From `made_at` on, the instants at which the state changes and what it then is, if nothing more is made."""
        raise NotImplementedError

    def standing(self, made_at: datetime | None, now: datetime) -> tuple[FreshnessState, datetime | None]:
        """The state at `now`, and since when it has been so; None where the asset was never made."""
        if made_at is None:
            return FreshnessState.UNKNOWN, None
        since, state = max((change for change in self.changes(made_at) if change[0] <= now), default=(made_at, None))
        return state or FreshnessState.PASS, since

    def next_change(self, made_at: datetime | None, now: datetime) -> datetime | None:
        """When the state will change by itself; None if it will not."""
        if made_at is None:
            return None
        return min((at for at, _ in self.changes(made_at) if at > now), default=None)

    def to_json(self) -> JsonData:
        raise NotImplementedError


@dataclass(frozen=True)
class TimeWindowFreshness(FreshnessPolicy):
    """See `FreshnessPolicy.time_window`."""

    fail_window: timedelta
    warn_window: timedelta | None = None

    def __post_init__(self) -> None:
        for name in ("fail_window", "warn_window"):
            window = getattr(self, name)
            if window is not None and not (isinstance(window, timedelta) and window >= SHORTEST):
                raise InvalidDefinitionError(f"{name} must be a timedelta of at least a minute, not {window!r}")
        if self.warn_window is not None and self.warn_window >= self.fail_window:
            raise InvalidDefinitionError(
                f"warn_window ({self.warn_window}) must be shorter than fail_window ({self.fail_window})"
            )

    def changes(self, made_at: datetime) -> list[tuple[datetime, FreshnessState]]:
        warning = [] if self.warn_window is None else [(made_at + self.warn_window, FreshnessState.WARN)]
        return [(made_at, FreshnessState.PASS), *warning, (made_at + self.fail_window, FreshnessState.FAIL)]

    def to_json(self) -> JsonData:
        data: JsonData = {"kind": "time_window", "fail_s": self.fail_window.total_seconds()}
        return data if self.warn_window is None else {**data, "warn_s": self.warn_window.total_seconds()}

    def __str__(self) -> str:
        return f"made within the last {self.fail_window}"


@dataclass(frozen=True)
class CronFreshness(FreshnessPolicy):
    """See `FreshnessPolicy.cron`."""

    deadline_cron: str
    lower_bound_delta: timedelta
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        from .conditions.operands import CronTickPassed

        schedule = CronTickPassed(self.deadline_cron, self.timezone).cron_schedule  # says what is wrong with it
        object.__setattr__(self, "deadline_cron", schedule)
        if not (isinstance(self.lower_bound_delta, timedelta) and self.lower_bound_delta >= SHORTEST):
            raise InvalidDefinitionError(
                f"lower_bound_delta must be a timedelta of at least a minute, not {self.lower_bound_delta!r}"
            )
        some = pairwise(islice(self._deadlines(datetime(2024, 1, 1, tzinfo=UTC)), 50))
        shortest = min(later - earlier for earlier, later in some)
        if self.lower_bound_delta > shortest:
            raise InvalidDefinitionError(
                f"lower_bound_delta ({self.lower_bound_delta}) must not be longer than the time between two deadlines "
                f"of {self.deadline_cron!r} ({shortest})"
            )

    def _deadlines(self, after: datetime) -> Iterator[datetime]:
        """The deadlines after an instant, in UTC."""
        from cronsim import CronSim

        for local in CronSim(self.deadline_cron, after.astimezone(zone(self.timezone))):
            yield local.astimezone(UTC)

    def changes(self, made_at: datetime) -> list[tuple[datetime, FreshnessState]]:
        missed = next(self._deadlines(made_at + self.lower_bound_delta))
        return [(made_at, FreshnessState.PASS), (missed, FreshnessState.FAIL)]

    def to_json(self) -> JsonData:
        data: JsonData = {"kind": "cron", "cron": self.deadline_cron, "delta_s": self.lower_bound_delta.total_seconds()}
        return data if self.timezone == "UTC" else {**data, "zone": self.timezone}

    def __str__(self) -> str:
        return f"made within {self.lower_bound_delta} before each {self.deadline_cron!r} ({self.timezone})"


def freshness_from_json(data: JsonData) -> FreshnessPolicy:
    """What `to_json` of a policy gave."""
    if data["kind"] == "cron":
        return CronFreshness(data["cron"], timedelta(seconds=data["delta_s"]), data.get("zone", "UTC"))
    warn_s = data.get("warn_s")
    return TimeWindowFreshness(timedelta(seconds=data["fail_s"]), None if warn_s is None else timedelta(seconds=warn_s))


def apply_freshness_policy(spec: AssetSpec, policy: FreshnessPolicy, overwrite_existing: bool = True) -> AssetSpec:
    """`spec` with `policy`, for `map_asset_specs`; without `overwrite_existing` one that it has already is kept."""
    if not isinstance(policy, FreshnessPolicy):
        raise InvalidInvocationError(f"{policy!r} is no FreshnessPolicy")
    if spec.freshness_policy is not None and not overwrite_existing:
        return spec
    return spec.replace_attributes(freshness_policy=policy)
