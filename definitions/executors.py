"""Executors: whether the steps of a run go one after the other, or several at a time in processes of their own.

The default is the first: it costs no process a step. Steps that compute for long, or wait, are faster in parallel.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .collecting import report
from .errors import DefinitionError, InvalidConfigError, did_you_mean
from .source import SourceLine


@dataclass(frozen=True, slots=True)
class ExecutorDefinition:
    """How the steps of a run are executed. `max_concurrent` is how many at a time; None: in the worker itself."""

    name: str
    max_concurrent: int | None = None

    def configured(self, config: Mapping[str, Any], name: str | None = None) -> ExecutorDefinition:
        """A copy with other settings: `multiprocess_executor.configured({"max_concurrent": 4})`.

        Raises:
            InvalidDefinitionError: the executor has no such setting, or the number is none.
        """
        settings = () if self.max_concurrent is None else ("max_concurrent",)
        for key in config:
            if key not in settings:
                hint = did_you_mean(key, settings, f"It has: {', '.join(settings) or 'none'}.")
                raise DefinitionError(f"executor {self.name!r} has no setting {key!r}. {hint}")
        count = config.get("max_concurrent", self.max_concurrent)
        if count == 0:
            count = os.cpu_count() or 1
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise DefinitionError(f"executor {self.name!r}: max_concurrent is a number of steps, not {count!r}.")
        return replace(self, name=name or self.name, max_concurrent=count)


in_process_executor: ExecutorDefinition = ExecutorDefinition("in_process")
"""All steps one after the other, in the worker of the run."""

multiprocess_executor: ExecutorDefinition = ExecutorDefinition("multiprocess", max_concurrent=os.cpu_count() or 1)
"""Each step in a process of its own, as many at a time as there are processors."""


def checked_execution(execution: Mapping[str, Any]) -> dict[str, Any]:
    """The section `execution` of a run config, known to say how the steps of the run go.

    Raises:
        InvalidConfigError: it says something else.
    """
    _named_by(execution)
    return {
        "config": {name: dict(one) if isinstance(one, Mapping) else one for name, one in execution["config"].items()}
    }


def executor_of_run(execution: Mapping[str, Any] | None, own: ExecutorDefinition | None) -> ExecutorDefinition | None:
    """The executor of a run whose config has the section `execution`; `own` is that of its job or its definitions.

    Raises:
        InvalidConfigError: the section says something else.
    """
    if not execution:
        return own
    name, settings = _named_by(execution)
    if name == "in_process":
        return in_process_executor
    base = own if own is not None and own.max_concurrent is not None else multiprocess_executor
    return base.configured(settings)


def _named_by(execution: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Which executor the section names, and its settings; settings alone are of the one with several processes."""
    config = execution.get("config")
    if set(execution) != {"config"} or not isinstance(config, Mapping):
        raise InvalidConfigError(
            [f'execution: write {{"config": {{"multiprocess": {{"max_concurrent": 4}}}}}}, not {dict(execution)!r}.']
        )
    named = [name for name in config if name in ("in_process", "multiprocess")]
    if len(named) > 1 or (named and len(config) > 1):
        raise InvalidConfigError(["execution.config: name in_process or multiprocess, and nothing beside it."])
    name, settings = (named[0], config[named[0]]) if named else ("multiprocess", config)
    settings = settings.get("config", settings) if isinstance(settings, Mapping) else settings or {}
    if not isinstance(settings, Mapping):
        raise InvalidConfigError([f"execution.config.{name}: a mapping of settings is needed, not {settings!r}."])
    try:
        (in_process_executor if name == "in_process" else multiprocess_executor).configured(settings)
    except DefinitionError as error:
        raise InvalidConfigError([f"execution.config: {error}"]) from None
    return name, settings


def checked_executor(executor: Any, *, owner: str, source: SourceLine) -> ExecutorDefinition | None:
    """The executor that a user gave, reported where it is none."""
    if executor is None or isinstance(executor, ExecutorDefinition):
        return executor
    advice = "Give in_process_executor, or multiprocess_executor.configured({'max_concurrent': 4})."
    report(DefinitionError(f"{source}: {owner} has the executor {executor!r}, which is none. {advice}"))
    return None
