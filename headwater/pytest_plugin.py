"""What pytest offers where headwater is installed: the fixture `instance`.

    def test_revenue(instance):
        result = materialize([orders, revenue], instance=instance)
        assert instance.get_latest_materialization_event("revenue").run_id == result.run_id

Pytest imports this module in every project of the environment, so it imports nothing before the fixture is used. Take
it out with `-p no:headwater.pytest_plugin`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .storage.instance import Instance


@pytest.fixture
def instance() -> Iterator[Instance]:
    """An `Instance` of this test alone: its log and its values live in memory and are gone afterwards."""
    from .storage.instance import Instance

    with Instance.ephemeral() as opened:
        yield opened
