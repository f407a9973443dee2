"""What the function of a schedule or a sensor gives back: runs that it wants, or why it wants none.

Everything here is checked when it is made and turns into plain data (`to_json`): it is made in a process of its own and
read in the daemon's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import InvalidInvocationError
from .keys import AssetKey
from .run_config import run_config_data

if TYPE_CHECKING:
    from .run_config import RunConfig


class RunRequest:
    """A run that is wanted.

    >>> RunRequest(run_key="orders-2026-03-01.csv", run_config={"ops": {"orders": {"config": {"file": "a"}}}})
    RunRequest(run_key='orders-2026-03-01.csv', run_config={'ops': {'orders': {'config': {'file': 'a'}}}})

    A `run_key` runs once ever for its sensor or schedule: requests with a key that was requested before are left out.
    `job_name` says which of several jobs is meant; `asset_selection` narrows its assets down, or names the assets where
    there is no job; `partition_key` says which partition. With `stale_assets_only` those of them are made that are
    stale or missing when the evaluation is over; if there are none, no run is asked for. `run_config` of None is that
    of the job. Tags that are no strings become JSON.
    """

    def __init__(
        self,
        run_key: str | None = None,
        run_config: RunConfig | Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        job_name: str | None = None,
        asset_selection: Sequence[Any] | None = None,
        stale_assets_only: bool = False,
        partition_key: str | None = None,
        asset_check_keys: Sequence[Any] | None = None,
    ) -> None:
        for name, value in (("run_key", run_key), ("job_name", job_name), ("partition_key", partition_key)):
            if value is not None and not isinstance(value, str):
                raise InvalidInvocationError(
                    f"RunRequest: {name} must be a str, not {value!r}. Write str(...) around it."
                )
        self.run_key: str | None = run_key
        self.stale_assets_only: bool = bool(stale_assets_only)
        self.job_name: str | None = job_name
        self.partition_key: str | None = partition_key
        self.run_config: dict[str, Any] | None = None if run_config is None else run_config_data(run_config)
        self.tags: dict[str, str] = {str(key): _tag_text(value) for key, value in (tags or {}).items()}
        self.asset_selection: list[AssetKey] | None = (
            None if asset_selection is None else [AssetKey.of(key) for key in asset_selection]
        )
        self.asset_check_keys: list[Any] | None = None if asset_check_keys is None else list(asset_check_keys)

    def to_json(self) -> dict[str, Any]:
        given = {
            "run_key": self.run_key,
            "run_config": self.run_config,
            "tags": self.tags or None,
            "job_name": self.job_name,
            "assets": None if self.asset_selection is None else [str(key) for key in self.asset_selection],
            "checks": None if self.asset_check_keys is None else [_check_of(one) for one in self.asset_check_keys],
            "partition": self.partition_key,
            "stale_only": self.stale_assets_only or None,
        }
        return {name: value for name, value in given.items() if value is not None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunRequest) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.run_key, self.job_name, self.partition_key))

    def __repr__(self) -> str:
        return f"RunRequest({', '.join(f'{name}={value!r}' for name, value in self.to_json().items())})"


class SkipReason:
    """Nothing is to run, and why: shown with the evaluation.

    >>> @sensor(job=load_orders)
    ... def never(context):
    ...     return SkipReason("nothing new")
    """

    def __init__(self, skip_message: str | None = None) -> None:
        self.skip_message = skip_message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SkipReason) and self.skip_message == other.skip_message

    def __hash__(self) -> int:
        return hash(self.skip_message)

    def __repr__(self) -> str:
        return f"SkipReason({self.skip_message!r})"


class SensorResult:
    """All that a sensor can answer at once: runs or a reason to skip, its new cursor, and what else it has to say.

    `dynamic_partitions_requests` are applied before the runs; `asset_events` are recorded as if an outside system had
    reported them.

    Raises:
        InvalidInvocationError: it has both runs and a reason to skip.

    >>> result = SensorResult(run_requests=[RunRequest(run_key="a")], cursor="a")
    >>> result.cursor
    'a'
    """

    def __init__(
        self,
        run_requests: Sequence[RunRequest] | None = None,
        skip_reason: str | SkipReason | None = None,
        cursor: str | None = None,
        dynamic_partitions_requests: Sequence[Any] | None = None,
        asset_events: Sequence[Any] | None = None,
    ) -> None:
        if run_requests and skip_reason:
            raise InvalidInvocationError("SensorResult: give run_requests or skip_reason, not both.")
        self.run_requests: list[RunRequest] = list(run_requests or ())
        self.skip_reason: SkipReason | None = SkipReason(skip_reason) if isinstance(skip_reason, str) else skip_reason
        self.cursor = cursor
        self.dynamic_partitions_requests: list[Any] = list(dynamic_partitions_requests or ())
        self.asset_events: list[Any] = list(asset_events or ())


def _tag_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _check_of(check: Any) -> list[str]:
    return [str(check.asset_key), check.name]
