"""What a run of ops in this process came to, as its caller reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...definitions.errors import InvalidInvocationError, did_you_mean
from ...definitions.ops.flat import Upstream
from ...definitions.ops.job import OpJobDefinition
from ...definitions.results import UNSET
from ...storage.events import AssetMaterialized, Event
from .op_work import OpWork
from .result import Materialization
from .result_events import RunEvents


class OpExecutionResult(RunEvents):
    """The outcome of `execute_in_process`.

    `errors` holds the exceptions of the steps that failed, by step key; `all_events` what the run wrote, in order.
    """

    def __init__(
        self, job: OpJobDefinition, work: OpWork, run_id: str, *, success: bool, events: Sequence[Event]
    ) -> None:
        super().__init__(run_id, events)
        self.success = success
        self.errors: dict[str, BaseException] = dict(work.errors)
        self._job, self._work = job, work

    def output_for_node(self, node_name: str, output_name: str = "result") -> Any:
        """The value of an output; a dict by key where it is dynamic, or the op was mapped. Ops in a graph go by their
        path, as in "outer.inner".

        Raises:
            InvalidInvocationError: there is no such op or output, or it gave no value.
        """
        known = {node.step_key: node for node in self._job.flat.nodes}
        if node_name not in known:
            hint = did_you_mean(node_name, known, f"There are: {', '.join(known)}.")
            raise InvalidInvocationError(f"there is no op {node_name!r} in {self._job}. {hint}")
        if output_name not in known[node_name].op.outs:
            names = ", ".join(known[node_name].op.outs) or "none"
            raise InvalidInvocationError(f"op {node_name!r} has no output {output_name!r}. Its outputs: {names}.")
        return self._value(Upstream(node_name, output_name), f"op {node_name!r} gave no output {output_name!r}")

    def output_value(self, output_name: str = "result") -> Any:
        """The value of an output of the whole graph.

        Raises:
            InvalidInvocationError: it has no such output, or it was not given.
        """
        results = self._job.flat.results
        if output_name not in results:
            names = ", ".join(results) or "none"
            raise InvalidInvocationError(f"{self._job} has no output {output_name!r}. Its outputs: {names}.")
        return self._value(results[output_name], f"{self._job} gave no output {output_name!r}")

    def get_asset_materialization_events(self) -> list[Materialization]:
        return [Materialization.of(event) for event in self._of(AssetMaterialized)]

    def _value(self, source: Any, otherwise: str) -> Any:
        value = self._work.value_of(source)
        if value is UNSET:
            raise InvalidInvocationError(f"run {self.run_id}: {otherwise}.")
        return value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of run {self.run_id}: {'success' if self.success else 'failure'}>"

    def _belongs(self, event: Event, node_name: str) -> bool:
        return str(getattr(event, "step_key", "")).partition("[")[0] == node_name
