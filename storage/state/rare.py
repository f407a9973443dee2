"""Facts that few assets have: one empty mapping stands for all of those that nobody has written to yet.

A hundred thousand assets with a dozen empty dicts each would be 80 MB of nothing. Whoever reads does not see the
difference; whoever adds does it with `noted`, since the shared mapping refuses. To take something out of it is in
order: nothing is in it.
"""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Nothing(dict[Any, Any]):
    """Empty for ever."""

    def _refuse(self, *args: Any, **named: Any) -> NoReturn:
        raise TypeError("many objects share this empty mapping: add to it with noted()")

    __setitem__ = setdefault = update = __ior__ = _refuse  # type: ignore[assignment]

    def __deepcopy__(self, memo: object) -> _Nothing:
        return self


NOTHING: dict[Any, Any] = _Nothing()


def nothing() -> dict[Any, Any]:
    """The shared mapping, as what a new object begins with."""
    return NOTHING


def noted(facts: dict[K, V], key: K, value: V) -> dict[K, V]:
    """`facts` with one more: the same mapping, but for the shared one, in whose place comes one of its own."""
    if facts is NOTHING:
        return {key: value}
    facts[key] = value
    return facts


def dropped(facts: dict[K, V], key: K) -> dict[K, V]:
    """`facts` without a key, if it was in it: the shared mapping once nothing is left."""
    facts.pop(key, None)
    return facts or NOTHING
