"""Resources as classes with typed fields: connections and clients that assets take as parameters.

>>> class Database(ConfigurableResource):
...     host: str
...     password: str
...     def setup_for_execution(self, context): ...
>>> @asset
... def orders(database: Database): ...
>>> defs = Definitions([orders], resources={"database": Database(host="db", password=EnvVar("DB_PASSWORD"))})

What stands in the definitions is never used itself. A run that needs the resource makes a copy of it, in which
references to the environment are looked up, fields that are resources are open, and what the run config says about it
has been taken in; `setup_for_execution` and `teardown_after_execution` (or `yield_for_execution` in their place) are
called on that copy, once a run, in the process that does the run.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, PrivateAttr
from pydantic_core import CoreSchema, core_schema

from .config import Configurable
from .errors import InvalidInvocationError
from .io import IOManager
from .kinds import RECIPE, RESOURCE_CLASS, has_lifecycle
from .lifecycle import InitResourceContext, RunResources
from .open_values import is_open

T = TypeVar("T")
Self = TypeVar("Self", bound="ConfigurableResourceFactory[Any]")


class _AnyResource:
    """Lets a field take any object, and whatever makes one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()


ResourceDependency = Annotated[T, _AnyResource()]
"""Annotates a field that holds another resource of any kind: `client: ResourceDependency[Client]`."""


class ConfigurableResourceFactory(Configurable, Generic[T]):
    """A resource whose users get another object than itself: what its `create_resource` makes."""

    __headwater_kind__: ClassVar[str] = RECIPE

    _context: InitResourceContext | None = PrivateAttr(default=None)

    def create_resource(self, context: InitResourceContext) -> T:
        """What the functions of a run get."""
        raise NotImplementedError(f"{type(self).__name__} has no method create_resource(self, context)")

    def setup_for_execution(self, context: InitResourceContext) -> None:
        """Called once before a run uses the resource. Keep what it opens in private attributes."""

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        """Called once after the run, whatever came of its steps."""

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Generator[T, None, None]:
        """Both of the above as one context manager, for a subclass to override; yields what the functions get."""
        self.setup_for_execution(context)
        try:
            yield self.create_resource(context)
        finally:
            self.teardown_after_execution(context)

    def get_resource_context(self) -> InitResourceContext:
        """The context that it was opened with.

        Raises:
            InvalidInvocationError: it is not open.
        """
        if self._context is None:
            raise InvalidInvocationError(f"{type(self).__name__} is not open: it has a context only during a run")
        return self._context

    @classmethod
    def configure_at_launch(cls, **values: Any) -> Any:
        """A resource of which the fields, apart from `values`, come from the config of each run.

        It may stand wherever an instance may, in the definitions and in fields of other resources.
        """
        return PartialResource(cls, values)

    def process_config_and_initialize(self: Self) -> Self:
        """A copy with all that comes from the environment, for use outside of a run; nothing is set up."""
        return _ready(type(self), dict(self), self, RunResources({}), type(self).__name__)

    @contextmanager
    def open_for_run(self, run: RunResources, name: str) -> Generator[Any, None, None]:
        ready = _ready(type(self), dict(self), self, run, name)
        with _running(ready, run, name) as value:
            yield value


class ConfigurableResource(ConfigurableResourceFactory[Any]):
    """Base of resources with typed fields; see the top of this module."""

    __headwater_kind__: ClassVar[str] = RESOURCE_CLASS

    def create_resource(self, context: InitResourceContext) -> Any:
        return self


class ConfigurableIOManager(ConfigurableResource, IOManager):
    """An IO manager with typed fields: subclass it with `handle_output` and `load_input`."""


class ConfigurableIOManagerFactory(ConfigurableResourceFactory[T]):
    """A resource that makes an IO manager, in `create_io_manager`."""

    def create_io_manager(self, context: InitResourceContext) -> T:
        raise NotImplementedError(f"{type(self).__name__} has no method create_io_manager(self, context)")

    def create_resource(self, context: InitResourceContext) -> T:
        return self.create_io_manager(context)


class PartialResource(Generic[Self]):
    """What `configure_at_launch` returns: the class, and the values that are known already."""

    __headwater_kind__: ClassVar[str] = RECIPE

    def __init__(self, cls: type[Self], values: Mapping[str, Any]) -> None:
        self.cls = cls
        self.values: dict[str, Any] = dict(values)
        if unknown := sorted(set(values) - set(cls.model_fields)):
            raise InvalidInvocationError(
                f"{cls.__name__}.configure_at_launch: there is no field {unknown[0]!r}. "
                f"It has: {', '.join(sorted(cls.model_fields))}."
            )

    @contextmanager
    def open_for_run(self, run: RunResources, name: str) -> Generator[Any, None, None]:
        ready = _ready(self.cls, self.values, None, run, name)
        with _running(ready, run, name) as value:
            yield value

    def __repr__(self) -> str:
        return f"{self.cls.__name__}.configure_at_launch(...)"


def _ready(cls: type[Self], values: Mapping[str, Any], given: Self | None, run: RunResources, name: str) -> Self:
    """The copy that a run uses. `given` is what it is a copy of, if that has been validated."""
    from .fitting import fit

    nested = {field: run.opened(value, f"{name}.{field}") for field, value in values.items() if has_lifecycle(value)}
    config = run.config_of(name)
    open_fields = [field for field, value in values.items() if field not in nested and is_open(value)]
    if given is not None and config is None and not open_fields:
        return given.model_copy(update=nested)
    path = ("resources", name, "config")
    if config is not None and not isinstance(config, Mapping):
        return fit(cls, config, path, owner=f"resource {name!r}")  # which says what is wrong with it
    fields = cls.model_fields
    aliased = {fields[field].alias or field if field in fields else field: one for field, one in values.items()}
    held = {fields[field].alias or field: value for field, value in nested.items()}
    return fit(cls, {**aliased, **held, **(config or {})}, path, owner=f"resource {name!r}")


def _running(ready: ConfigurableResourceFactory[Any], run: RunResources, name: str) -> AbstractContextManager[Any]:
    ready._context = run.context_of(name, dict(ready))
    return ready.yield_for_execution(ready._context)
