"""Conditions that users write in Python, as data: a leaf that names the class and its configuration.

The user's object stands in the tree of the definitions; here is what of it goes into a snapshot. It is evaluated in the
code host and nowhere else; what it came to is in the log, and evaluators read it there as a level. Two objects of one
class with equal configuration say the same and are one node, evaluated once for each asset that it is looked at for.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from pathlib import PurePath
from typing import Any

from ..errors import InvalidDefinitionError
from ..keys import AssetCheckKey, AssetKey
from .base import AutomationCondition, JsonData, canonical
from .operands import Operand

DEFAULT_INTERVAL_S = 30.0

_NOT_CONFIGURED = {"label", "first", "node_id"}  # of every condition, and no part of what it says
_AS_TEXT = (datetime, date, time, timedelta, PurePath, AssetKey, AssetCheckKey)
_AS_TEXT_TOO = {"decimal": "Decimal", "uuid": "UUID"}  # by module, since importing these takes its time


@dataclass(frozen=True)
class PythonCondition(Operand):
    """`type` is the import path of the class, `config` a hash of the configuration; it is evaluated anew at least every
    `interval_s`."""

    name = "python"
    type: str
    config: str
    interval_s: float = DEFAULT_INTERVAL_S
    text: str = ""

    @property
    def description(self) -> str:
        return self.text or f"{self.type} says so"

    @property
    def class_name(self) -> str:
        return self.type.rpartition(":")[2].rpartition(".")[2]

    def fields(self) -> JsonData:
        interval = {} if self.interval_s == DEFAULT_INTERVAL_S else {"interval_s": self.interval_s}
        return {"type": self.type, "config": self.config, **interval, "text": self.text}

    def _meaning(self) -> JsonData:
        return {"op": self.name, "type": self.type, "config": self.config}

    @classmethod
    def from_fields(cls, data: JsonData, children: tuple[AutomationCondition, ...]) -> AutomationCondition:
        return cls(data["type"], data["config"], data.get("interval_s", DEFAULT_INTERVAL_S), data["text"])


def as_data(condition: AutomationCondition) -> PythonCondition:
    """The node of a user's condition in a snapshot. Without a label it goes by the name of its class.

    Raises:
        InvalidDefinitionError: its configuration is not data, or its interval is no number of seconds.
    """
    from hashlib import sha256  # here, since it costs 10 ms to import

    kind = type(condition)
    interval_s = kind.minimum_interval_seconds
    if isinstance(interval_s, bool) or not isinstance(interval_s, (int, float)) or interval_s <= 0:
        raise InvalidDefinitionError(
            f"{kind.__qualname__}.minimum_interval_seconds is a number of seconds above 0, not {interval_s!r}."
        )
    if inspect.iscoroutinefunction(kind.evaluate):
        raise InvalidDefinitionError(f"{kind.__qualname__}.evaluate is `async`: make it a plain function.")
    config = {
        name: _plain(value, f"{kind.__qualname__}.{name}")
        for name, value in _configuration(condition).items()
        if name not in _NOT_CONFIGURED and not name.startswith("_")
    }
    shown = ", ".join(f"{name}={value!r}" for name, value in config.items())
    return PythonCondition(
        f"{kind.__module__}:{kind.__qualname__}",
        sha256(canonical(config).encode()).hexdigest()[:12],
        float(interval_s),
        f"{kind.__name__}({shown[:200]}) says so",
        label=condition.label or kind.__name__,
        first=condition.first,
    )


def _configuration(condition: AutomationCondition) -> dict[str, Any]:
    """What an object was made with: the fields of a dataclass, and the attributes that its `__init__` has set."""
    declared = {field.name: getattr(condition, field.name) for field in fields(condition)}
    return {**declared, **vars(condition)}


def _plain(value: Any, where: str) -> Any:
    """A value as JSON that is the same in every process."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, enum.Enum):
        return [type(value).__qualname__, value.name]
    if isinstance(value, _AS_TEXT) or _AS_TEXT_TOO.get(type(value).__module__) == type(value).__name__:
        return [type(value).__name__, str(value)]
    if isinstance(value, (list, tuple)):
        return [_plain(one, where) for one in value]
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted((_plain(one, where) for one in value), key=repr)]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(one, where) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, (type, AutomationCondition)):
        return [type(value).__qualname__, {f.name: _plain(getattr(value, f.name), where) for f in fields(value)}]
    if (inspect.isfunction(value) or inspect.isclass(value)) and "<" not in value.__qualname__:
        return [f"{value.__module__}:{value.__qualname__}"]
    raise InvalidDefinitionError(
        f"{where} is {value!r}, which is not data: a condition is known by its class and its configuration, in every "
        "process. Keep numbers, texts, dates, keys, and lists, dicts or dataclasses of these in it, make others in "
        "`evaluate`, or give the attribute a name that starts with `_`: then it is no part of the configuration."
    )
