"""The whole daemon, for weeks, with everything that can happen: see `support/simulation`."""

from __future__ import annotations

import logging

import pytest
import structlog

from support.simulation import simulate


@pytest.mark.seeds(4, nightly=300)
def test_weeks_of_operation_record_nothing_wrong_and_end_fresh(seed: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    simulate(seed, days=5)
