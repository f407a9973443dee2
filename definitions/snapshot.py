"""The snapshot of definitions: pure data about what should exist, without any of the user's code.

The code host makes it, the log keeps its bytes under their hash, and everything that decides reads it. The bytes are
canonical: equal definitions give equal bytes, whatever order they were listed in, and what has its default is left out,
so that a field added later does not change the hash of old definitions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .arrival import FileArrival, arrival_from_json
from .assets_definition import AssetsDefinition
from .automation_snapshot import AUTOMATION, ScheduleSnapshot, SensorSnapshot
from .backfill_policy import BackfillPolicy
from .binding import AssetNode
from .check_specs import CheckNode
from .collector import collector_paused
from .conditions.base import AutomationCondition
from .conditions.python_condition import PythonCondition
from .dependencies import Dependency
from .freshness import FreshnessPolicy, freshness_from_json
from .job_snapshot import JobSnapshot
from .metadata import metadata_to_json, normalize_metadata
from .partitions.base import PartitionsDefinition
from .partitions.mappings import AllPartitionMapping, PartitionMapping
from .partitions.multi_mappings import default_mapping
from .shared_parts import PartsRead, PartsWritten
from .spec import DEFAULT_GROUP

if TYPE_CHECKING:
    from .definitions import Definitions

JsonData = dict[str, Any]

FORMAT = 2  # of the bytes; a reader knows all formats up to its own

NONE: Mapping[str, Any] = {}  # the tags and metadata of most assets: one object for all


def _none() -> Mapping[str, Any]:
    return NONE


@dataclass(frozen=True, slots=True)
class DepSnapshot:
    """An edge to the upstream `key`; `arg` is the parameter that takes its value."""

    key: str
    mapping: PartitionMapping
    arg: str | None = None
    gated: bool = True

    @classmethod
    def of(cls, dep: Dependency) -> DepSnapshot:
        return cls(str(dep.key), dep.mapping or AllPartitionMapping(), dep.arg, dep.gated)

    def to_json(self, parts: PartsWritten) -> JsonData:
        data = _given(arg=self.arg, gated=None if self.gated else False)
        return {"key": self.key, "mapping": parts.mappings.place(self.mapping), **data}

    @classmethod
    def from_json(cls, data: JsonData, parts: PartsRead) -> DepSnapshot:
        """The edge: the same object for all assets that read `key` alike."""
        key, mapping, arg, gated = data["key"], data["mapping"], data.get("arg"), data.get("gated", True)
        if isinstance(mapping, dict):
            return cls(parts.text(key), parts.mapping(mapping), arg, gated)
        place = key, mapping, arg, gated
        if place not in parts.edges:
            parts.edges[place] = cls(parts.text(key), parts.mapping(mapping), arg, gated)
        return parts.edges[place]


@dataclass(frozen=True, slots=True)
class CheckSnapshot:
    """A check of an asset. `severity` is that of its failures where the function does not say.

    An `inline` one is evaluated by the step that makes its asset. Checks of the same `step` (not "") are evaluated
    together, unless `can_subset`. `deps` are the keys of further assets that it comes after. With a `condition` it is
    requested by that, and not whenever its asset is.
    """

    name: str
    blocking: bool = False
    severity: str = "ERROR"
    description: str | None = None
    inline: bool = False
    step: str = ""
    can_subset: bool = False
    deps: tuple[str, ...] = ()
    condition: AutomationCondition | None = None
    metadata: JsonData = field(default_factory=dict)
    whole_asset: bool = False
    pool: str | None = None
    op_tags: JsonData = field(default_factory=dict)

    @classmethod
    def of(cls, check: CheckNode, condition: AutomationCondition | None = None) -> CheckSnapshot:
        spec = check.spec
        return cls(
            name=spec.name,
            blocking=spec.blocking,
            severity=spec.severity.value,
            description=spec.description,
            inline=check.is_inline,
            step=check.step,
            can_subset=check.can_subset,
            deps=tuple(sorted(map(str, check.dep_keys))),
            condition=condition,
            metadata=metadata_to_json(normalize_metadata(spec.metadata)),
            whole_asset=spec.whole_asset,
            pool=check.definition.pool if check.definition is not None else None,
            op_tags=check.definition.op_tags if check.definition is not None else {},
        )

    def to_json(self, parts: PartsWritten) -> JsonData:
        return {
            "name": self.name,
            **_given(
                blocking=self.blocking or None,
                severity=None if self.severity == "ERROR" else self.severity,
                description=self.description,
                inline=self.inline or None,
                step=self.step or None,
                can_subset=self.can_subset or None,
                deps=list(self.deps),
                condition=parts.conditions.place(self.condition),
                metadata=dict(self.metadata),
                whole_asset=self.whole_asset or None,
                pool=self.pool,
                op_tags=dict(self.op_tags),
            ),
        }

    @classmethod
    def from_json(cls, data: JsonData, parts: PartsRead) -> CheckSnapshot:
        condition = parts.condition(data.get("condition"))
        return cls(**{**data, "deps": tuple(data.get("deps", ())), "condition": condition})


@dataclass(frozen=True, slots=True)
class AssetSnapshot:
    """An asset as data. `key` and the keys of `deps` are user strings; `metadata` is JSON by name."""

    key: str
    external: bool = False
    deps: tuple[DepSnapshot, ...] = ()
    partitions: PartitionsDefinition | None = None
    condition: AutomationCondition | None = None
    checks: tuple[CheckSnapshot, ...] = ()
    code_version: str | None = None
    group: str = DEFAULT_GROUP
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=_none)
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=_none)
    arrival: FileArrival | None = None
    freshness: FreshnessPolicy | None = None
    source: str = ""
    op_tags: Mapping[str, Any] = field(default_factory=_none)
    """What is said to whatever runs its steps."""
    pool: str | None = None
    """Of runs with assets of one pool only so many are under way at once."""
    op_pools: tuple[str, ...] = ()
    """Those of the ops that make it."""
    step: str = ""
    """The step that it shares with other assets, which one function makes; "" where it has one of its own."""
    can_subset: bool = False
    """Whether it can be made without the others of its step."""
    backfill_policy: BackfillPolicy | None = None
    observable: bool = False
    """External, with a function that looks at it: a run of it writes observations."""
    checked: tuple[str, str] | None = None
    """The asset and the name, where this stands for a check among the evaluated; never written."""

    @classmethod
    def of(
        cls, node: AssetNode, checks: Iterable[CheckSnapshot], condition: AutomationCondition | None
    ) -> AssetSnapshot:
        spec = node.spec
        return cls(
            key=str(node.key),
            external=node.is_external,
            observable=node.is_observable,
            deps=tuple(sorted(map(DepSnapshot.of, node.deps), key=lambda dep: dep.key)),
            partitions=spec.partitions_def,
            condition=condition,
            checks=tuple(sorted(checks, key=lambda check: check.name)),
            code_version=spec.code_version,
            group=spec.group,
            description=spec.description,
            tags=dict(spec.tags) if spec.tags else NONE,
            kinds=spec.kinds,
            owners=spec.owners,
            metadata=metadata_to_json(normalize_metadata(spec.metadata)) if spec.metadata else NONE,
            arrival=spec.arrival,
            freshness=spec.freshness_policy,
            source=f"{spec.source.file}:{spec.source.line}",  # whole, whatever the working directory
            op_tags=(node.op_tags if isinstance(node, AssetsDefinition) else None) or NONE,
            pool=node.pool if isinstance(node, AssetsDefinition) else None,
            op_pools=node.op_pools if isinstance(node, AssetsDefinition) else (),
            backfill_policy=node.backfill_policy if isinstance(node, AssetsDefinition) else None,
            step=node.step if isinstance(node, AssetsDefinition) else "",
            can_subset=node.can_subset if isinstance(node, AssetsDefinition) else False,
        )

    def to_json(self, parts: PartsWritten) -> JsonData:
        return {
            "key": self.key,
            **_given(
                external=self.external or None,
                deps=[dep.to_json(parts) for dep in self.deps],
                partitions=parts.partitions.place(self.partitions),
                condition=parts.conditions.place(self.condition),
                checks=[check.to_json(parts) for check in self.checks],
                code_version=self.code_version,
                group=None if self.group == DEFAULT_GROUP else self.group,
                description=self.description,
                tags=dict(self.tags),
                kinds=list(self.kinds),
                owners=list(self.owners),
                metadata=dict(self.metadata),
                arrival=self.arrival and self.arrival.to_json(),
                freshness=self.freshness and self.freshness.to_json(),
                source=self.source or None,
                op_tags=dict(self.op_tags),
                pool=self.pool,
                op_pools=list(self.op_pools),
                step=self.step or None,
                can_subset=self.can_subset or None,
                observable=self.observable or None,
                backfill_policy=self.backfill_policy and self.backfill_policy.to_json(),
            ),
        }

    @classmethod
    def from_json(cls, data: JsonData, parts: PartsRead) -> AssetSnapshot:
        arrival, policy, freshness = data.get("arrival"), data.get("backfill_policy"), data.get("freshness")
        return cls(
            key=parts.text(data["key"]),
            external=data.get("external", False),
            deps=tuple([DepSnapshot.from_json(dep, parts) for dep in data.get("deps", ())]),
            partitions=parts.partitions(data.get("partitions")),
            condition=parts.condition(data.get("condition")),
            checks=tuple([CheckSnapshot.from_json(check, parts) for check in data.get("checks", ())]),
            code_version=data.get("code_version"),
            group=parts.text(data.get("group", DEFAULT_GROUP)),
            description=data.get("description"),
            tags=data.get("tags", NONE),
            kinds=tuple(data.get("kinds", ())),
            owners=tuple(data.get("owners", ())),
            metadata=data.get("metadata", NONE),
            arrival=arrival and arrival_from_json(arrival),
            freshness=freshness and freshness_from_json(freshness),
            source=parts.text(data.get("source", "")),
            op_tags=data.get("op_tags", NONE),
            pool=data.get("pool"),
            op_pools=tuple(data.get("op_pools", ())),
            step=data.get("step", ""),
            can_subset=data.get("can_subset", False),
            observable=data.get("observable", False),
            backfill_policy=policy and BackfillPolicy.from_json(policy),
        )

    @property
    def has_function(self) -> bool:
        """Whether a run can do anything for it: make it, or observe it."""
        return self.observable or not self.external


def check_node_key(asset_key: str, check_name: str) -> str:
    """The key under which a check stands among what has a condition and a state, beside the assets."""
    return f"{asset_key}:{check_name}"


@dataclass(frozen=True)
class DefinitionsSnapshot:
    """All assets by key, each after everything it reads; jobs, schedules and sensors by name."""

    assets: Mapping[str, AssetSnapshot]
    jobs: Mapping[str, JobSnapshot] = field(default_factory=dict)
    schedules: Mapping[str, ScheduleSnapshot] = field(default_factory=dict)
    sensors: Mapping[str, SensorSnapshot] = field(default_factory=dict)

    @classmethod
    def of(cls, definitions: Definitions) -> DefinitionsSnapshot:
        """The snapshot of valid definitions.

        Raises:
            DefinitionErrors: they are not valid.
        """
        definitions.validate()
        snapshots = [
            AssetSnapshot.of(
                node,
                [
                    CheckSnapshot.of(check, definitions.condition_of(check.key))
                    for check in definitions.checks_of(node.key)
                ],
                definitions.condition_of(node.key),
            )
            for node in definitions.assets
        ]
        jobs = [JobSnapshot.of(job, definitions.contents_of(name)) for name, job in sorted(definitions.jobs.items())]
        schedules, sensors = definitions.automation or ({}, {})
        return cls(
            {snapshot.key: snapshot for snapshot in snapshots}, {job.name: job for job in jobs}, schedules, sensors
        )

    @cached_property
    def made_together(self) -> Mapping[str, tuple[str, ...]]:
        """Per asset that can only be made together with others, all of these, itself among them."""
        steps: dict[str, list[str]] = {}
        for key, asset in self.assets.items():
            if asset.step and not asset.can_subset:
                steps.setdefault(asset.step, []).append(key)
        return {key: tuple(keys) for keys in steps.values() for key in keys if len(keys) > 1}

    @cached_property
    def python_nodes(self) -> frozenset[str]:
        """The ids of the nodes of conditions that users wrote in Python."""
        conditions = {id(a.condition): a.condition for a in self.evaluated.assets.values() if a.condition is not None}
        nodes = (node for condition in conditions.values() for node in condition.walk())
        return frozenset(node.node_id for node in nodes if isinstance(node, PythonCondition))

    @cached_property
    def evaluated(self) -> DefinitionsSnapshot:
        """With each check that has a condition of its own as a node after its asset: what conditions are evaluated on.

        Such a node reads its asset, whatever the asset's gate, and what it comes after.
        """
        if not any(check.condition for asset in self.assets.values() for check in asset.checks):
            return self
        nodes: dict[str, AssetSnapshot] = {}
        for key, asset in self.assets.items():
            nodes[key] = asset
            for check in asset.checks:
                if check.condition is not None:
                    node = self._check_node(asset, check)
                    nodes[node.key] = node
        return DefinitionsSnapshot(nodes, sensors=self.sensors)

    @cached_property
    def automation_sensors(self) -> Mapping[str, SensorSnapshot]:
        """By asset, the sensor whose switch is that of its automation."""
        covering = [sensor for sensor in self.sensors.values() if sensor.watches == AUTOMATION]
        return {key: sensor for sensor in covering for key in sensor.monitored}

    def _check_node(self, asset: AssetSnapshot, check: CheckSnapshot) -> AssetSnapshot:
        own = DepSnapshot(asset.key, default_mapping(asset.partitions, asset.partitions), gated=False)
        further = [
            DepSnapshot(key, default_mapping(self.assets[key].partitions, asset.partitions), gated=False)
            for key in check.deps
        ]
        return AssetSnapshot(
            key=check_node_key(asset.key, check.name),
            deps=(own, *further),
            partitions=asset.partitions,
            condition=check.condition,
            checked=(asset.key, check.name),
        )

    def to_bytes(self) -> bytes:
        return self._bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> DefinitionsSnapshot:
        """The snapshot that `to_bytes()` was called on, by this version or an older one."""
        with collector_paused():
            return cls._parsed(data)

    @classmethod
    def _parsed(cls, data: bytes) -> DefinitionsSnapshot:
        parsed = json.loads(data)
        parts = PartsRead(parsed)
        listed = parsed["assets"][::-1]
        del parsed["assets"]
        snapshots: list[AssetSnapshot] = []
        while listed:  # what was read of an asset makes place for it
            snapshots.append(AssetSnapshot.from_json(listed.pop(), parts))
        jobs = map(JobSnapshot.from_json, parsed.get("jobs", ()))
        schedules = map(ScheduleSnapshot.from_json, parsed.get("schedules", ()))
        sensors = map(SensorSnapshot.from_json, parsed.get("sensors", ()))
        return cls(
            {snapshot.key: snapshot for snapshot in snapshots},
            {job.name: job for job in jobs},
            {schedule.name: schedule for schedule in schedules},
            {sensor.name: sensor for sensor in sensors},
        )

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the bytes, as hex digits."""
        from hashlib import sha256  # here, since it costs 10 ms to import

        return sha256(self._bytes).hexdigest()

    @cached_property
    def _bytes(self) -> bytes:
        parts = PartsWritten()
        assets = [
            _encode(asset.to_json(parts)) for asset in self.assets.values()
        ]  # as data they are ten times as large
        rest = {
            "format": FORMAT,
            **parts.to_json(),  # after the assets, which name them
            **_given(
                jobs=[job.to_json() for job in self.jobs.values()],
                schedules=[schedule.to_json() for schedule in self.schedules.values()],
                sensors=[sensor.to_json() for sensor in self.sensors.values()],
            ),
        }
        assert min(rest) > "assets", "names are in order"
        return f'{{"assets":[{",".join(assets)}],{_encode(rest)[1:]}'.encode()


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def _given(**values: Any) -> JsonData:
    """The values that say something: None and empty collections are left out."""
    return {name: value for name, value in values.items() if value is not None and value not in ({}, [])}
