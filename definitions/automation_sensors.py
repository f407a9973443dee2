"""Automation sensors: a switch, by name, for the automation of some assets, and a condition for those without one.

The daemon evaluates every automation condition by itself, whether or not there is such a sensor. Assets that one covers
are automated while it is on; switched off (`headwater sensor stop NAME`, or `default_status` until somebody has said
otherwise) their automation is paused, as by `headwater automation pause`: nothing is lost meanwhile.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .automation_snapshot import AUTOMATION
from .caller import caller
from .collecting import report
from .errors import DefinitionError, InvalidAssetSelection
from .selection.base import AssetSelection
from .sensors import DefaultSensorStatus, SensorDefinition
from .spec import checked_condition
from .unsupported import refuse

if TYPE_CHECKING:
    from .conditions.base import AutomationCondition
    from .graph import AssetGraph


class AutomationConditionSensorDefinition(SensorDefinition):
    """The automation of the assets of `target`, which is on or off under a name of its own.

    >>> nightly = AutomationConditionSensorDefinition("nightly", target="group:reports")
    >>> defs = Definitions([orders, revenue], sensors=[nightly])

    `default_condition` is that of those of its assets that have none. It is on unless `default_status` says STOPPED. An
    asset may be covered by one such sensor at most. The daemon evaluates conditions when something happens, and not
    every so often: `minimum_interval_seconds` is kept and changes nothing. The runs that it asks for have `run_tags`.
    """

    watches = AUTOMATION

    def __init__(
        self,
        name: str,
        *,
        target: Any,
        tags: Mapping[str, str] | None = None,
        run_tags: Mapping[str, str] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.RUNNING,
        minimum_interval_seconds: float | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        emit_backfills: bool = True,
        use_user_code_server: bool = False,
        default_condition: AutomationCondition | None = None,
    ) -> None:
        source = caller()
        super().__init__(
            name,
            evaluation_fn=_decides_nothing,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description or "Automates its assets by their conditions.",
            default_status=default_status,
            tags=tags,
            metadata=metadata,
            source=source,
        )
        if not emit_backfills:
            refuse(str(self), source=source, emit_backfills=True)
        self.run_tags: dict[str, str] = {str(name): str(value) for name, value in (run_tags or {}).items()}
        self.monitored: AssetSelection = AssetSelection.all() - AssetSelection.all()
        try:
            self.monitored = AssetSelection.from_coercible(target)
        except InvalidAssetSelection as error:
            report(DefinitionError(f"{source}: {self}: {error}"))
        self.default_condition: AutomationCondition | None = checked_condition(
            default_condition, owner=str(self), source=source
        )


def _decides_nothing(context: Any) -> None:
    """It is a switch: the conditions of its assets decide."""


def with_default_conditions(graph: AssetGraph, sensors: Iterable[SensorDefinition]) -> AssetGraph:
    """`graph` in which assets without a condition have that of the automation sensor which covers them."""
    giving = [one for one in sensors if isinstance(one, AutomationConditionSensorDefinition) and one.default_condition]
    if not giving:
        return graph
    from .graph import AssetGraph
    from .selection.view import SelectableAssets

    nodes = dict(graph.nodes)
    for one in giving:
        try:
            covered = one.monitored.assets_in(SelectableAssets.of(graph))
        except InvalidAssetSelection:
            continue  # told where the sensors are bound
        for key in covered:
            node = nodes[key]
            if node.spec.automation_condition is None and (node.is_observable or not node.is_external):
                nodes[key] = made = copy.copy(node)
                spec = copy.copy(node.spec)
                spec.automation_condition = one.default_condition
                made.spec = spec  # type: ignore[misc]
    return AssetGraph(nodes)
