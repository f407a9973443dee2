"""Whether two States say the same, in the words of the user: by asset and partition key.

Two processes may number keys differently, and one of them may have taken note of changes already; neither is a
difference here. It is what `store verify` holds a snapshot against the fold with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from pyroaring import BitMap

from .asked import Asked
from .assets import AssetState, PartitionTable
from .causes import Causes
from .fold import State
from .memory import SEEN, whose
from .ordinals import OrdinalSpace, Spaces
from .positions import Column


def told_apart(one: State, other: State) -> list[str]:
    """What the two say differently, such as "asset 'orders'"; empty where they say the same."""
    here, there = _picture(one), _picture(other)
    return [name for name in {**here, **there} if here.get(name) != there.get(name)]


def _picture(state: State) -> dict[str, Any]:
    picture: dict[str, Any] = {
        "the offset": (state.through, state.timestamp),
        "the leader's term": state.term,
        "the definitions": (state.definitions_hash, state.definitions_errors),
        "the runs": state.runs,
        "what waits for what": {blocker: blocked for blocker, blocked in state._blocks.items() if blocked},
        "the sensors": state.automation.sensors,
        "the schedules": state.automation.schedules,
        "the backfills": {key: (b.offset, b.keys, b.runs) for key, b in state.backfills.active.items()},
        "dynamic partitions": {name: space.keys() for name, space in state.spaces._dynamic.items() if space.keys()},
    }
    for kind, states in (("asset", state.assets), ("check", state.checks.states)):
        for key, asset in states.items():
            if facts := dict(_asset(asset)):
                picture[f"{kind} {key!r}"] = facts
    for key, nodes in state.memory.nodes.items():
        for node, causes in nodes.items():
            space = Spaces.WHOLE if node.startswith(SEEN) else state.space(whose(key, node))
            picture[f"the memory of {key!r}, node {node}"] = _by_key(causes, space)
    return picture


def _asset(asset: AssetState) -> Iterator[tuple[Any, Any]]:
    for name in ("files", "made_at", "freshness"):
        if value := getattr(asset, name):
            yield name, value
    for name in ("unstarted", "unmade", "backfills"):
        for of, value in getattr(asset, name).items():
            yield (name, of), _by_key(value, asset.table.space)
    for table in {id(t): t for t in (asset.table, asset.stray)}.values():
        yield from _table(table, is_stray=table is asset.stray)


def _table(table: PartitionTable, *, is_stray: bool) -> Iterator[tuple[Any, Any]]:
    for field in fields(table):
        if field.name == "handled_last":
            continue  # a bound, which after a lost attempt lies higher than it has to
        value = getattr(table, field.name)
        if field.name == "recent":
            value = [(position, table.space.key(ordinal)) for position, ordinal in value]
        elif field.name != "space":
            value = _by_key(value, table.space)
        if value and field.name != "space":
            yield (is_stray, field.name), value


def _by_key(value: Any, space: OrdinalSpace) -> Any:
    """A value with partition keys in the place of ordinals, and without what is empty."""
    if isinstance(value, BitMap):
        return {space.key(ordinal) for ordinal in value}
    if isinstance(value, Column):
        return {space.key(ordinal): number for ordinal, number in value.items()}
    if isinstance(value, Asked):
        return [(at, _by_key(because, space)) for at, because in value.requests]
    if isinstance(value, Causes):
        return [(position, _by_key(bits, space)) for position, bits in value]
    if isinstance(value, dict):
        named = {(space.key(k) if isinstance(k, int) else k): _by_key(v, space) for k, v in value.items()}
        return {key: of for key, of in named.items() if of not in ({}, set())}
    if is_dataclass(value) and any(isinstance(getattr(value, f.name), BitMap | Column) for f in fields(value)):
        named = {f.name: _by_key(getattr(value, f.name), space) for f in fields(value)}
        return {key: of for key, of in named.items() if of not in ({}, set())}
    return value
