"""The config of a run before it is requested: as data for the log, and known to fit what the run will do.

What is asked here is asked again in the worker, by each step: definitions and environment may have changed by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.checks import AssetChecksDefinition
from ...definitions.definitions import Definitions
from ...definitions.errors import InvalidConfigError
from ...definitions.keys import AssetKey
from ...definitions.ops.flat import flatten
from ...definitions.run_config import RunConfig, check_names, run_config_data
from ...storage.events import PlannedCheck
from .op_config import check_ops_below, said_to
from .toolbox import step_config


def checked_run_config(
    run_config: RunConfig | Mapping[str, Any] | None,
    definitions: Definitions,
    keys: Iterable[AssetKey],
    checks: Iterable[PlannedCheck] = (),
) -> dict[str, Any]:
    """`run_config` as plain data, for a run that makes the assets `keys` and evaluates `checks`.

    All checks of these assets may be named in it, whether or not they are evaluated.

    Raises:
        InvalidConfigError: something is named that the run does not have, or the config of an asset or a check does
            not fit its function. All of it is in `errors`.
    """
    data = run_config_data(run_config)
    assets = [definitions.get(key) for key in keys]
    ops: dict[str, AssetsDefinition | AssetChecksDefinition] = {}
    for asset in assets:
        if isinstance(asset, AssetsDefinition):
            ops[asset.op_name] = asset
    nodes = [check for asset in assets for check in definitions.checks_of(asset.key)]
    for check in (*nodes, *(definitions.check(check.asset_key, check.name) for check in checks)):
        if check.definition is not None:
            ops[check.definition.op_name] = check.definition
    check_names(data, ops=ops, resources=definitions.resources)
    wrong: list[InvalidConfigError] = []
    for op in ops.values():
        try:
            _check_below(data, op)
            step_config(data, op)
        except InvalidConfigError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise InvalidConfigError([line for error in wrong for line in error.errors])
    return data


def _check_below(data: Mapping[str, Any], op: AssetsDefinition | AssetChecksDefinition) -> None:
    """What stands beside the config of an asset: only one that a graph makes has ops of its own."""
    if op.graph is not None:
        check_ops_below(data, flatten(op.graph), (op.op_name,))
        return
    for other in sorted(said_to(data, (op.op_name,)).keys() - {"config"}):
        raise InvalidConfigError([f"ops.{op.op_name}.{other}: {op} has only config. Leave this out."])
