"""The program's side: what it is to do, and what it reports.

>>> from headwater.pipes import open_pipes
>>> with open_pipes() as pipes:
...     pipes.log.info("making the orders")
...     pipes.report_asset_materialization(metadata={"row_count": 3})

Started by hand, without a step, it has no extras and its reports go nowhere.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Mapping
from typing import IO, Any

from ..errors import InvalidInvocationError
from .protocol import CONTEXT, MESSAGES, metadata_as_sent


class PipesContext:
    """The step that started this program, as the program sees it."""

    _current: PipesContext | None = None

    def __init__(self, data: Mapping[str, Any], messages: IO[str] | None) -> None:
        self._data, self._messages = data, messages
        self.log: logging.Logger = logging.getLogger("headwater.pipes")
        """Its lines go to the log of the step."""
        self._handler = _ToStep(self)
        self.log.addHandler(self._handler)
        self.log.setLevel(logging.DEBUG)
        self._say("opened")

    @classmethod
    def get(cls) -> PipesContext:
        """The one that `open_pipes` has opened.

        Raises:
            InvalidInvocationError: it was not called.
        """
        if cls._current is None:
            raise InvalidInvocationError("there is no PipesContext: call open_pipes() first")
        return cls._current

    @classmethod
    def is_initialized(cls) -> bool:
        return cls._current is not None

    @property
    def has_step(self) -> bool:
        """Whether a step has started this program."""
        return self._messages is not None

    @property
    def asset_keys(self) -> list[str]:
        return list(self._data.get("asset_keys", ()))

    @property
    def asset_key(self) -> str:
        """The key of the one asset that the step makes."""
        if len(self.asset_keys) != 1:
            raise InvalidInvocationError(f"the step makes {len(self.asset_keys)} assets: use asset_keys")
        return self.asset_keys[0]

    @property
    def is_partition_step(self) -> bool:
        return self._data.get("partition_key_range") is not None

    @property
    def partition_key(self) -> str:
        """The key of the one partition that the step makes."""
        key = self._data.get("partition_key")
        if key is None:
            raise InvalidInvocationError("the step makes no partition, or several: see partition_key_range")
        return key

    @property
    def partition_key_range(self) -> tuple[str, str]:
        """The first and the last partition that the step makes."""
        if not self.is_partition_step:
            raise InvalidInvocationError("the step makes no partition")
        first, last = self._data["partition_key_range"]
        return first, last

    @property
    def run_id(self) -> str:
        return self._data.get("run_id", "")

    @property
    def extras(self) -> dict[str, Any]:
        """What the step handed over."""
        return dict(self._data.get("extras", {}))

    def get_extra(self, key: str) -> Any:
        if key not in self.extras:
            raise InvalidInvocationError(f"the step handed over no extra {key!r}; there are {sorted(self.extras)}")
        return self.extras[key]

    def report_asset_materialization(
        self,
        metadata: Mapping[str, Any] | None = None,
        data_version: str | None = None,
        asset_key: str | None = None,
    ) -> None:
        """Say that an asset of the step was made; `asset_key` may be left out where it is the only one."""
        self._say(
            "report_asset_materialization",
            asset_key=asset_key or (self.asset_key if self.has_step else None),
            metadata=metadata_as_sent(metadata),
            data_version=data_version,
        )

    def report_asset_check(
        self,
        check_name: str,
        passed: bool,
        severity: str = "ERROR",
        metadata: Mapping[str, Any] | None = None,
        asset_key: str | None = None,
    ) -> None:
        """Say what a check of an asset of the step found."""
        self._say(
            "report_asset_check",
            asset_key=asset_key or (self.asset_key if self.has_step else None),
            check_name=check_name,
            passed=bool(passed),
            severity=severity,
            metadata=metadata_as_sent(metadata),
        )

    def report_custom_message(self, payload: Any) -> None:
        """Hand JSON data to the step."""
        self._say("report_custom_message", payload=payload)

    def close(self, error: BaseException | None = None) -> None:
        """Say that it is over. May be called again."""
        if self._messages is not None:
            raised = None if error is None else "".join(traceback.format_exception(error))
            self._say("closed", exception=raised)
            self._messages.close()
            self._messages = None
        self.log.removeHandler(self._handler)
        if PipesContext._current is self:
            PipesContext._current = None

    def __enter__(self) -> PipesContext:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self.close(error)

    def _say(self, method: str, **params: Any) -> None:
        if self._messages is not None:
            self._messages.write(json.dumps({"method": method, "params": params}) + "\n")
            self._messages.flush()


def open_pipes() -> PipesContext:
    """The context of the step that started this program; a context manager that reports how it ended."""
    if PipesContext._current is None:
        context, messages = os.environ.get(CONTEXT), os.environ.get(MESSAGES)
        if context and messages:
            with open(context, encoding="utf-8") as file:
                data = json.load(file)
            file = open(messages, "a", encoding="utf-8")  # noqa: SIM115 - closed with the context
            PipesContext._current = PipesContext(data, file)
        else:
            logging.getLogger("headwater.pipes").warning("no step has started this program: its reports go nowhere")
            PipesContext._current = PipesContext({}, None)
    return PipesContext._current


class _ToStep(logging.Handler):
    def __init__(self, pipes: PipesContext) -> None:
        super().__init__()
        self._pipes = pipes

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._pipes._say("log", message=self.format(record), level=record.levelname)
        except Exception:  # as every handler does: what cannot be logged must not fail the program
            self.handleError(record)
