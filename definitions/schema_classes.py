"""Config classes out of schemas of `config_schema.py`, so that both are validated by the same code.

A mapping becomes a class with a field for each name, a Selector one that wants exactly one of its fields, an Enum a
choice of strings. What comes out is turned back into plain data, in which a value of an Enum is the Python value that
the schema names for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Optional

from pydantic import BaseModel, create_model, model_validator
from pydantic import Field as ModelField

from . import config_schema as s
from .config import Config, PermissiveConfig
from .errors import InvalidConfigError
from .fitting import Path, fit, fit_any
from .kinds import is_config_class
from .results import UNSET


class _OneOf(Config):
    """Base of what a Selector becomes."""

    @model_validator(mode="after")
    def _exactly_one(self) -> _OneOf:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"give exactly one of {', '.join(_names(type(self)))}")
        return self


def fitted(schema: Any, data: Any, path: Path, *, owner: str) -> Any:
    """See `config_schema.fit_schema`."""
    if schema is None:
        return fit_any(None, data, path, owner=owner)
    if is_config_class(schema):
        return fit(schema, {} if data is None else data, path, owner=owner)
    whole = schema if isinstance(schema, s.Field) else s.Field(schema, is_required=not _may_be_left_out(schema))
    if data is None and whole.default_value is not UNSET:
        data = whole.default_value
    annotation = annotation_of(whole.config, "Schema")
    if data is None and not _is_mapping(whole.config):
        if whole.is_required:
            raise InvalidConfigError([f"{'.'.join(path)}: {owner} needs config, and none was given."])
        return None
    return _plain(fit_any(annotation, data, path, owner=owner), whole.config)


def annotation_of(schema: Any, name: str) -> Any:
    """The type of the values that a schema takes; `name` is that of a class which is made for it."""
    if (scalar := s.scalar_of(schema)) is not None:
        return scalar.python_type
    match schema:
        case s.Field():
            return annotation_of(schema.config, name)
        case s.Noneable():
            return Optional[annotation_of(schema.inner, name)]  # noqa: UP045 - made of a value
        case s.Array():
            return list[annotation_of(schema.inner, name)]
        case list():
            return list[annotation_of(schema[0], name)]
        case s.Map():
            return dict[annotation_of(schema.key_type, name), annotation_of(schema.inner_type, name)]
        case s.Enum():
            return Literal[tuple(one.config_value for one in schema.enum_values)]  # pyright: ignore[reportInvalidTypeForm]
        case s.Permissive():
            return _class_of(schema.fields, name, PermissiveConfig)
        case s.Selector():
            return _class_of(schema.fields, name, _OneOf)
        case s.Shape():
            return _class_of(schema.fields, name, Config)
        case Mapping():
            return _class_of(schema, name, Config)
    return schema  # a type, or a Config class


def _class_of(fields: Mapping[str, Any], name: str, base: type[Config]) -> type[Config]:
    made: dict[str, Any] = {}
    for number, (own, schema) in enumerate(fields.items()):
        annotation = annotation_of(schema, own.title())
        default = _default_of(schema)
        if base is _OneOf or (default is UNSET and _may_be_left_out(schema)):
            annotation, default = Optional[annotation], None  # noqa: UP045 - made of a value
        required = default is UNSET
        hidden = not own.isidentifier() or own.startswith("_") or hasattr(Config, own)
        info = ModelField(
            ... if required else default, alias=own if hidden else None, validate_default=default is not None
        )
        made[f"field_{number}" if hidden else own] = (annotation, info)
    return create_model(name, __base__=base, **made)


def _default_of(schema: Any) -> Any:
    if isinstance(schema, s.Field) and schema.default_value is not UNSET:
        return schema.default_value
    if isinstance(schema, s.Field) and schema.is_required_by_word:
        return UNSET
    inner = schema.config if isinstance(schema, s.Field) else schema
    if isinstance(inner, s.Noneable):
        return None
    if isinstance(inner, (s.Shape, s.Permissive, Mapping)):
        fields = inner if isinstance(inner, Mapping) else inner.fields
        return {} if all(_may_be_left_out(one) for one in fields.values()) else UNSET
    return UNSET


def _may_be_left_out(schema: Any) -> bool:
    return _default_of(schema) is not UNSET or (isinstance(schema, s.Field) and not schema.is_required)


def _is_mapping(schema: Any) -> bool:
    return isinstance(schema, (Mapping, s.Shape, s.Permissive, s.Selector)) or is_config_class(schema)


def _names(cls: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in cls.model_fields.items()]


def _plain(value: Any, schema: Any) -> Any:
    """`value`, as it was validated, as plain data; what was left out and has no default is not in it."""
    match schema:
        case s.Field():
            return None if value is None else _plain(value, schema.config)
        case s.Noneable():
            return None if value is None else _plain(value, schema.inner)
        case s.Array():
            return [_plain(one, schema.inner) for one in value]
        case list():
            return [_plain(one, schema[0]) for one in value]
        case s.Map():
            return {name: _plain(one, schema.inner_type) for name, one in value.items()}
        case s.Enum():
            return next(one.python_value for one in schema.enum_values if one.config_value == value)
        case Mapping() | s.Shape() | s.Permissive() | s.Selector():
            return _plain_fields(value, schema if isinstance(schema, Mapping) else schema.fields)
    return value


def _plain_fields(value: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: info.alias or name for name, info in type(value).model_fields.items()}
    given = {names[name] for name in value.model_fields_set if name in names}
    plain: dict[str, Any] = {}
    for name, one in value:
        own = names.get(name, name)
        if own not in fields:
            plain[own] = one
        elif own in given or _default_of(fields[own]) is not UNSET:
            plain[own] = _plain(one, fields[own])
    return plain
