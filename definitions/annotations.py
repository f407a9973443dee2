"""Values held against annotations, as far as `isinstance` can tell, and both in words for a message."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

_TOWER: dict[type, tuple[type, ...]] = {float: (float, int), complex: (complex, float, int)}  # PEP 484
SHOWN_CHARACTERS = 80


def fits(value: Any, expected: Any) -> bool:
    """Whether `value` is what `expected` says; True where that cannot be told."""
    origin = get_origin(expected)
    if expected is None:
        return value is None
    if origin is Annotated:
        return fits(value, get_args(expected)[0])
    if origin is Union or origin is types.UnionType:
        return any(fits(value, one) for one in get_args(expected))
    cls = origin if isinstance(origin, type) else expected
    if not isinstance(cls, type):
        return True  # Any, a type variable, Literal, ...: nothing that isinstance can tell
    try:
        return isinstance(value, _TOWER.get(cls, cls))
    except TypeError:  # a protocol that is not checkable
        return True


def named(expected: Any) -> str:
    if expected is type(None):
        return "None"
    return str(expected) if get_args(expected) else getattr(expected, "__name__", str(expected))


def shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # user code: the __repr__ of its value
        text = "..."
    cut = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
    return f"{cut} ({type(value).__name__})"
