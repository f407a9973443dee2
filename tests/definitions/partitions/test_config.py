"""Run config that is worked out from a partition."""

from __future__ import annotations

from datetime import datetime

import pytest

from headwater import (
    DailyPartitionsDefinition,
    PartitionedConfig,
    StaticPartitionsDefinition,
    daily_partitioned_config,
    dynamic_partitioned_config,
    hourly_partitioned_config,
    monthly_partitioned_config,
    static_partitioned_config,
    weekly_partitioned_config,
)
from headwater.definitions.errors import InvalidConfigError, InvalidDefinitionError, InvalidInvocationError
from headwater.definitions.jobs import JobDefinition
from headwater.definitions.run_config import RunConfig
from headwater.definitions.source import SourceLine

HERE = SourceLine("flow.py", 7)


def ops(**config: str) -> dict:
    return {"ops": {"load": {"config": config}}}


@static_partitioned_config(["eu", "us"], tags_for_partition_key_fn=lambda key: {"region": key})
def by_region(key: str) -> dict:
    """The config of a region."""
    return ops(region=key)


@daily_partitioned_config(start_date="2024-01-01", timezone="Europe/Berlin")
def by_day(start: datetime, end: datetime) -> RunConfig:
    return RunConfig(ops={"load": {"config": {"start": start.isoformat(), "end": end.isoformat()}}})


def test_each_partition_has_its_config_and_its_tags() -> None:
    assert by_region.get_partition_keys() == ["eu", "us"]
    assert by_region.get_run_config_for_partition_key("eu") == ops(region="eu")
    assert by_region.get_tags_for_partition_key("eu") == {"region": "eu"}
    assert by_region("us") == ops(region="us")
    assert by_region.__doc__ == "The config of a region."


def test_a_window_is_given_by_its_ends_in_its_own_zone() -> None:
    found = by_day.get_run_config_for_partition_key("2024-03-31")
    assert found == ops(start="2024-03-31T00:00:00+01:00", end="2024-04-01T00:00:00+02:00")
    assert by_day.get_tags_for_partition_key("2024-03-31") == {}


@pytest.mark.parametrize(
    ("decorate", "key", "start"),
    [
        (hourly_partitioned_config("2024-01-01", minute_offset=15), "2024-01-01-03:15", "03:15"),
        (weekly_partitioned_config("2024-01-01", day_offset=1), "2024-01-08", "00:00"),
        (monthly_partitioned_config("2024-01-01", hour_offset=5), "2024-02-01", "05:00"),
    ],
)
def test_all_rhythms_do_the_same(decorate, key: str, start: str) -> None:
    config = decorate(lambda start, end: ops(at=start.strftime("%H:%M")))
    assert config.get_run_config_for_partition_key(key) == ops(at=start)


def test_dynamic_keys_are_named() -> None:
    config = dynamic_partitioned_config("customers")(lambda key: ops(customer=key))
    assert config.partitions_def.dynamic_names == {"customers"}
    with pytest.raises(InvalidDefinitionError, match="takes no function"):
        dynamic_partitioned_config(lambda now: ["a"])  # type: ignore[arg-type]


def test_a_job_takes_its_partitions_from_its_config() -> None:
    job = JobDefinition("load", config=by_region, tags={"team": "x"}, source=HERE)
    assert job.partitions_def == StaticPartitionsDefinition(["eu", "us"])
    assert job.run_config_of("us") == ops(region="us")
    assert job.run_tags_of("us") == {"team": "x", "region": "us"}
    with pytest.raises(InvalidInvocationError, match="name a partition_key"):
        job.run_config_of(None)
    with pytest.raises(InvalidDefinitionError, match=r"flow.py:7: job 'load' has daily.*Leave partitions_def out"):
        JobDefinition("load", config=by_region, partitions_def=DailyPartitionsDefinition("2024-01-01"), source=HERE)
    plain = JobDefinition("load", config=ops(a="b"), source=HERE)
    assert (plain.run_config_of(None), plain.run_tags_of(None), plain.partitions_def) == (ops(a="b"), {}, None)


def test_what_is_no_run_config_is_refused() -> None:
    config = PartitionedConfig(StaticPartitionsDefinition(["a"]), run_config_for_partition_key_fn=lambda key: {"op": 1})
    with pytest.raises(InvalidConfigError, match="no such section"):
        config.get_run_config_for_partition_key("a")
    with pytest.raises(InvalidInvocationError, match="decorates no function"):
        config("a")
