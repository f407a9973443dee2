"""The step's side of one program: the two files, what the program needs to find them, and what it has reported."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import ExecutionError, InvalidInvocationError
from ..metadata import metadata_from_json
from ..results import AssetCheckResult, AssetCheckSeverity, MaterializeResult
from .protocol import CONTEXT, MESSAGES

POLL_S = 0.05  # how long a log line of the program may wait until it is in the log of the step


class PipesExecutionError(ExecutionError):
    """The program of a step has failed. `exit_code` is None where it was not this that told."""

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class PipesSession:
    """What `open_pipes_session` gives: the environment for the program, and afterwards its results."""

    def __init__(self, context: Any, extras: Mapping[str, Any] | None, folder: Path) -> None:
        self._step, self._folder = context, folder
        self._log: logging.Logger = context.log
        self._materialized: list[dict[str, Any]] = []
        self._checked: list[dict[str, Any]] = []
        self._custom: list[Any] = []
        self._read = 0
        self.opened, self.exception = False, None
        (folder / "context.json").write_text(json.dumps(context_data(context, extras)), "utf-8")
        (folder / "messages.jsonl").touch()

    def get_bootstrap_env_vars(self) -> dict[str, str]:
        """What must be in the environment of the program."""
        return {CONTEXT: str(self._folder / "context.json"), MESSAGES: str(self._folder / "messages.jsonl")}

    def read_messages(self) -> None:
        """Take what the program has said since last time, as far as it is whole lines."""
        with open(self._folder / "messages.jsonl", "rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            self._take(line)

    def get_results(
        self, *, implicit_materializations: bool = True
    ) -> Sequence[MaterializeResult[Any] | AssetCheckResult]:
        """A result for each asset that the program reported, with its checks.

        An asset of which nothing was reported counts as made, unless `implicit_materializations` is false.
        """
        keys = [str(one["asset_key"]) for one in self._materialized]
        if implicit_materializations:
            keys += [key for key in _asset_keys(self._step) if key not in keys]
        results: list[MaterializeResult[Any] | AssetCheckResult] = [self._result(key) for key in dict.fromkeys(keys)]
        return results + [_check(one) for one in self._checked if str(one["asset_key"]) not in keys]

    def get_materialize_result(self, *, implicit_materialization: bool = True) -> MaterializeResult[Any]:
        """The result of the one asset of the step.

        Raises:
            InvalidInvocationError: there are several, or the program reported none.
        """
        results = self.get_results(implicit_materializations=implicit_materialization)
        if len(results) != 1 or not isinstance(results[0], MaterializeResult):
            raise InvalidInvocationError(f"the program reported {len(results)} results: use get_results()")
        return results[0]

    def get_custom_messages(self) -> Sequence[Any]:
        return tuple(self._custom)

    def _result(self, key: str) -> MaterializeResult[Any]:
        told = next((one for one in reversed(self._materialized) if one["asset_key"] == key), {})
        return MaterializeResult(
            asset_key=key.split("/"),
            metadata=metadata_from_json(told.get("metadata") or {}),
            data_version=told.get("data_version"),
            check_results=[_check(one) for one in self._checked if one["asset_key"] == key],
        )

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            method, params = message["method"], message.get("params") or {}
        except (ValueError, LookupError, TypeError):
            self._log.warning("the program wrote what is no message: %r", line[:200])
            return
        match method:
            case "opened":
                self.opened: bool = True
            case "closed":
                self.exception: None = params.get("exception")
            case "log":
                level = logging.getLevelNamesMapping().get(params.get("level", "INFO"), logging.INFO)
                self._log.log(level, "%s", params.get("message"))
            case "report_asset_materialization":
                self._materialized.append(params)
            case "report_asset_check":
                self._checked.append(params)
            case "report_custom_message":
                self._custom.append(params.get("payload"))
            case _:
                self._log.warning("the program sent a message %r, which is not known", method)


@contextmanager
def open_pipes_session(context: Any, extras: Mapping[str, Any] | None = None) -> Iterator[PipesSession]:
    """A session for a program that the block starts, with `session.get_bootstrap_env_vars()` in its environment.

    `context` is the one of the asset. What the program logs is in the log of the step while it runs; the results are
    complete after the block.
    """
    folder = Path(tempfile.mkdtemp(prefix="headwater-pipes-"))
    session, over = PipesSession(context, extras, folder), threading.Event()

    def follow() -> None:
        while not over.wait(POLL_S):
            session.read_messages()

    reader = threading.Thread(target=follow, name="headwater-pipes", daemon=True)
    reader.start()
    try:
        yield session
    finally:
        over.set()
        reader.join()
        session.read_messages()
        shutil.rmtree(folder, ignore_errors=True)


def context_data(context: Any, extras: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the program is told of the step."""
    keys = context.partition_keys if context.has_partition_key else ()
    return {
        "asset_keys": _asset_keys(context),
        "partition_key": keys[0] if len(keys) == 1 else None,
        "partition_key_range": [keys[0], keys[-1]] if keys else None,
        "run_id": context.run_id,
        "extras": dict(extras or {}),
    }


def _asset_keys(context: Any) -> list[str]:
    several = getattr(context, "selected_asset_keys", None)
    return sorted(str(key) for key in several) if several else [str(context.asset_key)]


def _check(told: Mapping[str, Any]) -> AssetCheckResult:
    return AssetCheckResult(
        passed=told["passed"],
        asset_key=str(told["asset_key"]).split("/"),
        check_name=told["check_name"],
        severity=AssetCheckSeverity(told.get("severity", "ERROR")),
        metadata=metadata_from_json(told.get("metadata") or {}),
    )
