"""Events as bytes, and back: JSON payloads, brought to the newest version of their type.

To decode is a quarter of what folding from a store costs; most of it is the validation of the payload, which is also
what makes the object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic_core import from_json

from .base import Event


class UnknownEvent(Event):
    """An event of a type that a newer version wrote: kept, shown and skipped."""

    type: Literal["unknown"] = "unknown"
    original_type: str = ""
    asset_key: str | None = None
    partition: str | None = None
    run_id: str | None = None


Payload = dict[str, Any]

Upcast = Callable[[Payload], Payload]
_upcasts: dict[tuple[str, int], Upcast] = {}


def upcast(event_type: str, *, from_version: int) -> Callable[[Upcast], Upcast]:
    """Register the pure function that turns a payload of `from_version` into one of the next version."""

    def register(function: Upcast) -> Upcast:
        _upcasts[event_type, from_version] = function
        return function

    return register


def encode(event: Event) -> str:
    """The payload as it is stored: JSON without the fields that stand in columns or have their default."""
    # `model_dump_json` without the options that it hands on, which take a third of its time.
    return event.__pydantic_serializer__.to_json(event, exclude_defaults=True).decode()


def decode(event_type: str, schema_version: int, payload: str) -> Event:
    """The event of a stored row, in its newest shape.

    Raises:
        pydantic.ValidationError: the payload does not fit its type (a damaged row).
    """
    cls, newest = _newest.get(event_type) or _look_up(event_type)
    if schema_version == newest:
        return cls.__pydantic_validator__.validate_json(payload)
    if schema_version > newest:
        values = from_json(payload)
        return UnknownEvent.model_validate({**values, "original_type": event_type})
    values = from_json(payload)
    for version in range(schema_version, newest):
        values = _upcasts[event_type, version](values)
    return cls.model_validate(values)


_newest: dict[str, tuple[type[Event], int]] = {}
"""The class of each type of event that was read, and its newest version: to decode is half of what folding costs."""


def _look_up(event_type: str) -> tuple[type[Event], int]:
    cls = Event.registry.get(event_type)
    if cls is None or cls is UnknownEvent:
        return UnknownEvent, -1
    found = _newest[event_type] = cls, cls.model_fields["schema_version"].default
    return found
