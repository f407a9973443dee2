"""Executors: their settings, and what is none."""

from __future__ import annotations

import os
from typing import Any

import pytest

from headwater import Definitions, InvalidDefinitionError, in_process_executor, job, multiprocess_executor


def test_the_number_of_steps_at_a_time_can_be_set() -> None:
    assert multiprocess_executor.configured({"max_concurrent": 3}).max_concurrent == 3
    assert multiprocess_executor.configured({}).max_concurrent == os.cpu_count()
    assert multiprocess_executor.configured({"max_concurrent": 0}, name="all").max_concurrent == os.cpu_count()
    assert in_process_executor.max_concurrent is None


@pytest.mark.parametrize("config", [{"max_concurent": 3}, {"max_concurrent": -1}, {"max_concurrent": "two"}])
def test_settings_that_there_are_none_of_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidDefinitionError, match="multiprocess"):
        multiprocess_executor.configured(config)


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="has the executor 'fast', which is none"):
        Definitions(executor="fast")
    with pytest.raises(InvalidDefinitionError, match="job 'work' has the executor 3"):

        @job(executor_def=3)
        def work() -> None: ...
