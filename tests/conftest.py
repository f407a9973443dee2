"""What holds for every test: nothing that one of them set up for the whole process reaches the next.

Random tests are as long as the profile says: `make test` plays some hundreds of histories, `make nightly` (--nightly)
thousands. A test that is given a `seed` says how many with `@pytest.mark.seeds(60, nightly=1_500)`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

settings.register_profile("nightly", max_examples=2_000, deadline=None, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="play thousands of random histories, for an hour or more")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "seeds(count, nightly): run the test with these many seeds")
    if config.getoption("--nightly"):
        settings.load_profile("nightly")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if (mark := metafunc.definition.get_closest_marker("seeds")) is not None:
        is_nightly = metafunc.config.getoption("--nightly")
        metafunc.parametrize("seed", range(mark.kwargs["nightly"] if is_nightly else mark.args[0]))


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


SHARED = {"headwater.storage.state.assets": "NOWHERE", "headwater.definitions.snapshot": "NONE"}
"""Empty objects that stand in thousands of places, by the module that has them."""


@pytest.fixture(autouse=True)
def _leaves_empty_what_all_share() -> Iterator[None]:
    yield
    for module, name in SHARED.items():
        if module in sys.modules:
            assert not getattr(sys.modules[module], name), f"the test changed {module}.{name}, which all assets share"


@pytest.fixture(autouse=True)
def _forgets_modules_of_the_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Definitions that a test loads in this process are modules, of names that the next test uses as well."""
    yield
    below = str(tmp_path_factory.getbasetemp())
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", None)).startswith(below):
            del sys.modules[name]
