from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from headwater.storage.uncollected import set_aside, uncollected


class Knot:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def melted() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_the_collector_is_off_meanwhile_and_as_it_was_afterwards() -> None:
    with uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.usefixtures("melted")
def test_what_is_set_aside_is_no_longer_gone_through_and_garbage_is_not_set_aside() -> None:
    kept, garbage = Knot(), Knot()
    gone = weakref.ref(garbage)
    del garbage
    set_aside()
    assert gone() is None
    assert not any(one is kept for one in gc.get_objects())


@pytest.mark.usefixtures("melted")
def test_setting_aside_again_finds_what_became_garbage_since() -> None:
    once = Knot()
    gone = weakref.ref(once)
    set_aside()
    del once
    gc.collect()
    assert gone() is not None
    set_aside()
    assert gone() is None
