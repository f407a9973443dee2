"""`PipesSubprocessClient`: a step that runs a program on this machine and takes what it reports for its result.

>>> @asset
... def orders(context: AssetExecutionContext, pipes: ResourceParam[PipesSubprocessClient]) -> MaterializeResult:
...     return pipes.run(command=["python", "orders.py"], context=context).get_materialize_result()
>>> defs = Definitions([orders], resources={"pipes": PipesSubprocessClient()})
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from ..results import AssetCheckResult, MaterializeResult
from .session import PipesExecutionError, PipesSession, open_pipes_session

GRACE_S = 10.0  # how long an interrupted program has to end by itself


class PipesClientCompletedInvocation:
    """What a program came to that has ended well."""

    def __init__(self, session: PipesSession) -> None:
        self._session = session

    def get_results(
        self, *, implicit_materializations: bool = True
    ) -> Sequence[MaterializeResult[Any] | AssetCheckResult]:
        """A result for each asset of the step."""
        return self._session.get_results(implicit_materializations=implicit_materializations)

    def get_materialize_result(self, *, implicit_materialization: bool = True) -> MaterializeResult[Any]:
        """The result of the one asset of the step."""
        return self._session.get_materialize_result(implicit_materialization=implicit_materialization)

    def get_custom_messages(self) -> Sequence[Any]:
        """The payloads of the program's `report_custom_message`, in order."""
        return self._session.get_custom_messages()


class PipesSubprocessClient:
    """A resource that runs programs. `env` is added to the environment of each, `cwd` is where they start."""

    def __init__(self, env: Mapping[str, str] | None = None, cwd: str | None = None) -> None:
        self.env: dict[str, str] = dict(env or {})
        self.cwd: str | None = cwd

    def run(
        self,
        *,
        command: str | Sequence[str],
        context: Any,
        extras: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> PipesClientCompletedInvocation:
        """Run `command` to its end; what it prints is in the output of the run.

        A string is split at its spaces by the shell's rules, and no shell is started.

        Raises:
            PipesExecutionError: it left with another status than 0.
        """
        if isinstance(command, str):
            import shlex

            command = shlex.split(command)
        with open_pipes_session(context, extras) as session:
            environment = {**os.environ, **self.env, **(env or {}), **session.get_bootstrap_env_vars()}
            with subprocess.Popen(list(command), env=environment, cwd=cwd or self.cwd) as process:
                try:
                    status = process.wait()
                except BaseException:
                    _end(process)
                    raise
        if status != 0:
            raised = f"\n{session.exception}" if session.exception else ""
            raise PipesExecutionError(f"{command[0]} left with status {status}.{raised}", exit_code=status)
        if not session.opened:
            context.log.warning("%s has ended without a word: does it call open_pipes()?", command[0])
        return PipesClientCompletedInvocation(session)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let an interrupted program end, and kill it if it does not."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
