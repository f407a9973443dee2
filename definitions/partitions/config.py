"""Run config by partition: what the run of a job is told, worked out from the partition that it makes.

    @daily_partitioned_config(start_date="2024-01-01")
    def load_config(start, end):
        return {"ops": {"load": {"config": {"day": start.date().isoformat()}}}}

The decorated function stays callable as it was. The job takes its partitions from the config:
`define_asset_job("load", config=load_config)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import update_wrapper
from typing import Any

from ..errors import InvalidDefinitionError, InvalidInvocationError
from ..run_config import RunConfig, run_config_data
from .base import DynamicPartitionsStore, PartitionsDefinition
from .dynamic import DynamicPartitionsDefinition
from .key_forms import ISO_DATE, ISO_HOUR
from .named_windows import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from .static import StaticPartitionsDefinition
from .time_windows import TimeWindowPartitionsDefinition

ByKey = Callable[[str], RunConfig | Mapping[str, Any]]
ByWindow = Callable[[datetime, datetime], RunConfig | Mapping[str, Any]]
TagsByKey = Callable[[str], Mapping[str, str]]
TagsByWindow = Callable[[datetime, datetime], Mapping[str, str]]


class PartitionedConfig:
    """The partitions of a job, and the run config and tags of each of them.

    >>> config = PartitionedConfig(
    ...     StaticPartitionsDefinition(["eu", "us"]),
    ...     run_config_for_partition_key_fn=lambda key: {"ops": {"load": {"config": {"region": key}}}},
    ... )
    >>> config.get_run_config_for_partition_key("eu")
    {'ops': {'load': {'config': {'region': 'eu'}}}}
    """

    def __init__(
        self,
        partitions_def: PartitionsDefinition,
        *,
        run_config_for_partition_key_fn: ByKey,
        tags_for_partition_key_fn: TagsByKey | None = None,
        decorated_fn: Callable[..., Any] | None = None,
    ) -> None:
        if not isinstance(partitions_def, PartitionsDefinition):
            raise InvalidDefinitionError(f"PartitionedConfig needs a partitions_def, not {partitions_def!r}")
        if not callable(run_config_for_partition_key_fn):
            raise InvalidDefinitionError(
                "PartitionedConfig needs run_config_for_partition_key_fn, a function from a partition key to run config"
            )
        self.partitions_def = partitions_def
        self.run_config_for_partition_key_fn = run_config_for_partition_key_fn
        self.tags_for_partition_key_fn = tags_for_partition_key_fn
        self._function = decorated_fn
        if decorated_fn is not None:
            update_wrapper(self, decorated_fn)

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[str]:
        return self.partitions_def.get_partition_keys(current_time, dynamic_partitions_store)

    def get_run_config_for_partition_key(self, partition_key: str) -> dict[str, Any]:
        """What the function says for one partition, as plain data.

        Raises:
            InvalidConfigError: it is no run config.
        """
        return run_config_data(self.run_config_for_partition_key_fn(self.partitions_def.typed_key(partition_key)))

    def get_tags_for_partition_key(self, partition_key: str) -> dict[str, str]:
        """The tags that a run of one partition has besides those of its job."""
        if self.tags_for_partition_key_fn is None:
            return {}
        return dict(self.tags_for_partition_key_fn(self.partitions_def.typed_key(partition_key)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the decorated function, as in a test."""
        if self._function is None:
            raise InvalidInvocationError("this PartitionedConfig decorates no function that could be called")
        return self._function(*args, **kwargs)


def static_partitioned_config(
    partition_keys: Sequence[str], tags_for_partition_key_fn: TagsByKey | None = None
) -> Callable[[ByKey], PartitionedConfig]:
    """Decorates a function from one of `partition_keys` to run config."""
    return _by_key(StaticPartitionsDefinition(partition_keys), tags_for_partition_key_fn)


def dynamic_partitioned_config(
    partitions_def_name: str | DynamicPartitionsDefinition, tags_for_partition_key_fn: TagsByKey | None = None
) -> Callable[[ByKey], PartitionedConfig]:
    """Decorates a function from a key of the dynamic partitions of a name to run config."""
    if isinstance(partitions_def_name, DynamicPartitionsDefinition):
        return _by_key(partitions_def_name, tags_for_partition_key_fn)
    return _by_key(DynamicPartitionsDefinition(partitions_def_name), tags_for_partition_key_fn)


def hourly_partitioned_config(
    start_date: str | date | datetime,
    minute_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: TagsByWindow | None = None,
) -> Callable[[ByWindow], PartitionedConfig]:
    """Decorates a function from the start and the end of an hour, as aware datetimes, to run config."""
    windows = HourlyPartitionsDefinition(start_date, None, minute_offset, timezone, fmt or ISO_HOUR, end_offset)
    return _by_window(windows, tags_for_partition_fn)


def daily_partitioned_config(
    start_date: str | date | datetime,
    minute_offset: int = 0,
    hour_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: TagsByWindow | None = None,
) -> Callable[[ByWindow], PartitionedConfig]:
    """Decorates a function from the start and the end of a day, as aware datetimes, to run config."""
    windows = DailyPartitionsDefinition(
        start_date, None, minute_offset, hour_offset, timezone, fmt or ISO_DATE, end_offset
    )
    return _by_window(windows, tags_for_partition_fn)


def weekly_partitioned_config(
    start_date: str | date | datetime,
    minute_offset: int = 0,
    hour_offset: int = 0,
    day_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: TagsByWindow | None = None,
) -> Callable[[ByWindow], PartitionedConfig]:
    """Decorates a function from the start and the end of a week, as aware datetimes, to run config."""
    windows = WeeklyPartitionsDefinition(
        start_date, None, minute_offset, hour_offset, day_offset, timezone, fmt or ISO_DATE, end_offset
    )
    return _by_window(windows, tags_for_partition_fn)


def monthly_partitioned_config(
    start_date: str | date | datetime,
    minute_offset: int = 0,
    hour_offset: int = 0,
    day_offset: int = 1,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: TagsByWindow | None = None,
) -> Callable[[ByWindow], PartitionedConfig]:
    """Decorates a function from the start and the end of a month, as aware datetimes, to run config."""
    windows = MonthlyPartitionsDefinition(
        start_date, None, minute_offset, hour_offset, day_offset, timezone, fmt or ISO_DATE, end_offset
    )
    return _by_window(windows, tags_for_partition_fn)


def _by_key(partitions: PartitionsDefinition, tags: TagsByKey | None) -> Callable[[ByKey], PartitionedConfig]:
    def decorate(function: ByKey) -> PartitionedConfig:
        return PartitionedConfig(
            partitions,
            run_config_for_partition_key_fn=function,
            tags_for_partition_key_fn=tags,
            decorated_fn=function,
        )

    return decorate


def _by_window(
    windows: TimeWindowPartitionsDefinition, tags: TagsByWindow | None
) -> Callable[[ByWindow], PartitionedConfig]:
    def tags_of(key: str) -> Mapping[str, str]:
        return {} if tags is None else tags(*windows.window(key))

    def decorate(function: ByWindow) -> PartitionedConfig:
        return PartitionedConfig(
            windows,
            run_config_for_partition_key_fn=lambda key: function(*windows.window(key)),
            tags_for_partition_key_fn=tags_of,
            decorated_fn=function,
        )

    return decorate
