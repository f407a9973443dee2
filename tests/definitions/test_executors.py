"""Executors: their settings, and what is none."""

from __future__ import annotations

import os
from typing import Any

import pytest

from headwater import (
    Definitions,
    InvalidConfigError,
    InvalidDefinitionError,
    RunConfig,
    in_process_executor,
    job,
    multiprocess_executor,
)
from headwater.definitions.executors import executor_of_run
from headwater.definitions.run_config import run_config_data


def test_the_number_of_steps_at_a_time_can_be_set() -> None:
    assert multiprocess_executor.configured({"max_concurrent": 3}).max_concurrent == 3
    assert multiprocess_executor.configured({}).max_concurrent == os.cpu_count()
    assert multiprocess_executor.configured({"max_concurrent": 0}, name="all").max_concurrent == os.cpu_count()
    assert in_process_executor.max_concurrent is None


@pytest.mark.parametrize("config", [{"max_concurent": 3}, {"max_concurrent": -1}, {"max_concurrent": "two"}])
def test_settings_that_there_are_none_of_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidDefinitionError, match="multiprocess"):
        multiprocess_executor.configured(config)


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ({"multiprocess": {"max_concurrent": 3}}, 3),
        ({"multiprocess": {"config": {"max_concurrent": 3}}}, 3),
        ({"max_concurrent": 2}, 2),
        ({"multiprocess": None}, 5),
        ({}, 5),
        ({"in_process": {}}, None),
    ],
)
def test_a_run_config_says_how_the_steps_of_its_run_go(config: dict[str, Any], count: int | None) -> None:
    data = run_config_data(RunConfig(execution={"config": config}))
    chosen = executor_of_run(data["execution"], multiprocess_executor.configured({"max_concurrent": 5}))
    assert chosen is not None
    assert chosen.max_concurrent == count


def test_without_a_word_of_the_run_config_the_executor_is_that_of_the_job() -> None:
    assert executor_of_run(None, in_process_executor) is in_process_executor
    from_default = executor_of_run({"config": {"max_concurrent": 2}}, None)
    assert from_default is not None
    assert from_default.max_concurrent == 2


@pytest.mark.parametrize(
    "execution",
    [
        {"multiprocess": {}},
        {"config": 3},
        {"config": {"multiprocess": {"max_concurent": 3}}},
        {"config": {"multiprocess": {}, "in_process": {}}},
        {"config": {"in_process": {"max_concurrent": 3}}},
        {"config": {"multiprocess": 3}},
    ],
)
def test_an_execution_that_says_something_else_is_refused(execution: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError, match="execution"):
        run_config_data({"execution": execution})


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="has the executor 'fast', which is none"):
        Definitions(executor="fast")
    with pytest.raises(InvalidDefinitionError, match="job 'work' has the executor 3"):

        @job(executor_def=3)
        def work() -> None: ...
