"""What every step of a run works with: definitions, resources, IO managers, the logger of user code.

Nothing is made ahead: a resource or an IO manager is opened when a step asks for it, which is after its `StepStarted`
is in the log, so that whatever goes wrong with it is that step's failure. `close` ends what was opened, once the last
step is through. What the logger of user code writes is free of values that came from the environment.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from ...definitions import filesystem_io  # noqa: F401 - before the host forks, or every worker would import it
from ...definitions.assets_definition import AssetsDefinition
from ...definitions.checks import AssetChecksDefinition
from ...definitions.config_schema import fit_schema
from ...definitions.context import Resources
from ...definitions.definitions import Definitions
from ...definitions.errors import ExecutionError, InvalidConfigError
from ...definitions.executors import ExecutorDefinition, executor_of_run
from ...definitions.hooks import HookDefinition
from ...definitions.io import IOManager
from ...definitions.lifecycle import RunResources
from ...definitions.logger import RUN_LOGGER, without_secrets
from ...definitions.partitions.base import PartitionsDefinition
from ...definitions.retries import RetryPolicy
from ...definitions.run_config import config_of, fit_config
from ...definitions.signature import Signature
from ...definitions.spec import DEFAULT_IO_MANAGER
from ...storage.clock import SystemClock
from ...storage.events import KeyRanges
from ...storage.instance import Instance
from .choosing import choose_from_log
from .journal import Hold
from .pause import Pause
from .plan import StepPlan

AroundFork = Callable[[], AbstractContextManager[Any]]
"""Makes the process ready for a fork, and what it was afterwards; the child stays as it was made ready."""

LOGGER = RUN_LOGGER


class Toolbox:
    """The tools of one run. `io_manager` takes the place of the default one, which stores files below `home`.

    `instance` gives what user code asks for as `context.instance`; it is called when that is first used.
    """

    def __init__(
        self,
        definitions: Definitions,
        run_id: str,
        *,
        home: Path,
        io_manager: IOManager | None = None,
        run_tags: Mapping[str, str] | None = None,
        run_config: Mapping[str, Any] | None = None,
        job_name: str | None = None,
        instance: Callable[[], Instance] | None = None,
        pause: Pause | None = None,
        around_fork: AroundFork | None = None,
        hold_interrupts: Hold | None = None,
    ) -> None:
        """`pause` is the clock and the chance of the waits between attempts. Where the run has such an executor its
        steps are forked, inside `around_fork`; never without it."""
        self.around_fork: AroundFork = around_fork or nullcontext
        self.hold_interrupts: Hold = hold_interrupts or nullcontext
        self.pause: Pause = pause or Pause()
        self.definitions = definitions
        self.run_id = run_id
        self.run_tags: Mapping[str, str] | dict[str, str] = run_tags or {}
        self.run_config: Mapping[str, Any] | dict[str, Any] = run_config or {}
        self.open_instance = instance
        self.log: logging.Logger = step_logger()
        self.job_name = job_name
        job = definitions.jobs.get(job_name) if job_name else None
        own: Mapping[str, Any] = getattr(job, "resource_defs", {})  # those of a job of ops go before the others
        self.resources: Resources = Resources(
            RunResources({**definitions.resources, **own}, run_config=self.run_config, run_id=run_id, log=self.log)
        )
        self.job_hooks: frozenset[HookDefinition] = frozenset(job.hooks) if job else frozenset()
        executor: ExecutorDefinition | None = executor_of_run(
            self.run_config.get("execution"), (job.executor_def if job else None) or definitions.executor
        )
        self.forks_at_most: int | None = executor.max_concurrent if around_fork is not None and executor else None
        """How many steps go at a time, each in a process of its own; None: one after the other, in this one."""
        self.partitions_def: PartitionsDefinition | None = job.partitions_def if job else None
        """Those of the job."""
        self.job_retry_policy: RetryPolicy | None = job.op_retry_policy if job else None
        self._home, self._io_manager = home, io_manager
        self._assets: dict[str, AssetsDefinition] = {}

    @staticmethod
    def prepare() -> None:
        """Make what all workers need, in the host before it forks: 0.4 ms that no worker has to spend."""
        step_logger()

    def asset(self, key: str) -> AssetsDefinition:
        """The asset that a step makes."""
        asset = self._assets.get(key) or self.definitions.get(key)
        if isinstance(asset, AssetsDefinition):
            self._assets[key] = asset
            return asset
        raise ExecutionError(f"asset {key!r} is external in the loaded definitions: it has no function to run.")

    def definition_of(self, step: StepPlan) -> AssetsDefinition | AssetChecksDefinition:
        """The asset that a step makes, or the check, or checks, that it evaluates."""
        if not step.only_checks:
            return self.asset(step.asset_key)
        check = self.definitions.check(step.checks[0].asset_key, step.checks[0].name)
        assert check.definition is not None, f"{check.spec} is evaluated by the step of its asset"
        return check.definition

    def choose_keys(self, asset_key: str, only_passed: bool) -> tuple[KeyRanges, int]:
        """The partitions that there are of an asset, and through which offset the log was read for them."""
        if self.open_instance is None:
            raise ExecutionError(f"nobody knows here which partitions of asset {asset_key!r} there are.")
        choose = choose_from_log(self.open_instance().log, self.definitions, now=SystemClock().now())
        return choose(asset_key, only_passed)

    def resources_for(self, names: Iterable[str], owner: object) -> Mapping[str, Any]:
        """All resources, once it is sure that `names` are among them and open."""
        for name in names:
            if name not in self.resources:
                known = ", ".join(sorted(self.resources)) or "none"
                raise ExecutionError(f"{owner} takes the resource {name!r}, which is not defined. Resources: {known}.")
            self.resources[name]
        return self.resources

    def config_of(self, op: AssetsDefinition | AssetChecksDefinition) -> StepConfig:
        """What the run's config says to an asset or a check; raises InvalidConfigError where that does not fit."""
        return step_config(self.run_config, op)

    def io_manager(self, name: str) -> IOManager:
        """The IO manager of this name; that it is one was checked when the definitions were loaded, if it could be."""
        if name in self.resources:
            manager = self.resources[name]
            if not (hasattr(manager, "handle_output") and hasattr(manager, "load_input")):
                raise ExecutionError(
                    f"the resource {name!r} is used as an IO manager, but it made a {type(manager).__name__}. "
                    "It must have the methods handle_output and load_input."
                )
            return manager
        if name == DEFAULT_IO_MANAGER and self._io_manager is not None:
            return self._io_manager
        return self.definitions.io_manager(name, home=self._home)

    def open_log_anew(self) -> None:
        """In a process forked from that of the run: the log that `context.instance` reads does not survive a fork."""
        if self.open_instance is not None:
            self.open_instance = lambda: Instance.local(self._home)

    def close(self) -> None:
        """Close the resources that were opened. May be called again."""
        self.resources.close()


class StepConfig(NamedTuple):
    """The config of one step: for the parameter `config`, and as plain data for the context."""

    argument: Any
    data: Any


_NO_CONFIG = StepConfig(None, None)


def step_config(run_config: Mapping[str, Any], op: AssetsDefinition | AssetChecksDefinition) -> StepConfig:
    """What `run_config` says to an asset or a check.

    Raises:
        InvalidConfigError: it does not fit what the function takes.
    """
    if op.graph is not None and op.graph.config_mapping is not None:
        return _NO_CONFIG  # it is told to the ops of its graph
    data = config_of(run_config, "ops", op.op_name)
    return fitted_config(data, op.signature, op.op_name, str(op), schema=op.config_schema)


def fitted_config(data: Any, signature: Signature, op_name: str, owner: str, *, schema: Any = None) -> StepConfig:
    """The config `data` for a function, by its `schema` where it has one; `op_name` is where it stands in the run
    config.

    Raises:
        InvalidConfigError: it does not fit what the function takes.
    """
    if schema is not None:
        return StepConfig(None, fit_schema(schema, data, ("ops", op_name, "config"), owner=owner))
    if data is None and not signature.takes_config:
        return _NO_CONFIG
    if signature.takes_config:
        argument = fit_config(signature.config_type, data, op_name, owner)
        return StepConfig(argument, dict(argument) if hasattr(argument, "model_fields_set") else argument)
    if signature.context_arg is not None:
        return StepConfig(None, fit_config(None, data, op_name, owner))
    raise InvalidConfigError(
        [
            f"ops.{op_name}.config: {owner} takes no config. Give its function a parameter config: MyConfig, "
            "or leave this out."
        ]
    )


def step_logger() -> logging.Logger:
    """The logger behind `context.log`. Where the user's code has set up no logging it writes to standard error."""
    logger = logging.getLogger(LOGGER)
    logger.addFilter(without_secrets)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        handler = _StandardError()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
    return logger


class _StandardError(logging.Handler):
    """Writes to whatever `sys.stderr` is at that moment: a forked worker and tests put another one in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # as every handler does: what cannot be logged must not fail the step
            self.handleError(record)
