"""What all events and the values in them have in common: frozen models, tolerant of what a newer version added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of all stored values: frozen, and tolerant of fields that a newer version added."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Base of values of which one event may hold a hundred thousand: each has a fifth of the memory of a model, and is
    made in half the time. It is checked when it is read, as a model is, but not when code makes it."""

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """With other values in some of its fields, as models have it."""
        return replace(self, **update)


class Event(Model):
    """Base of all events. `happened_at` is the actor's own clock; the log's `timestamp` is given at commit."""

    type: Any  # a literal in each class
    schema_version: int = 1
    happened_at: datetime | None = None

    registry: ClassVar[dict[str, type[Event]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        Event.registry[cls.model_fields["type"].default] = cls
