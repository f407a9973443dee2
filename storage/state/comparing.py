"""Whether two States say the same, in the words of the user: by asset and partition key.

It is what `store verify` holds a snapshot against the fold with. It knows no class of State by its fields: every
attribute is compared, also one that is added tomorrow, but for those that are named in `LEFT_OUT` with their reason.
Two processes may number keys differently, and one of them may have taken note of changes already; neither is a
difference here. Nor is an asset of which nothing is known but that somebody has looked at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pyroaring import BitMap

from ...definitions.snapshot import DefinitionsSnapshot
from .assets import AssetState, PartitionTable
from .backfills import Backfills, BackfillState
from .causes import Causes
from .checks import CheckStates
from .fold import State
from .memory import SEEN, Memory, whose
from .ordinals import DynamicSpace, OrdinalSpace, Spaces
from .positions import Column
from .recent import Recent
from .runs import RunState

_BOUND = "a bound: what is restored may have a closer one"
_CACHE = "put together from the rest when it is asked for"
_CHOSEN = "for keys that somebody chose who knew them; not of the fold"
_DERIVED = "follows from the definitions, whose hash is compared"
_NUMBERING = "each process has its own"
_TAKEN = "whoever takes note of changes empties it"

LEFT_OUT: dict[type, dict[str, str]] = {
    State: {
        "definitions_bytes": "where definitions are looked up",
        "is_pinned": "no such State becomes a snapshot",
        "known": _CACHE,
        "dep_keys": _CACHE,
        "dynamic_readers": _DERIVED,
        "changes": _TAKEN,
        "definitions": _DERIVED,
        "run_notes": "their names, which assets keep, say what they say",
    },
    AssetState: {"_pending": _CACHE, "_run_in_progress": _CACHE},
    PartitionTable: {"handled_last": _BOUND, "space": _DERIVED},
    RunState: {"note": _CACHE},
    Backfills: {"_touched": _TAKEN},
    BackfillState: {"touched": _TAKEN},
    CheckStates: {"_assets": "the assets of State", "_of_asset": "the same as `parts`, by asset"},
    DynamicSpace: {
        "fingerprint": "follows from the name",
        "_keys": _NUMBERING,
        "_ordinals": _NUMBERING,
        "_is_open": _CHOSEN,
    },
    Spaces: {"_by_fingerprint": _DERIVED, "_made": _CACHE, "_is_open": _CHOSEN},
}

_LABELS = {
    "through": "the offset",
    "timestamp": "the time",
    "term": "the leader's term",
    "definitions_hash": "the definitions",
    "definitions_errors": "the errors of definitions",
    "blocks": "what waits for what",
    "spaces": "dynamic partitions",
    "switches": "what automation was switched to",
}


def told_apart(one: State, other: State) -> list[str]:
    """What the two say differently, such as "asset 'orders'"; empty where they say the same."""
    here, there = _picture(one), _picture(other)
    return [name for name in {**here, **there} if here.get(name) != there.get(name)]


def _picture(state: State) -> dict[str, Any]:
    """All that a State says, in pieces with names for people. What says nothing has no place."""
    teller = _Teller(state)
    picture: dict[str, Any] = {}
    for name, value in _attributes(state).items():
        if name == "assets":
            picture |= teller.states("asset", value)
        elif name == "memory":
            picture |= teller.memory(value)
        elif name == "checks":
            picture |= teller.states("check", value.states)
            others = {field: of for field, of in _attributes(value).items() if field != "states"}
            picture["the checks"] = teller.told(others)
        else:
            picture[_LABELS.get(name, "the " + name.strip("_").replace("_", " "))] = teller.told(value)
    return picture


class _Teller:
    def __init__(self, state: State) -> None:
        self._state = state

    def states(self, kind: str, states: Mapping[str, AssetState]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, asset in states.items():
            blank = AssetState(key, None if asset.table is asset.stray else asset.table.space)
            self._state.mark_observable(blank)
            if (told := self.told(asset)) != self.told(blank):
                found[f"{kind} {key!r}"] = told
        return found

    def memory(self, memory: Memory) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in _attributes(memory).items():
            if name != "nodes":
                found[f"the memory, {name}"] = self.told(value)
        for key, nodes in memory.nodes.items():
            for node, causes in nodes.items():
                space = Spaces.WHOLE if node.startswith(SEEN) else self._state.space(whose(key, node))
                found[f"the memory of {key!r}, node {node}"] = self.told(causes, space)
        return found

    def told(self, value: Any, space: OrdinalSpace | None = None) -> Any:
        """A value as plain data, with partition keys in the place of ordinals of `space`."""
        match value:
            case BitMap():
                return {_key(space, ordinal) for ordinal in value}
            case Column():
                return {_key(space, ordinal): number for ordinal, number in value.items()}
            case Recent():
                return [(offset, _key(space, ordinal)) for offset, ordinal in value]
            case Causes():
                return [(position, self.told(bits, space)) for position, bits in value]
            case Mapping():
                told = {_key(space, key): self.told(of, space or self._space_of(key)) for key, of in value.items()}
                return {key: of for key, of in told.items() if of not in ({}, set(), [])}
            case list() | tuple():
                return [self.told(one, space) for one in value]
            case DynamicSpace():
                told = self._object(value, value)
                return {**told, "_added": value.keys()} if any(told.values()) else {}
            case DefinitionsSnapshot():
                return value.hash
            case BaseModel():
                return value
            case AssetState():
                space = value.table.space
            case PartitionTable():
                space = value.space
            case _ if callable(value):
                return None
            case _ if not _attributes(value):
                return value
        return self._object(value, space)

    def _object(self, value: Any, space: OrdinalSpace | None) -> dict[str, Any]:
        return {name: self.told(of, space) for name, of in _attributes(value).items()}

    def _space_of(self, key: Any) -> OrdinalSpace | None:
        """That of the asset which a key of a mapping names, if it names one."""
        known = isinstance(key, str) and (key in self._state.assets or key in self._state.checks.states)
        return self._state.space(key) if known else None


def _key(space: OrdinalSpace | None, ordinal: Any) -> Any:
    if space is None or not isinstance(ordinal, int):
        return ordinal
    try:
        return space.key(ordinal)
    except LookupError:
        return ordinal  # of no key that this space has: it is told as it is


def _attributes(value: Any) -> dict[str, Any]:
    """What an object has now, but for what is left out; nothing where it is no object of State."""
    if type(value).__module__ in ("builtins", "datetime"):
        return {}
    left_out = LEFT_OUT.get(type(value), {})
    slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
    names = [*slots, *getattr(value, "__dict__", {})]
    return {name: getattr(value, name) for name in names if name not in left_out and hasattr(value, name)}
