"""Shapes: how a value of State becomes plain data, and plain data the value again.

Plain data is None, booleans, numbers, texts, bytes, and tuples, lists and dicts of them, nothing else: what is read
back can be of no other kind. Packing copies whatever the fold changes in place, so that State may go on while what was
packed is still being written. What has no order is packed in order: the same facts give the same bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel
from pyroaring import BitMap

from .causes import Causes
from .positions import Column
from .rare import NOTHING
from .recent import Recent


class Shape(NamedTuple):
    """The two directions."""

    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


PLAIN = Shape(_same, _same)
"""What is plain already, and is never changed in place."""

BITS = Shape(BitMap.serialize, BitMap.deserialize)

INSTANT = Shape(datetime.isoformat, datetime.fromisoformat)

SET = Shape(lambda values: sorted(values, key=repr), set)
"""A set of texts, or of tuples of texts and None."""

LIST = Shape(list, list)


COLUMN = Shape(
    lambda column: (column.first, {number: column.pages[number].tobytes() for number in sorted(column.pages)}),
    lambda packed: Column(packed[0], {number: array("q", data) for number, data in packed[1].items()} or NOTHING),
)

RECENT_UPDATES = Shape(lambda recent: recent.to_bytes(), Recent.from_bytes)

CAUSES = Shape(
    lambda causes: [(position, bits.serialize()) for position, bits in causes.groups],
    lambda packed: Causes._of_disjoint([(position, BitMap.deserialize(bits)) for position, bits in packed]),
)


def maybe(shape: Shape) -> Shape:
    """None, or a value."""
    return Shape(
        lambda value: None if value is None else shape.pack(value),
        lambda packed: None if packed is None else shape.unpack(packed),
    )


def by_key(shape: Shape) -> Shape:
    """A dict, in the order that it has: some are read in the order in which their keys came."""
    if shape is PLAIN:
        return Shape(dict, dict)
    pack, unpack = shape
    return Shape(
        lambda values: {key: pack(value) for key, value in values.items()} if values else {},
        lambda packed: {key: unpack(value) for key, value in packed.items()} if packed else {},
    )


def rare(shape: Shape) -> Shape:
    """A dict that most have nothing in: then it is the one that all of these share."""
    pack, unpack = by_key(shape)
    return Shape(pack, lambda packed: unpack(packed) if packed else NOTHING)


def list_of(shape: Shape) -> Shape:
    return Shape(
        lambda values: [shape.pack(value) for value in values], lambda packed: [shape.unpack(value) for value in packed]
    )


def tuple_of(shape: Shape) -> Shape:
    return Shape(list_of(shape).pack, lambda packed: tuple(shape.unpack(value) for value in packed))


def pair(first: Shape, second: Shape) -> Shape:
    return Shape(
        lambda values: (first.pack(values[0]), second.pack(values[1])),
        lambda packed: (first.unpack(packed[0]), second.unpack(packed[1])),
    )


def model(cls: type[BaseModel]) -> Shape:
    """A value that stands in events, in the form that it has there."""
    return Shape(lambda value: value.model_dump_json(exclude_defaults=True), cls.model_validate_json)


def record(cls: Callable[..., Any], **fields: Shape) -> Shape:
    """An object by its fields, each in a shape of its own. `cls` takes them by name."""
    packs = [(name, shape.pack) for name, shape in fields.items()]
    unpacks = [(name, shape.unpack) for name, shape in fields.items()]

    def pack(value: Any) -> tuple[Any, ...]:
        return tuple([pack(getattr(value, name)) for name, pack in packs])

    def unpack(packed: tuple[Any, ...]) -> Any:
        return cls(**{name: unpack(part) for (name, unpack), part in zip(unpacks, packed, strict=True)})

    return Shape(pack, unpack)


def attributes(**fields: Shape) -> tuple[Callable[[Any], dict[str, Any]], Callable[[Any, dict[str, Any]], None]]:
    """How attributes of an object that somebody else makes are packed, and set again."""

    def pack(value: Any) -> dict[str, Any]:
        return {name: shape.pack(getattr(value, name)) for name, shape in fields.items()}

    def restore(value: Any, packed: dict[str, Any]) -> None:
        for name, shape in fields.items():
            setattr(value, name, shape.unpack(packed[name]))

    return pack, restore
