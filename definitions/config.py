"""Config: what a run tells the functions that it runs, as classes with typed fields.

>>> class Orders(Config):
...     limit: int = 100
>>> @asset
... def orders(config: Orders):
...     return list(range(config.limit))

`Config` refuses fields that it does not have; `PermissiveConfig` keeps them. Where a value will be known only when the
run starts, an `EnvVar` (or what else is *open*, see `open_values.py`) stands in its place, and the field is validated
then. How data is fitted to such a class, and what the errors say, is in `fitting.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, PrivateAttr, SecretBytes, SecretStr
from pydantic_core import CoreSchema, to_jsonable_python

from .env import is_reference, redacted
from .errors import InvalidConfigError
from .kinds import CONFIG
from .open_values import let_open_values_through


class Configurable(BaseModel):
    """Base of all classes of config and of resources. Frozen, and never shows what came from the environment."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    _from_env: dict[str, Any] = PrivateAttr(default_factory=dict)
    """The fields whose value was looked up, each with the reference."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        let_open_values_through(handler.resolve_ref_schema(schema))
        return schema

    def __repr_args__(self) -> Any:
        hidden = self._from_env if self.__pydantic_private__ else {}
        for name, value in super().__repr_args__():
            yield name, hidden.get(name or "", value)

    def __repr__(self) -> str:
        return redacted(super().__repr__())

    def __str__(self) -> str:
        return redacted(super().__str__())


class Config(Configurable):
    """The config of an asset, a check or a resource. Fields with a default may be left out of the run config."""

    __headwater_kind__: ClassVar[str] = CONFIG


class PermissiveConfig(Config):
    """Config that also takes fields it does not declare; they are attributes like the others."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")


def as_config(value: Any) -> Any:
    """`value` as run config: JSON data in which an EnvVar is `{"env": NAME}`.

    Raises:
        InvalidConfigError: a secret stands in it as such. Run config is kept in the log.
    """
    if is_reference(value):
        return {"env": value.env_var_name}
    if isinstance(value, (SecretStr, SecretBytes)):
        raise InvalidConfigError(
            [f"a {type(value).__name__} cannot be run config, which everybody may read. Give an EnvVar instead."]
        )
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {(field.alias if (field := fields.get(name)) else None) or name: as_config(one) for name, one in value}
    if isinstance(value, Mapping):
        return {name if isinstance(name, str) else str(name): as_config(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_config(one) for one in value]
    if isinstance(value, Enum):
        return as_config(value.value)
    return to_jsonable_python(value)
