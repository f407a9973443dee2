"""Config in the older spelling: a schema that is built of values.

>>> @asset(config_schema={"table": String, "limit": Field(Int, default_value=10), "days": [Int]})
... def orders(context):
...     return read(context.op_config["table"], context.op_config["limit"])

A schema is a scalar (String, Int, Float, Bool, AnyConfig, or str, int, float, bool), a mapping of names to schemas
(which takes no other names), `[schema]`, one of the classes below, or a Config class. Any value may be `{"env": NAME}`.
What it takes is checked as that of a Config is: in the same way, with the same errors (see `schema_classes.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any as AnyType

from .collecting import report
from .errors import DefinitionError
from .kinds import is_config_class
from .results import UNSET
from .source import SourceLine


class Scalar:
    """A single value. `Int`, `String` and their like are the only ones there are."""

    def __init__(self, name: str, python_type: AnyType) -> None:
        self.name: str = name
        self.python_type: AnyType = python_type

    def __repr__(self) -> str:
        return self.name


String: Scalar = Scalar("String", str)
Int: Scalar = Scalar("Int", int)
Float: Scalar = Scalar("Float", float)
Bool: Scalar = Scalar("Bool", bool)
AnyConfig: Scalar = Scalar("AnyConfig", AnyType)
StringSource: Scalar = Scalar("StringSource", str)
"""The Source scalars say that the value may be `{"env": NAME}`, which holds for every scalar here."""
IntSource: Scalar = Scalar("IntSource", int)
BoolSource: Scalar = Scalar("BoolSource", bool)

_SCALARS = {str: String, int: Int, float: Float, bool: Bool, AnyType: AnyConfig, list: AnyConfig, dict: AnyConfig}


class Field:
    """A named value: its schema, whether it may be left out, and what it is then."""

    def __init__(
        self,
        config: AnyType,
        default_value: AnyType = UNSET,
        is_required: bool | None = None,
        description: str | None = None,
    ) -> None:
        self.config: AnyType = config
        self.default_value: AnyType = default_value
        self.description: str | None = description
        has_default = default_value is not UNSET
        if is_required and has_default:
            raise DefinitionError("a Field with a default_value is not required. Leave out one of the two.")
        self.is_required: bool = (not has_default) if is_required is None else is_required
        self.is_required_by_word: bool = bool(is_required)

    def __repr__(self) -> str:
        return f"Field({self.config!r})"


class Noneable:
    """What `inner` takes, or None. A field of it may be left out."""

    def __init__(self, inner: AnyType) -> None:
        self.inner = inner


class Array:
    """A list of what `inner` takes; `[inner]` is the same."""

    def __init__(self, inner: AnyType) -> None:
        self.inner = inner


class _List:
    """`List[Int]`, which is `Array(Int)`."""

    def __getitem__(self, inner: AnyType) -> Array:
        return Array(inner)

    def __repr__(self) -> str:
        return "List"


List: _List = _List()


class Map:
    """A mapping of any names to what `inner_type` takes."""

    def __init__(self, key_type: AnyType, inner_type: AnyType, key_label_name: str | None = None) -> None:
        self.key_type: AnyType = key_type
        self.inner_type: AnyType = inner_type
        self.key_label_name: str | None = key_label_name


class Shape:
    """A mapping of just these names; a plain dict in a schema is the same."""

    def __init__(self, fields: Mapping[str, AnyType], description: str | None = None) -> None:
        self.fields: dict[str, AnyType] = dict(fields)
        self.description: str | None = description


class Permissive:
    """A mapping of these names and any others."""

    def __init__(self, fields: Mapping[str, AnyType] | None = None, description: str | None = None) -> None:
        self.fields: dict[str, AnyType] = dict(fields or {})
        self.description: str | None = description


class Selector:
    """A mapping of exactly one of these names."""

    def __init__(self, fields: Mapping[str, AnyType], description: str | None = None) -> None:
        self.fields: dict[str, AnyType] = dict(fields)
        self.description: str | None = description


class EnumValue:
    """One value of an Enum: what stands in the config, and what the function gets for it."""

    def __init__(self, config_value: str, python_value: AnyType = UNSET, description: str | None = None) -> None:
        self.config_value: str = config_value
        self.description: str | None = description
        self.python_value: AnyType = config_value if python_value is UNSET else python_value


class Enum:
    """One of several strings."""

    def __init__(self, name: str, enum_values: Sequence[EnumValue | str]) -> None:
        self.name = name
        self.enum_values: list[EnumValue] = [EnumValue(one) if isinstance(one, str) else one for one in enum_values]

    @classmethod
    def from_python_enum(cls, enum: AnyType, name: str | None = None) -> Enum:
        """The names of a Python enum; the function gets its members."""
        return cls(name or enum.__name__, [EnumValue(member.name, member) for member in enum])


def checked_schema(schema: AnyType, *, owner: str, source: SourceLine) -> AnyType:
    """`schema`, once it is known to be one; what is none is reported, and None returned in its place."""
    if schema is None:
        return None
    for path, wrong in _wrong(schema, ()):
        at = f" at {'.'.join(path)!r}" if path else ""
        report(
            DefinitionError(
                f"{source}: config_schema of {owner} is {wrong!r}{at}, which is no schema. Give a Config class, or a "
                "mapping of names to types such as {'path': str}."
            )
        )
        return None
    return schema


def fit_schema(schema: AnyType, data: AnyType, path: tuple[str, ...], *, owner: str) -> AnyType:
    """`data` as plain data, once it fits `schema`; of a Config class an instance of it.

    Raises:
        InvalidConfigError: it does not. `path` is where it stands in the run config, `owner` whose it is in words.
    """
    from .schema_classes import fitted  # here, as most definitions have no such schema and need not import pydantic

    return fitted(schema, data, path, owner=owner)


def scalar_of(schema: AnyType) -> Scalar | None:
    """The scalar that a schema is, spelled in either way."""
    if isinstance(schema, Scalar):
        return schema
    return _SCALARS.get(schema) if isinstance(schema, type) or schema is AnyType else None


def _wrong(schema: AnyType, path: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], AnyType]]:
    """The parts of a schema that are none, each with its path."""
    if schema is None or isinstance(schema, Enum) or scalar_of(schema) or is_config_class(schema):
        return
    if isinstance(schema, Field):
        yield from _wrong(schema.config, path)
    elif isinstance(schema, (Noneable, Array)):
        yield from _wrong(schema.inner, path)
    elif isinstance(schema, Map):
        yield from _wrong(schema.inner_type, path)
    elif isinstance(schema, list) and len(schema) == 1:
        yield from _wrong(schema[0], path)
    elif isinstance(schema, (Mapping, Shape, Permissive, Selector)):
        for name, one in (schema if isinstance(schema, Mapping) else schema.fields).items():
            yield from _wrong(one, (*path, str(name)))
    elif not hasattr(schema, "__origin__"):  # list[int] and its like are types as well
        yield path, schema
