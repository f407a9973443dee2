"""Resources as functions: `@resource` around a function that returns a resource, or yields it and cleans up after.

>>> @resource(config_schema={"path": str})
... def database(context):
...     connection = connect(context.resource_config["path"])
...     yield connection
...     connection.close()
>>> defs = Definitions([orders], resources={"database": database.configured({"path": "orders.db"})})

The older way to declare one; a ConfigurableResource has typed fields. `@io_manager` is the same for IO managers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, overload

from .config_schema import checked_schema, fit_schema
from .kinds import RECIPE
from .lifecycle import InitResourceContext, RunResources
from .source import SourceLine


class ResourceDefinition:
    """A resource that a function makes. `config_schema` is a Config class, or one of `config_schema.py`."""

    __headwater_kind__: ClassVar[str] = RECIPE

    def __init__(
        self,
        resource_fn: Callable[..., Any],
        config_schema: Any = None,
        description: str | None = None,
        required_resource_keys: Iterable[str] | None = None,
        version: str | None = None,
    ) -> None:
        self.resource_fn = resource_fn
        self.config_schema = config_schema
        self.description: str | None = description or inspect.getdoc(resource_fn)
        self.required_resource_keys: frozenset[str] = frozenset(required_resource_keys or ())
        self.version = version
        self._config: Any = None
        self.__name__: Any | str = getattr(resource_fn, "__name__", "resource")
        self.__doc__ = resource_fn.__doc__
        self.__module__ = getattr(resource_fn, "__module__", __name__)
        checked_schema(config_schema, owner=repr(self.__name__), source=SourceLine.of(resource_fn))

    @classmethod
    def hardcoded_resource(cls, value: Any, description: str | None = None) -> ResourceDefinition:
        """A resource that is `value`, whatever the run."""
        return cls(lambda: value, description=description)

    def configured(self, config: Any, name: str | None = None) -> ResourceDefinition:
        """A copy with this config; what a run's config says goes over it, field by field."""
        made = type(self)(
            self.resource_fn, self.config_schema, self.description, self.required_resource_keys, self.version
        )
        made._config = config
        made.__name__ = name or self.__name__
        return made

    @contextmanager
    def open_for_run(self, run: RunResources, name: str) -> Iterator[Any]:
        context = run.context_of(name, self._config_for(run.config_of(name), name))
        made = self._called(context)
        if not inspect.isgenerator(made):
            yield made
            return
        with contextmanager(lambda: made)() as value:
            yield value

    def __call__(self, context: InitResourceContext | None = None) -> Any:
        """What the function returns, as in a test: the resource, or a generator that yields it."""
        return self._called(context or InitResourceContext(resource_config=self._config))

    def _called(self, context: InitResourceContext) -> Any:
        takes_context = bool(inspect.signature(self.resource_fn).parameters)
        return self.resource_fn(context) if takes_context else self.resource_fn()

    def _config_for(self, config: Any, name: str) -> Any:
        if isinstance(self._config, Mapping) and isinstance(config, Mapping):
            config = {**self._config, **config}
        config = self._config if config is None else config
        if config is None and self.config_schema is None:
            return None
        return fit_schema(self.config_schema, config, ("resources", name, "config"), owner=f"resource {name!r}")

    def __repr__(self) -> str:
        return f"<resource {self.__name__!r} of {SourceLine.of(self.resource_fn)}>"


class IOManagerDefinition(ResourceDefinition):
    """An IO manager that a function makes."""


@overload
def resource(  # pyright: ignore[reportOverlappingOverload]
    config_schema: Callable[..., Any], /
) -> ResourceDefinition: ...


@overload
def resource(
    config_schema: Any = None,
    description: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> Callable[[Callable[..., Any]], ResourceDefinition]: ...


def resource(
    config_schema: Any = None,
    description: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> Any:
    """Make a resource of a function; see the top of this module. Usable bare."""
    return _decorated(ResourceDefinition, config_schema, description, required_resource_keys, version)


@overload
def io_manager(  # pyright: ignore[reportOverlappingOverload]
    config_schema: Callable[..., Any], /
) -> IOManagerDefinition: ...


@overload
def io_manager(
    config_schema: Any = None,
    description: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> Callable[[Callable[..., Any]], IOManagerDefinition]: ...


def io_manager(
    config_schema: Any = None,
    description: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> Any:
    """Make an IO manager of a function that returns one. Usable bare."""
    return _decorated(IOManagerDefinition, config_schema, description, required_resource_keys, version)


def _decorated(cls: type[ResourceDefinition], config_schema: Any, *others: Any) -> Any:
    if callable(config_schema) and not isinstance(config_schema, type):
        return cls(config_schema)
    return lambda fn: cls(fn, config_schema, *others)
