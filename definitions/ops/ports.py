"""The ends of ops: what goes into one and what comes out, each with its type and how it is stored.

Where a function says it all with its parameters and annotations, nothing of this has to be written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import DefinitionError, InvalidInvocationError
from ..metadata import MetadataValue, normalize_metadata
from ..results import UNSET

RESULT = "result"
"""The name of an op's output where it has one only."""

_NAME = re.compile(r"[A-Za-z0-9_]+")


class Nothing:
    """The type of an input or output that only says when: `ins={"start": In(Nothing)}` waits and takes no value."""


@dataclass(frozen=True, slots=True)
class In:
    """An input of an op: `In(int)`, or `In(Nothing)` for one that is waited for and has no parameter."""

    type_hint: Any = None
    description: str | None = None
    default_value: Any = UNSET
    metadata: Mapping[str, Any] = field(default_factory=dict)
    input_manager_key: str | None = None

    @property
    def is_nothing(self) -> bool:
        return self.type_hint is Nothing


@dataclass(frozen=True, slots=True)
class Out:
    """An output of an op. One that is not required may be left out, and then what is downstream of it is skipped."""

    type_hint: Any = None
    description: str | None = None
    is_required: bool = True
    io_manager_key: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    code_version: str | None = None

    @property
    def is_dynamic(self) -> bool:
        return False

    @property
    def is_nothing(self) -> bool:
        return self.type_hint is Nothing or self.type_hint is type(None)


@dataclass(frozen=True, slots=True)
class DynamicOut(Out):
    """An output of any number of values, each with a key; what is mapped over it runs once for each."""

    @property
    def is_dynamic(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class GraphIn:
    """An input of a graph, described."""

    description: str | None = None


@dataclass(frozen=True, slots=True)
class GraphOut:
    """An output of a graph, described."""

    description: str | None = None


class DynamicOutput:
    """One value of a dynamic output. The key names the steps that are made for it, as `w[a]` for the key "a".

    >>> @op(out=DynamicOut())
    ... def files():
    ...     for name in ("a", "b"):
    ...         yield DynamicOutput(f"{name}.csv", mapping_key=name)

    Raises:
        InvalidInvocationError: the key has other characters than letters, digits and '_'.
    """

    def __init__(
        self,
        value: Any,
        mapping_key: str,
        output_name: str = RESULT,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(mapping_key, str) or not _NAME.fullmatch(mapping_key):
            raise InvalidInvocationError(
                f"DynamicOutput: the mapping_key {mapping_key!r} may have letters, digits and '_' only. "
                f"Give {re.sub(r'[^A-Za-z0-9_]+', '_', str(mapping_key)) or '_'!r} instead."
            )
        self.value: Any = value
        self.mapping_key: str = mapping_key
        self.output_name: str = output_name
        self.metadata: dict[str, MetadataValue] = normalize_metadata(metadata)

    def __repr__(self) -> str:
        return f"DynamicOutput({self.value!r}, mapping_key={self.mapping_key!r}, output_name={self.output_name!r})"


def check_name(name: str, *, what: str, source: object) -> None:
    """Raises InvalidDefinitionError where `name` cannot be part of a step's key and of a path in the run config."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _RESERVED:
        reason = "is reserved" if name in _RESERVED else "may have letters, digits and '_' only"
        raise DefinitionError(f"{source}: {name!r} cannot be the name of {what}: it {reason}.")


_RESERVED = frozenset({"context", "conf", "config", "meta", "arg_dict", "dict", "input_arg_dict", "output_arg_dict"})
