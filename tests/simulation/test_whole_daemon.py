"""The whole daemon, for weeks, with everything that can happen: see `support/simulation`."""

from __future__ import annotations

import logging

import anyio
import pytest
import structlog

from support.simulation import Simulation, simulate


@pytest.mark.seeds(4, nightly=300)
def test_weeks_of_operation_record_nothing_wrong_and_end_fresh(seed: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    simulate(seed, days=5)


def test_a_seed_gives_the_same_log_again() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    first, again = Simulation(3, days=1), Simulation(3, days=1)
    for simulation in (first, again):
        anyio.run(simulation.run)
    assert first.log.read(0, 1_000_000) == again.log.read(0, 1_000_000)
