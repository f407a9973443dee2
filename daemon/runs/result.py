"""What a run in this process came to, as its caller reads it: values, materializations, check evaluations, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.definitions import Definitions
from ...definitions.errors import InvalidInvocationError, did_you_mean
from ...definitions.keys import AssetKey, CoercibleToAssetKey
from ...definitions.metadata import MetadataValue, metadata_from_json
from ...definitions.results import AssetCheckSeverity
from ...storage.events import AssetCheckEvaluated, AssetMaterialized, AssetObserved, Event
from .result_events import RunEvents


@dataclass(frozen=True, slots=True)
class Materialization:
    """An asset, or a partition of it, that the run made."""

    asset_key: AssetKey
    partition: str | None
    metadata: Mapping[str, MetadataValue]
    tags: Mapping[str, str]
    data_version: str | None
    code_version: str | None

    @classmethod
    def of(cls, event: AssetMaterialized) -> Materialization:
        return cls(
            asset_key=AssetKey.from_user_string(event.asset_key),
            partition=event.partition,
            metadata=metadata_from_json(event.metadata),  # type: ignore[arg-type]
            tags=event.tags,
            data_version=event.data_version,
            code_version=event.code_version,
        )

    @property
    def materialization(self) -> Materialization:
        """Itself: where users of the field expect an event around it."""
        return self


@dataclass(frozen=True, slots=True)
class Observation:
    """An asset, or a partition of it, that the run looked at."""

    asset_key: AssetKey
    partition: str | None
    metadata: Mapping[str, MetadataValue]
    tags: Mapping[str, str]
    data_version: str | None

    @classmethod
    def of(cls, event: AssetObserved) -> Observation:
        return cls(
            asset_key=AssetKey.from_user_string(event.asset_key),
            partition=event.partition,
            metadata=metadata_from_json(event.metadata),  # type: ignore[arg-type]
            tags=event.tags,
            data_version=event.data_version,
        )

    @property
    def asset_observation(self) -> Observation:
        """Itself: where users of the field expect an event around it."""
        return self


@dataclass(frozen=True, slots=True)
class CheckEvaluation:
    """What a check of the run found."""

    asset_key: AssetKey
    check_name: str
    partition: str | None
    passed: bool
    severity: AssetCheckSeverity
    blocking: bool
    description: str | None
    metadata: Mapping[str, MetadataValue]

    @classmethod
    def of(cls, event: AssetCheckEvaluated) -> CheckEvaluation:
        return cls(
            asset_key=AssetKey.from_user_string(event.asset_key),
            check_name=event.check_name,
            partition=event.partition,
            passed=event.passed,
            severity=AssetCheckSeverity(event.severity),
            blocking=event.blocking,
            description=event.description,
            metadata=metadata_from_json(event.metadata),  # type: ignore[arg-type]
        )


class ExecuteInProcessResult(RunEvents):
    """The outcome of `materialize`.

    `errors` holds the exceptions of the steps that failed, by step key; `all_events` what the run wrote, in order.
    """

    def __init__(
        self,
        definitions: Definitions,
        run_id: str,
        *,
        success: bool,
        events: Sequence[Event],
        values: Mapping[str, Any],
        errors: Mapping[str, BaseException],
    ) -> None:
        super().__init__(run_id, events)
        self.success = success
        self.errors: dict[str, BaseException] = dict(errors)
        self._definitions = definitions
        self._values = values

    def output_for_node(self, node_name: str, output_name: str = "result") -> Any:
        """The value that an asset returned; None where it stored nothing for others to load. Where a function makes
        several assets `output_name` says which of them is meant.

        Raises:
            InvalidInvocationError: the run has no such asset or output, or did not make it.
        """
        nodes = self._nodes_of(node_name)
        if len(nodes) == 1:
            return self._value(str(nodes[0].key))
        by_name = {node.output_name: node for node in nodes}
        if output_name not in by_name:
            hint = did_you_mean(output_name, by_name, f"Its outputs: {', '.join(by_name)}.")
            raise InvalidInvocationError(f"{node_name!r} has no output {output_name!r}. {hint}")
        return self._value(str(by_name[output_name].key))

    def asset_value(self, asset_key: CoercibleToAssetKey) -> Any:
        """As `output_for_node`, by the asset's key."""
        return self._value(str(self._definitions.get(asset_key).key))

    def asset_materializations_for_node(self, node_name: str) -> list[Materialization]:
        keys = self._keys_of(node_name)
        return [made for made in self.get_asset_materialization_events() if made.asset_key in keys]

    def get_asset_materialization_events(self) -> list[Materialization]:
        return [Materialization.of(event) for event in self._of(AssetMaterialized)]

    def asset_observations_for_node(self, node_name: str) -> list[Observation]:
        keys = self._keys_of(node_name)
        return [seen for seen in self.get_asset_observation_events() if seen.asset_key in keys]

    def get_asset_observation_events(self) -> list[Observation]:
        return [Observation.of(event) for event in self.all_events if isinstance(event, AssetObserved)]

    def get_asset_check_evaluations(self) -> list[CheckEvaluation]:
        return [CheckEvaluation.of(event) for event in self.all_events if isinstance(event, AssetCheckEvaluated)]

    def __repr__(self) -> str:
        return f"<ExecuteInProcessResult of run {self.run_id}: {'success' if self.success else 'failure'}>"

    def _value(self, key: str) -> Any:
        if key in self._values:
            return self._values[key]
        if any(isinstance(event, AssetMaterialized) and event.asset_key == key for event in self.all_events):
            return None
        raise InvalidInvocationError(f"run {self.run_id} has not made asset {key!r}, so there is no value of it.")

    def _belongs(self, event: Event, node_name: str) -> bool:
        nodes = self._nodes_of(node_name)
        step_key = getattr(event, "step_key", None)  # that of a check is another one
        if step_key is None:
            return getattr(event, "asset_key", None) in {str(node.key) for node in nodes}
        if not nodes[0].step:
            return step_key == str(nodes[0].key)
        return step_key == nodes[0].step or step_key.startswith(f"{nodes[0].step}-")

    def _keys_of(self, node_name: str) -> set[AssetKey]:
        return {node.key for node in self._nodes_of(node_name)}

    def _nodes_of(self, name: str) -> list[AssetsDefinition]:
        """What goes by `name`: an asset by its key, its key's parts joined by "__", or its function's name; or all that
        a function makes, by the name of that."""
        made = [node for node in self._definitions.assets if isinstance(node, AssetsDefinition)]
        names: dict[str, list[AssetsDefinition]] = {}
        for node in made:
            for one in {node.step or node.__name__, node.__name__}:
                names.setdefault(one, []).append(node)
        for node in made:
            for one in (node.key.path[-1], "__".join(node.key.path), str(node.key)):
                if one not in names or not names[one][0].step:
                    names[one] = [node]
        if name not in names:
            hint = did_you_mean(name, names, "Use the name of its function.")
            raise InvalidInvocationError(f"there is no asset {name!r} in this run. {hint}")
        return names[name]
