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
        """The value that an asset returned; None where it stored nothing for others to load.

        Raises:
            InvalidInvocationError: the run has no such asset, or did not make it.
        """
        return self._value(self._key_of_node(node_name))

    def asset_value(self, asset_key: CoercibleToAssetKey) -> Any:
        """As `output_for_node`, by the asset's key."""
        return self._value(str(self._definitions.get(asset_key).key))

    def asset_materializations_for_node(self, node_name: str) -> list[Materialization]:
        key = AssetKey.from_user_string(self._key_of_node(node_name))
        return [made for made in self.get_asset_materialization_events() if made.asset_key == key]

    def get_asset_materialization_events(self) -> list[Materialization]:
        return [Materialization.of(event) for event in self._of(AssetMaterialized)]

    def asset_observations_for_node(self, node_name: str) -> list[Observation]:
        key = AssetKey.from_user_string(self._key_of_node(node_name))
        return [seen for seen in self.get_asset_observation_events() if seen.asset_key == key]

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
        key = self._key_of_node(node_name)
        step_key = getattr(event, "step_key", None)  # that of a check is another one
        return step_key == key if step_key is not None else getattr(event, "asset_key", None) == key

    def _key_of_node(self, name: str) -> str:
        """The key of the asset that goes by `name`: its function's name, its key, or its key's parts joined by "__"."""
        names: dict[str, str] = {}
        for node in self._definitions.assets:
            if isinstance(node, AssetsDefinition):
                key = str(node.key)
                for one in (node.__name__, node.key.path[-1], "__".join(node.key.path), key):
                    names[one] = key
        if name not in names:
            hint = did_you_mean(name, names, "Use the name of its function.")
            raise InvalidInvocationError(f"there is no asset {name!r} in this run. {hint}")
        return names[name]
