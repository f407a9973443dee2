"""What two objects differ in, attribute by attribute, down to the last: for State, which has no equality of its own.

It knows no class by its fields: an attribute that somebody adds is compared from then on, and has to be named in
`CACHES` to be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pyroaring import BitMap

from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage.state import Causes, State
from headwater.storage.state.assets import AssetState, PartitionTable
from headwater.storage.state.ordinals import Spaces, TimeSpace
from headwater.storage.state.positions import Column
from headwater.storage.state.rare import NOTHING
from headwater.storage.state.runs import RunNotes

CACHES: dict[type, set[str]] = {
    State: {"definitions_bytes", "dep_keys", "known"},
    AssetState: {"_pending", "_run_in_progress"},
    Spaces: {"_made", "_by_fingerprint"},  # what tables use of these is compared with the tables
    TimeSpace: {"_found", "_keys", "_definition", "calendar"},
    Causes: {"_bits"},
    RunNotes: {"notes", "_tidy_at"},  # unused ones may be left
    PartitionTable: {"handled_last"},  # a bound: what is restored may have a closer one
}
"""What follows from the rest and is worked out when it is asked for."""


def differences(one: Any, other: Any, *, at: str = "state") -> list[str]:
    """Where the two differ, with the path to it; empty where they are equal."""
    return list(_differences(one, other, at, set()))


def _differences(one: Any, other: Any, at: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    if (id(one), id(other)) in seen:
        return
    seen.add((id(one), id(other)))
    if one is NOTHING or other is NOTHING:  # in whose place an empty dict of one's own says the same
        yield from _leaf_differences(dict(one), dict(other), at, seen)
    elif type(one) is not type(other):
        yield f"{at}: {one!r} against {other!r}"
    elif isinstance(one, DefinitionsSnapshot):
        if one.hash != other.hash:
            yield f"{at}: other definitions"
    elif isinstance(one, BitMap | BaseModel | Column | set | frozenset) or not _fields(one):
        yield from _leaf_differences(one, other, at, seen)
    else:
        names = _fields(one) - CACHES.get(type(one), set())
        for name in sorted(names):
            yield from _differences(getattr(one, name), getattr(other, name), f"{at}.{name}", seen)


def _leaf_differences(one: Any, other: Any, at: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    if isinstance(one, Mapping):
        if list(one) != list(other):
            yield f"{at}: keys {list(one)} against {list(other)}"
            return
        for key in one:
            yield from _differences(one[key], other[key], f"{at}[{key!r}]", seen)
    elif isinstance(one, list | tuple):
        if len(one) != len(other):
            yield f"{at}: {one!r} against {other!r}"
            return
        for n, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{at}[{n}]", seen)
    elif callable(one):
        return  # a method of the object that is being compared
    elif one != other:
        yield f"{at}: {one!r} against {other!r}"


def _fields(value: Any) -> set[str]:
    """The names of the attributes that an object has now."""
    if type(value).__module__ == "builtins" or callable(value):
        return set()
    slots = {name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())}
    return {name for name in slots | set(getattr(value, "__dict__", {})) if hasattr(value, name)}
