"""What State needs for assets of which nothing happened yet: with a hundred thousand of them each byte counts."""

from __future__ import annotations

import tracemalloc

from headwater import AssetSpec, Definitions
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage.events import DefinitionsLoaded
from headwater.storage.log import EventLog
from headwater.storage.state import State

SIZE = 2_000
MOST = 1_800  # bytes of Python objects an asset; 1,300 are needed, of which its definition takes a half


def log_of(size: int) -> EventLog:
    """A log with definitions of a chain of so many assets."""
    chain = [AssetSpec(f"asset_{n}", deps=[f"asset_{n - 1}"] if n else []) for n in range(size)]
    snapshot, log = DefinitionsSnapshot.of(Definitions(assets=chain)), EventLog.memory()
    log.append([DefinitionsLoaded(hash=snapshot.hash, asset_count=size)], blobs={snapshot.hash: snapshot.to_bytes()})
    return log


def folded(log: EventLog) -> State:
    state = State.empty(log.definitions_bytes)
    state.apply_all(log.read(0, 10))
    return state


def test_an_asset_that_was_only_defined_costs_little() -> None:
    log = log_of(SIZE)
    folded(log)  # what is imported and compiled by the way is no asset's
    tracemalloc.start()
    try:
        state = folded(log)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(state.assets) == SIZE
    assert taken / SIZE < MOST


def test_what_many_assets_say_alike_is_one_object() -> None:
    log = log_of(3)
    definitions = folded(log).definitions
    assert definitions is not None
    first, second, third = definitions.assets.values()
    assert second.deps[0].key is first.key
    assert first.tags is second.tags
    assert first.metadata is third.metadata
    readers = [AssetSpec("source"), AssetSpec("a", deps=["source"]), AssetSpec("b", deps=["source"])]
    read = DefinitionsSnapshot.from_bytes(DefinitionsSnapshot.of(Definitions(assets=readers)).to_bytes()).assets
    assert read["a"].deps[0] is read["b"].deps[0]
