"""What holds for every test: nothing that one of them set up for the whole process reaches the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _leaves_no_runs_behind() -> Iterator[None]:
    """A run writes below the home that it was given; one that takes "" for a home writes into the working directory."""
    runs = Path("runs").absolute()
    before = set(runs.iterdir()) if runs.is_dir() else set[Path]()
    yield
    left = set(runs.iterdir()) - before if runs.is_dir() else set[Path]()
    assert not left, f"the test wrote into the working directory: {sorted(map(str, left))}"
