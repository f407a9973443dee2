"""Executors: whether the steps of a run go one after the other, or several at a time in processes of their own.

The default is the first: it costs no process a step. Steps that compute for long, or wait, are faster in parallel.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .collecting import report
from .errors import DefinitionError, did_you_mean
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


def checked_executor(executor: Any, *, owner: str, source: SourceLine) -> ExecutorDefinition | None:
    """The executor that a user gave, reported where it is none."""
    if executor is None or isinstance(executor, ExecutorDefinition):
        return executor
    advice = "Give in_process_executor, or multiprocess_executor.configured({'max_concurrent': 4})."
    report(DefinitionError(f"{source}: {owner} has the executor {executor!r}, which is none. {advice}"))
    return None
