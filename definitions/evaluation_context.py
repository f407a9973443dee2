"""What the functions of schedules and sensors see: `context`, and the builders that make one for a test."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .context import Resources
from .errors import InvalidInvocationError

if TYPE_CHECKING:
    from typing import Self

    from .definitions import Definitions

EVALUATION_LOGGER = "headwater.evaluation"


class EvaluationContext:
    """What schedules and sensors have in common: resources, a logger, the instance and the definitions."""

    def __init__(
        self,
        *,
        name: str = "",
        instance: Any = None,
        resources: Mapping[str, Any] | None = None,
        definitions: Definitions | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        """`instance` is an Instance, or a function that opens it when it is first asked for."""
        self._name, self._instance, self._definitions = name, instance, definitions
        self.resources: Resources = resources if isinstance(resources, Resources) else Resources(resources)
        self.log: logging.Logger = log or logging.getLogger(EVALUATION_LOGGER)

    @property
    def instance(self) -> Any:
        """The Instance whose log the daemon leads.

        Raises:
            InvalidInvocationError: a test built this context without one.
        """
        if self._instance is None:
            raise InvalidInvocationError("this context has no instance: pass one, as in instance=Instance.ephemeral()")
        if callable(self._instance):
            self._instance = self._instance()
        return self._instance

    @property
    def repository_def(self) -> Definitions:
        """The definitions that the schedule or sensor is part of.

        Raises:
            InvalidInvocationError: a test built this context without any.
        """
        if self._definitions is None:
            raise InvalidInvocationError("this context has no definitions: pass some, as in definitions=defs")
        return self._definitions

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.resources.close()

    def __getattr__(self, name: str) -> Any:
        """Names that begin with the vendor of another product are told by the rest of them."""
        rest = name.rpartition("_")[2]
        own = f" Use context.{rest}." if rest in ("run", "event") and hasattr(type(self), rest) else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.{own}")


class SensorEvaluationContext(EvaluationContext):
    """The context of a sensor.

    `cursor` is what the sensor last gave to `update_cursor`; `last_run_key` the run key of the newest run that it
    asked for; `last_tick_completion_time` when it was last evaluated, in seconds since 1970.
    """

    def __init__(
        self,
        *,
        cursor: str | None = None,
        last_run_key: str | None = None,
        last_tick_completion_time: float | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.last_run_key: str | None = last_run_key
        self.last_tick_completion_time: float | None = last_tick_completion_time
        self._cursor = cursor
        self._new_cursor: str | None = None

    @property
    def sensor_name(self) -> str:
        return self._name

    @property
    def cursor(self) -> str | None:
        return self._cursor if self._new_cursor is None else self._new_cursor

    @property
    def updated_cursor(self) -> str | None:
        """What `update_cursor` was given in this evaluation; None where it was not called."""
        return self._new_cursor

    def update_cursor(self, cursor: str | None) -> None:
        """Keep a text for the next evaluation. It is kept only if this evaluation ends well."""
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidInvocationError(f"a cursor is a str; {cursor!r} is none. Write str(...) or json.dumps(...).")
        self._new_cursor = cursor


class ScheduleEvaluationContext(EvaluationContext):
    """The context of a schedule."""

    def __init__(self, *, scheduled_execution_time: datetime | None = None, **shared: Any) -> None:
        super().__init__(**shared)
        self._scheduled_execution_time = scheduled_execution_time

    @property
    def schedule_name(self) -> str:
        return self._name

    @property
    def scheduled_execution_time(self) -> datetime:
        """The instant of the schedule that is evaluated, in its time zone; not the time at which it is.

        Raises:
            InvalidInvocationError: a test built this context without one.
        """
        if self._scheduled_execution_time is None:
            raise InvalidInvocationError(
                "this context has no scheduled time: pass scheduled_execution_time=datetime(...) to "
                "build_schedule_context(...)"
            )
        return self._scheduled_execution_time


def build_sensor_context(
    instance: Any = None,
    cursor: str | None = None,
    repository_name: str | None = None,
    repository_def: Definitions | None = None,
    sensor_name: str | None = None,
    resources: Mapping[str, Any] | None = None,
    definitions: Definitions | None = None,
    last_run_key: str | None = None,
    last_tick_completion_time: float | None = None,
) -> SensorEvaluationContext:
    """A context to call a sensor's function with in a test.

    >>> context = build_sensor_context(cursor="3")
    >>> context.update_cursor("4")
    >>> context.cursor
    '4'
    """
    known = definitions or repository_def
    return SensorEvaluationContext(
        cursor=cursor,
        last_run_key=last_run_key,
        last_tick_completion_time=last_tick_completion_time,
        name=sensor_name or "",
        instance=instance,
        resources=opened_resources(resources, known),
        definitions=known,
    )


def build_schedule_context(
    instance: Any = None,
    scheduled_execution_time: datetime | None = None,
    resources: Mapping[str, Any] | None = None,
    repository_def: Definitions | None = None,
    definitions: Definitions | None = None,
) -> ScheduleEvaluationContext:
    """A context to call a schedule's function with in a test."""
    known = definitions or repository_def
    return ScheduleEvaluationContext(
        scheduled_execution_time=scheduled_execution_time,
        instance=instance,
        resources=opened_resources(resources, known),
        definitions=known,
    )


def opened_resources(resources: Mapping[str, Any] | None, definitions: Definitions | None) -> Resources:
    """The resources of a test: those given, else those of the definitions; opened when they are first used."""
    from .lifecycle import RunResources

    given = resources if resources is not None else definitions.resources if definitions is not None else {}
    return given if isinstance(given, Resources) else Resources(RunResources(given))
