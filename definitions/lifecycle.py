"""The life of resources: each is opened when a run first needs it, once, and closed when the run ends.

A resource is any object. One whose class carries a mark (`kinds.py`) has a life of its own: its `open_for_run` is a
context manager that yields what the run's functions get. A resource that others hold as a field is the same open object
for all of them. Closing goes backwards through the order of opening and reaches every resource, whatever the steps and
the other resources did; what goes wrong there is logged, since the work of the run is done by then. A resource that
could not be opened is not tried again: each step that needs it fails with the same error.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Protocol

from .context import Resources
from .errors import ExecutionError, InvalidInvocationError, did_you_mean
from .kinds import has_lifecycle
from .run_config import config_of

RESOURCE_LOGGER = "headwater.resource"


class InitResourceContext:
    """What a resource sees of the run that opens it.

    `resource_config` is its config, `resources` are all others, `log` is the run's logger.
    """

    def __init__(
        self,
        *,
        resource_config: Any = None,
        resources: Mapping[str, Any] | None = None,
        log: logging.Logger | None = None,
        run_id: str | None = None,
        resource_name: str = "",
        instance: Any = None,
    ) -> None:
        self.resource_config = resource_config
        self.resources: Resources = resources if isinstance(resources, Resources) else Resources(resources)
        self.log: logging.Logger = log or logging.getLogger(RESOURCE_LOGGER)
        self.run_id = run_id
        self.resource_name = resource_name
        self.instance = instance


def build_init_resource_context(
    config: Any = None,
    resources: Mapping[str, Any] | None = None,
    instance: Any = None,
) -> InitResourceContext:
    """A context to open a resource with in a test: `db.setup_for_execution(build_init_resource_context())`."""
    return InitResourceContext(
        resource_config=config, resources=None if resources is None else RunResources(resources), instance=instance
    )


class OpensForRun(Protocol):
    """A resource with a life of its own."""

    def open_for_run(self, run: RunResources, name: str) -> AbstractContextManager[Any]: ...


class RunResources(Mapping[str, Any]):
    """The resources of one run by name: asking for one opens it. `close` ends them all."""

    def __init__(
        self,
        defined: Mapping[str, Any],
        *,
        run_config: Mapping[str, Any] | None = None,
        run_id: str = "",
        log: logging.Logger | None = None,
    ) -> None:
        self._defined = defined
        self._run_config = run_config or {}
        self.run_id = run_id
        self.log: logging.Logger = log or logging.getLogger(RESOURCE_LOGGER)
        self._open: dict[int, Any] = {}
        """By the identity of the resource as it was defined; the open object, or the error that there was."""
        self._opening: dict[int, str] = {}
        self._closing: list[tuple[str, ExitStack]] = []

    def __getitem__(self, name: str) -> Any:
        return self.opened(self._defined[name], name)

    def __contains__(self, name: object) -> bool:
        return name in self._defined

    def __iter__(self) -> Iterator[str]:
        return iter(self._defined)

    def __len__(self) -> int:
        return len(self._defined)

    def opened(self, resource: Any, name: str) -> Any:
        """`resource` as functions get it. One that stands among the defined ones is opened under its own name."""
        if not has_lifecycle(resource):
            return resource
        known = self._open.get(id(resource))
        if isinstance(known, _Failed):
            raise known.error
        if known is None:
            name = next((own for own, one in self._defined.items() if one is resource), name)
            known = self._open[id(resource)] = self._newly_opened(resource, name)
        return known

    def config_of(self, name: str) -> Any:
        """What the run's config says about a resource, None where that is nothing."""
        return config_of(self._run_config, "resources", name)

    def context_of(self, name: str, config: Any) -> InitResourceContext:
        return InitResourceContext(
            resource_config=config, resources=Resources(self), log=self.log, run_id=self.run_id, resource_name=name
        )

    def close(self) -> None:
        """Close what was opened, the last one first. May be called again."""
        while self._closing:
            name, stack = self._closing.pop()
            try:
                stack.close()
            except Exception:  # user code; the others are still to be closed
                self.log.exception("the resource %r could not be closed", name)
        self._open.clear()

    def _newly_opened(self, resource: OpensForRun, name: str) -> Any:
        if id(resource) in self._opening:
            circle = " -> ".join(map(repr, [*self._opening.values(), name]))
            raise ExecutionError(f"resources need each other in a circle: {circle}. Remove one of these needs.")
        self._opening[id(resource)] = name
        stack = ExitStack()
        try:
            value = stack.enter_context(resource.open_for_run(self, name))
        except Exception as error:
            self._open[id(resource)] = _Failed(error)
            raise
        finally:
            del self._opening[id(resource)]
        self._closing.append((name, stack))
        return value


class _Failed:
    def __init__(self, error: Exception) -> None:
        self.error = error


@contextmanager
def build_resources(
    resources: Mapping[str, Any],
    *,
    run_config: Any = None,
    resource_config: Mapping[str, Any] | None = None,
    instance: Any = None,
) -> Iterator[Resources]:
    """Resources outside of a run, closed at the end of the block.

    >>> with build_resources({"db": Database(path="x")}) as resources:
    ...     resources.db.query("select 1")
    'select 1'
    """
    from .run_config import run_config_data

    if run_config is not None and resource_config is not None:
        raise InvalidInvocationError("build_resources: give run_config or resource_config, not both")
    data = run_config_data({"resources": resource_config} if resource_config is not None else run_config)
    if unknown := sorted(set(data.get("resources", {})) - set(resources)):
        raise InvalidInvocationError(
            f"there is no resource {unknown[0]!r}. {did_you_mean(unknown[0], resources, 'Add it to the resources.')}"
        )
    run = RunResources(resources, run_config=data)
    try:
        yield Resources(run)
    finally:
        run.close()
