"""Jobs as pure data: what a run of each makes and evaluates, and what it is told and tagged with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .metadata import metadata_to_json, normalize_metadata
from .partitions.base import PartitionsDefinition, partitions_from_json
from .run_config import run_config_data

if TYPE_CHECKING:
    from .asset_jobs import JobContents
    from .jobs import JobDefinition

JsonData = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job. `assets` are keys, each after what it reads; `checks` are pairs of an asset's key and a name.

    `run_tags` are those of its runs, `config` their run config where a request gives none. Where `configured_by_code`
    the config differs by partition, and only the user's code can say it.
    """

    name: str
    kind: str = "asset"
    assets: tuple[str, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    partitions: PartitionsDefinition | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    run_tags: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    configured_by_code: bool = False
    owners: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    pools: tuple[str, ...] = ()
    """The pools of its ops."""
    maps_config: bool = False
    """Whether its runs are told what its config mapping takes."""

    @classmethod
    def of(cls, job: JobDefinition, contents: JobContents) -> JobSnapshot:
        return cls(
            name=job.name,
            kind=job.kind,
            assets=tuple(map(str, contents.assets)),
            checks=tuple((str(check.asset_key), check.name) for check in contents.checks),
            partitions=contents.partitions,
            description=job.description,
            tags=dict(job.tags),
            run_tags=dict(job.run_tags),
            config={} if job.partitioned_config else run_config_data(job.config),
            configured_by_code=job.partitioned_config is not None,
            owners=tuple(job.owners),
            metadata=metadata_to_json(normalize_metadata(job.metadata)),
            source=f"{job.source.file}:{job.source.line}",
            pools=tuple(getattr(job, "pools", ())),
            maps_config=getattr(job, "maps_config", False),
        )

    def to_json(self) -> JsonData:
        data: JsonData = {
            "assets": list(self.assets),
            "checks": [list(check) for check in self.checks],
            "partitions": self.partitions and self.partitions.to_json(),
            "description": self.description,
            "tags": dict(self.tags),
            "run_tags": None if self.run_tags == self.tags else dict(self.run_tags),
            "config": dict(self.config),
            "configured_by_code": self.configured_by_code or None,
            "owners": list(self.owners),
            "metadata": dict(self.metadata),
            "source": self.source or None,
            "pools": list(self.pools),
            "maps_config": self.maps_config or None,
        }
        kept = {name: value for name, value in data.items() if value is not None and (value or name == "run_tags")}
        return {"name": self.name, **({} if self.kind == "asset" else {"kind": self.kind}), **kept}

    @classmethod
    def from_json(cls, data: JsonData) -> JobSnapshot:
        partitions = data.get("partitions")
        return cls(
            name=data["name"],
            kind=data.get("kind", "asset"),
            assets=tuple(data.get("assets", ())),
            checks=tuple((key, name) for key, name in data.get("checks", ())),
            partitions=partitions and partitions_from_json(partitions),
            description=data.get("description"),
            tags=data.get("tags", {}),
            run_tags=data.get("run_tags", data.get("tags", {})),
            config=data.get("config", {}),
            configured_by_code=data.get("configured_by_code", False),
            owners=tuple(data.get("owners", ())),
            metadata=data.get("metadata", {}),
            source=data.get("source", ""),
            pools=tuple(data.get("pools", ())),
            maps_config=data.get("maps_config", False),
        )
