"""What a class or an object is to headwater, told by a mark on its class.

Classes of config and of resources are pydantic models. Definitions that have none of them must not import pydantic to
find that out: they look for the mark.
"""

from __future__ import annotations

from typing import Any

MARK = "__headwater_kind__"
CONFIG = "config"
RESOURCE_CLASS = "resource"
"""A resource with a life of its own: it is opened for a run (`open_for_run`, see `lifecycle.py`)."""
RECIPE = "recipe"
"""As a resource, but what is handed out is another object, which it makes when it is opened."""


def kind_of(cls: Any) -> str | None:
    return getattr(cls, MARK, None) if isinstance(cls, type) else None


def is_config_class(cls: Any) -> bool:
    return kind_of(cls) == CONFIG


def is_resource_class(cls: Any) -> bool:
    return kind_of(cls) in (RESOURCE_CLASS, RECIPE)


def has_lifecycle(value: Any) -> bool:
    """Whether `value` is to be opened for a run; any other object is a resource as it stands."""
    return is_resource_class(type(value))


def is_recipe(value: Any) -> bool:
    return kind_of(type(value)) == RECIPE
