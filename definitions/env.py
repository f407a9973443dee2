"""Values that come from the environment: named in the definitions, looked up when a run starts, never shown.

`EnvVar("DB_PASSWORD")` stands in for a string and `EnvVar.int("DB_PORT")` for an integer, so that type checkers accept
them where the value will be. In run config, and so in the log, a reference is `{"env": "DB_PASSWORD"}`.

Whatever has been looked up counts as a secret of this process from then on: `redacted` takes it out of any text that is
about to be shown or stored. Values of fewer than SHORTEST characters are left alone there: taking every "1" or "prod"
out of a traceback would make it unreadable and protect nobody. What the user's code prints by itself is its own.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import InvalidInvocationError

SHORTEST = 5
HIDDEN = "***"

_looked_up: set[str] = set()


class EnvVar(str):
    """The value of an environment variable, as a string: `Database(password=EnvVar("DB_PASSWORD"))`.

    Resources and run config take it; it is looked up in the process that does the run, when the run needs it.

    >>> defs = Definitions([orders], resources={"db": Database(path=EnvVar("DB_PATH"))})
    """

    __slots__ = ()

    @classmethod
    def int(cls, name: str) -> builtins.int:
        """The same for a field that holds an integer."""
        return IntEnvVar.of(name)

    @property
    def env_var_name(self) -> str:
        return str.__str__(self)

    def get_value(self, default: str | None = None) -> str | None:
        """What the variable holds now, or `default`. Only for code that needs the value while it is being loaded."""
        value = look_up(self.env_var_name)
        return default if value is None else value

    def __str__(self) -> str:
        raise InvalidInvocationError(
            f"{self!r} is a reference and has no value yet. Pass it to a resource as it is, or, where the value is "
            "needed at once, call its get_value()."
        )

    def __format__(self, spec: str) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"EnvVar({self.env_var_name!r})"


class IntEnvVar(int):
    """What `EnvVar.int` makes. As a number it is 0 until it is looked up."""

    env_var_name: str

    @classmethod
    def of(cls, name: str) -> IntEnvVar:
        made = cls(0)
        made.env_var_name = name
        return made

    def get_value(self, default: int | None = None) -> int | None:
        value = look_up(self.env_var_name)
        return default if value is None else int(value)

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return f"EnvVar.int({self.env_var_name!r})"


def is_reference(value: object) -> bool:
    return isinstance(value, (EnvVar, IntEnvVar))


def look_up(name: str) -> str | None:
    """The value of a variable, which is a secret from now on; None where it is not set."""
    value = os.environ.get(name)
    if value is not None and len(value) >= SHORTEST:
        _looked_up.add(value)
    return value


def redacted(text: str) -> str:
    """`text` without any value that was looked up."""
    for secret in sorted(_looked_up, key=len, reverse=True):
        for form in {secret, repr(secret)[1:-1]}:
            text = text.replace(form, HIDDEN)
    return text


def redacted_data(data: Any) -> Any:
    """JSON data with all its text redacted; the data itself where there is nothing to hide."""
    if not _looked_up:
        return data
    if isinstance(data, str):
        return redacted(data)
    if isinstance(data, Mapping):
        return {redacted(key): redacted_data(value) for key, value in data.items()}
    if isinstance(data, Sequence):
        return [redacted_data(value) for value in data]
    if isinstance(data, (int, float)) and not isinstance(data, bool) and str(data) in _looked_up:
        return HIDDEN
    return data
