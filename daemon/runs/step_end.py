"""How a step ended: the events that say so, and what only the process that did it can know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...definitions.metadata import MetadataValue
from ...storage.events import Event

Produced = Mapping[str, tuple[str, ...] | None]
"""The outputs that an op gave, by name: the keys of a dynamic one, None of any other."""


@dataclass(slots=True)
class StepEnd:
    """The end of one attempt at a step."""

    events: list[Event] = field(default_factory=list)
    error: BaseException | None = None
    shut_gates: tuple[str, ...] = ()
    """The keys of the blocking checks that did not let their asset pass."""
    values: dict[str, Any] = field(default_factory=dict)
    """The values of the assets that it made, by key."""
    unmade: tuple[str, ...] | None = None
    """The keys of the assets that it was to make and has not made; None: all if there is an error, else none."""
    outputs: dict[str, Any] = field(default_factory=dict)
    """The values of an op by output; of a dynamic one a mapping by key."""
    metadata: dict[str, dict[str, MetadataValue]] = field(default_factory=dict)
    """What is said of the outputs of an op."""
    produced: Produced = field(default_factory=dict)
