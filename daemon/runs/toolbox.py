"""What every step of a run works with: definitions, resources, IO managers, the logger of user code.

Nothing is made ahead: a resource or an IO manager is looked up when a step asks for it, which is after its
`StepStarted` is in the log, so that whatever goes wrong with it is that step's failure.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...definitions import filesystem_io  # noqa: F401 - before the host forks, or every worker would import it
from ...definitions.assets_definition import AssetsDefinition
from ...definitions.definitions import Definitions
from ...definitions.errors import ExecutionError
from ...definitions.io import IOManager
from ...definitions.spec import DEFAULT_IO_MANAGER

LOGGER = "headwater.run"


class Toolbox:
    """The tools of one run. `io_manager` takes the place of the default one, which stores files below `home`."""

    def __init__(
        self,
        definitions: Definitions,
        run_id: str,
        *,
        home: Path,
        io_manager: IOManager | None = None,
        run_tags: Mapping[str, str] | None = None,
    ) -> None:
        self.definitions = definitions
        self.resources: Mapping[str, Any] = definitions.resources
        self.run_id = run_id
        self.run_tags = run_tags or {}
        self.log = step_logger()
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

    def resources_for(self, names: Iterable[str], owner: object) -> Mapping[str, Any]:
        """All resources, once it is sure that `names` are among them."""
        for name in names:
            if name not in self.resources:
                known = ", ".join(sorted(self.resources)) or "none"
                raise ExecutionError(f"{owner} takes the resource {name!r}, which is not defined. Resources: {known}.")
        return self.resources

    def io_manager(self, name: str) -> IOManager:
        """The IO manager of this name; that it is one was checked when the definitions were loaded."""
        if name == DEFAULT_IO_MANAGER and self._io_manager is not None and name not in self.resources:
            return self._io_manager
        return self.definitions.io_manager(name, home=self._home)


def step_logger() -> logging.Logger:
    """The logger behind `context.log`. Where the user's code has set up no logging it writes to standard error."""
    logger = logging.getLogger(LOGGER)
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
