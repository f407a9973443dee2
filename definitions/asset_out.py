"""`AssetOut`: one of the assets of a `@multi_asset`, described as an output of its function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from .collecting import report
from .errors import DefinitionError
from .keys import AssetKey, CoercibleToAssetKey
from .labels import key_from_user
from .source import SourceLine
from .spec import AssetSpec

if TYPE_CHECKING:
    from .backfill_policy import BackfillPolicy
    from .conditions.base import AutomationCondition
    from .freshness import FreshnessPolicy
    from .partitions.base import PartitionsDefinition


@dataclass(frozen=True)
class AssetOut:
    """What an output of a `@multi_asset` is as an asset. Its key is the name of the output, behind `key_prefix`, unless
    it has a `key`.

    One that is not `is_required` may be left out by the function: then it is not made, and what reads it is skipped.
    A `backfill_policy` is that of all that the function makes.
    """

    key_prefix: str | Sequence[str] | None = None
    key: CoercibleToAssetKey | None = None
    _: KW_ONLY
    description: str | None = None
    is_required: bool = True
    io_manager_key: str | None = None
    metadata: Mapping[str, Any] | None = None
    group_name: str | None = None
    code_version: str | None = None
    automation_condition: AutomationCondition | None = None
    backfill_policy: BackfillPolicy | None = None
    owners: Sequence[str] | None = None
    tags: Mapping[str, str] | None = None
    kinds: Iterable[str] | None = None
    freshness_policy: FreshnessPolicy | None = None
    is_virtual: bool = False

    @classmethod
    def from_spec(cls, spec: AssetSpec, *, is_required: bool = True) -> AssetOut:
        """The output that is described as `spec` is; its deps are not taken along."""
        return cls(
            key=spec.key,
            description=spec.description,
            is_required=is_required and not spec.skippable,
            io_manager_key=spec.io_manager_key,
            metadata=spec.metadata,
            group_name=spec.group_name,
            code_version=spec.code_version,
            automation_condition=spec.automation_condition,
            owners=spec.owners,
            tags=spec.tags,
            kinds=spec.kinds,
            freshness_policy=spec.freshness_policy,
        )

    def key_of(self, output_name: str, *, owner: str, source: SourceLine) -> AssetKey:
        """The key of the asset that the output of this name is."""
        if self.key is not None and self.key_prefix is not None:
            report(
                DefinitionError(
                    f"{source}: the out {output_name!r} of {owner} has both key and key_prefix. Keep one of the two."
                )
            )
        if self.key is not None:
            return key_from_user(self.key, role=f"the key of the out {output_name!r} of {owner}", source=source)
        own = key_from_user(output_name, role=f"the name of an out of {owner}", source=source)
        return own if self.key_prefix is None else own.with_prefix(self.key_prefix)

    def to_spec(
        self,
        key: AssetKey,
        *,
        deps: Iterable[Any],
        group_name: str | None,
        code_version: str | None,
        partitions_def: PartitionsDefinition | None,
        source: SourceLine,
    ) -> AssetSpec:
        """The spec of the asset; the arguments are what holds where the out says nothing itself."""
        return AssetSpec(
            key,
            deps=deps,
            description=self.description,
            metadata=self.metadata,
            skippable=not self.is_required,
            group_name=self.group_name or group_name,
            code_version=self.code_version or code_version,
            automation_condition=self.automation_condition,
            owners=self.owners,
            tags=self.tags,
            kinds=self.kinds,
            partitions_def=partitions_def,
            freshness_policy=self.freshness_policy,
            is_virtual=self.is_virtual,
            io_manager_key=self.io_manager_key,
            source=source,
        )
