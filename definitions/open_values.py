"""Open values: what stands in a field while its value is known only when a run starts.

An EnvVar, a resource that is configured at launch, a factory, and whatever holds one of them. They go past the
validation of their own field, which is made up for when the value is there; all other fields are validated at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic_core import CoreSchema, core_schema

from .env import is_reference
from .kinds import is_recipe


def is_open(value: object) -> bool:
    """Whether `value` is, or holds, something whose value is known only when a run starts."""
    if is_reference(value) or is_recipe(value):
        return True
    if isinstance(value, Mapping):
        return any(map(is_open, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(is_open, value))
    return False


def let_open_values_through(schema: CoreSchema) -> None:
    """Wrap the schema of each field of a model: what is open goes past all validation of its own field."""
    inner: Any = schema
    while inner["type"] != "model-fields":
        if "schema" not in inner:
            return
        inner = inner["schema"]
    for field in inner["fields"].values():
        own = field["schema"]
        holder = own if own["type"] == "default" else field
        holder["schema"] = core_schema.no_info_wrap_validator_function(
            _past_open, holder["schema"], serialization=_serialization_of(holder["schema"])
        )


def _past_open(value: Any, validate: core_schema.ValidatorFunctionWrapHandler) -> Any:
    return value if is_open(value) else validate(value)


def _serialization_of(schema: CoreSchema) -> core_schema.SerSchema | None:
    return cast("core_schema.SerSchema | None", schema.get("serialization"))
