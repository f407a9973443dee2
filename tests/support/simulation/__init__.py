"""The whole daemon under a virtual clock and one seed. See `simulation.py`."""

from __future__ import annotations

import anyio

from .simulation import Simulation

__all__ = ["Simulation", "simulate"]


def simulate(seed: int, *, days: float = 14) -> Simulation:
    """Simulate these days from one seed and check everything. What fails says how to have it again."""
    simulation = Simulation(seed, days=days)
    try:
        anyio.run(simulation.run)
        simulation.check_end()
    except Exception as error:
        error.add_note(f"To have it again: .venv/bin/python tests/simulation/simulate.py {seed} --days {days:g}")
        raise
    return simulation
