"""What most assets have nothing of is one empty mapping, which nobody can change for all of them."""

from __future__ import annotations

from copy import deepcopy

import pytest

from headwater import AssetSpec
from headwater.storage.state import State
from headwater.storage.state.rare import NOTHING, dropped, noted
from support.world import World


@pytest.mark.parametrize(
    "write",
    [
        lambda: NOTHING.__setitem__("key", 1),
        lambda: NOTHING.setdefault("key", []),
        lambda: NOTHING.update(key=1),
        lambda: NOTHING.__ior__({"key": 1}),
    ],
)
def test_the_shared_mapping_takes_nothing(write) -> None:
    with pytest.raises(TypeError, match="noted"):
        write()
    assert NOTHING == {}


def test_what_is_noted_first_is_noted_in_a_mapping_of_its_own() -> None:
    one = noted(NOTHING, "key", 1)
    other = noted(NOTHING, "key", 2)
    assert (one, other, NOTHING) == ({"key": 1}, {"key": 2}, {})
    assert noted(one, "another", 3) is one


def test_once_the_last_is_dropped_nothing_is_kept() -> None:
    facts = noted(noted(NOTHING, "key", 1), "another", 2)
    assert dropped(facts, "key") is facts
    assert dropped(facts, "another") is NOTHING
    assert dropped(NOTHING, "key") is NOTHING


def test_a_copy_of_nothing_is_the_same_nothing() -> None:
    assert deepcopy(NOTHING) is NOTHING


def test_assets_of_which_nothing_is_known_hold_nothing_of_their_own() -> None:
    world = World()
    world.define(AssetSpec("one"), AssetSpec("two"))
    state = State.empty(world.log.definitions_bytes)
    for stored in world.log.read(0, 100):
        state.apply(stored)
    for key in ("one", "two"):
        asset = state.asset(key)
        assert asset.stray is None
        assert asset.table.recent is None
        kept = [asset.unstarted, asset.unmade, asset.backfills, asset.files]
        kept += [asset.table.held, asset.table.blocked, asset.table.setbacks, asset.table.versions]
        assert all(one is NOTHING for one in kept)
