"""The snapshot of definitions: pure data about what should exist, without any of the user's code.

The code host makes it, the log keeps its bytes under their hash, and everything that decides reads it. The bytes are
canonical: equal definitions give equal bytes, whatever order they were listed in, and what has its default is left out,
so that a field added later does not change the hash of old definitions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .arrival import FileArrival, arrival_from_json
from .assets_definition import AssetsDefinition
from .automation_snapshot import ScheduleSnapshot, SensorSnapshot
from .backfill_policy import BackfillPolicy
from .binding import AssetNode
from .checks import AssetChecksDefinition
from .conditions.base import AutomationCondition, condition_from_json
from .dependencies import Dependency
from .freshness import FreshnessPolicy, freshness_from_json
from .job_snapshot import JobSnapshot
from .metadata import metadata_to_json, normalize_metadata
from .partitions.base import PartitionsDefinition, partitions_from_json
from .partitions.mappings import AllPartitionMapping, PartitionMapping, mapping_from_json
from .spec import DEFAULT_GROUP

if TYPE_CHECKING:
    from .definitions import Definitions

JsonData = dict[str, Any]

FORMAT = 1  # of the bytes; a reader knows all formats up to its own


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

    def to_json(self) -> JsonData:
        data = _given(arg=self.arg, gated=None if self.gated else False)
        return {"key": self.key, "mapping": self.mapping.to_json(), **data}

    @classmethod
    def from_json(cls, data: JsonData) -> DepSnapshot:
        return cls(data["key"], mapping_from_json(data["mapping"]), data.get("arg"), data.get("gated", True))


@dataclass(frozen=True, slots=True)
class CheckSnapshot:
    """A check of an asset. `severity` is that of its failures where the function does not say."""

    name: str
    blocking: bool = False
    severity: str = "ERROR"
    description: str | None = None

    @classmethod
    def of(cls, check: AssetChecksDefinition) -> CheckSnapshot:
        return cls(check.check_name, check.blocking, check.severity.value, check.description)

    def to_json(self) -> JsonData:
        severity = None if self.severity == "ERROR" else self.severity
        return {
            "name": self.name,
            **_given(blocking=self.blocking or None, severity=severity, description=self.description),
        }

    @classmethod
    def from_json(cls, data: JsonData) -> CheckSnapshot:
        return cls(**data)


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
    tags: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    arrival: FileArrival | None = None
    freshness: FreshnessPolicy | None = None
    source: str = ""
    op_tags: Mapping[str, Any] = field(default_factory=dict)
    """What is said to whatever runs its steps."""
    pool: str | None = None
    """Of runs with assets of one pool only so many are under way at once."""
    backfill_policy: BackfillPolicy | None = None

    @classmethod
    def of(
        cls, node: AssetNode, checks: list[AssetChecksDefinition], condition: AutomationCondition | None
    ) -> AssetSnapshot:
        spec = node.spec
        return cls(
            key=str(node.key),
            external=not isinstance(node, AssetsDefinition),
            deps=tuple(sorted(map(DepSnapshot.of, node.deps), key=lambda dep: dep.key)),
            partitions=spec.partitions_def,
            condition=condition,
            checks=tuple(sorted(map(CheckSnapshot.of, checks), key=lambda check: check.name)),
            code_version=spec.code_version,
            group=spec.group,
            description=spec.description,
            tags=dict(spec.tags),
            kinds=spec.kinds,
            owners=spec.owners,
            metadata=metadata_to_json(normalize_metadata(spec.metadata)),
            arrival=spec.arrival,
            freshness=spec.freshness_policy,
            source=f"{spec.source.file}:{spec.source.line}",  # whole, whatever the working directory
            op_tags=node.op_tags if isinstance(node, AssetsDefinition) else {},
            pool=node.pool if isinstance(node, AssetsDefinition) else None,
            backfill_policy=node.backfill_policy if isinstance(node, AssetsDefinition) else None,
        )

    def to_json(self) -> JsonData:
        return {
            "key": self.key,
            **_given(
                external=self.external or None,
                deps=[dep.to_json() for dep in self.deps],
                partitions=self.partitions and self.partitions.to_json(),
                condition=self.condition and self.condition.to_json(),
                checks=[check.to_json() for check in self.checks],
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
                backfill_policy=self.backfill_policy and self.backfill_policy.to_json(),
            ),
        }

    @classmethod
    def from_json(cls, data: JsonData) -> AssetSnapshot:
        partitions, condition, arrival = data.get("partitions"), data.get("condition"), data.get("arrival")
        policy = data.get("backfill_policy")
        freshness = data.get("freshness")
        return cls(
            key=data["key"],
            external=data.get("external", False),
            deps=tuple(map(DepSnapshot.from_json, data.get("deps", ()))),
            partitions=partitions and partitions_from_json(partitions),
            condition=condition and condition_from_json(condition),
            checks=tuple(map(CheckSnapshot.from_json, data.get("checks", ()))),
            code_version=data.get("code_version"),
            group=data.get("group", DEFAULT_GROUP),
            description=data.get("description"),
            tags=data.get("tags", {}),
            kinds=tuple(data.get("kinds", ())),
            owners=tuple(data.get("owners", ())),
            metadata=data.get("metadata", {}),
            arrival=arrival and arrival_from_json(arrival),
            freshness=freshness and freshness_from_json(freshness),
            source=data.get("source", ""),
            op_tags=data.get("op_tags", {}),
            pool=data.get("pool"),
            backfill_policy=policy and BackfillPolicy.from_json(policy),
        )


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
            AssetSnapshot.of(node, definitions.checks_of(node.key), definitions.condition_of(node.key))
            for node in definitions.assets
        ]
        jobs = [JobSnapshot.of(job, definitions.contents_of(name)) for name, job in sorted(definitions.jobs.items())]
        schedules, sensors = definitions.automation or ({}, {})
        return cls(
            {snapshot.key: snapshot for snapshot in snapshots}, {job.name: job for job in jobs}, schedules, sensors
        )

    def to_bytes(self) -> bytes:
        return self._bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> DefinitionsSnapshot:
        """The snapshot that `to_bytes()` was called on, by this version or an older one."""
        parsed = json.loads(data)
        snapshots = map(AssetSnapshot.from_json, parsed["assets"])
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
        data = {
            "format": FORMAT,
            "assets": [asset.to_json() for asset in self.assets.values()],
            **_given(
                jobs=[job.to_json() for job in self.jobs.values()],
                schedules=[schedule.to_json() for schedule in self.schedules.values()],
                sensors=[sensor.to_json() for sensor in self.sensors.values()],
            ),
        }
        return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _given(**values: Any) -> JsonData:
    """The values that say something: None and empty collections are left out."""
    return {name: value for name, value in values.items() if value is not None and value not in ({}, [])}
