"""What the run config says to the ops of a graph: their config, and the values of inputs that nothing is wired to.

{"ops": {"total": {"config": {...}, "inputs": {"limit": 3}}, "inner": {"ops": {"count": {"config": {...}}}}}}
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ...definitions.errors import InvalidConfigError, TypeCheckDidNotPass, did_you_mean
from ...definitions.ops.flat import FlatGraph, OpNode, Several, Upstream
from ...definitions.ops.invocation import check_input
from ...definitions.results import UNSET
from ...definitions.run_config import check_not_mapped, run_config_data
from .toolbox import StepConfig, fitted_config


def said_to(run_config: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
    """What stands under the op of this path."""
    found: Any = run_config
    for name in path:
        found = found.get("ops", {}).get(name, {})
        if not isinstance(found, Mapping):
            raise InvalidConfigError([f"ops.{'.ops.'.join(path)}: a mapping is needed, not {found!r}."])
    return found


def op_config(run_config: Mapping[str, Any], node: OpNode, path: Sequence[str]) -> StepConfig:
    """The config of an op, fitted to its function; raises InvalidConfigError where it does not fit."""
    data = said_to(run_config, path).get("config")
    return fitted_config(data, node.op.signature, ".ops.".join(path), str(node.op), schema=node.op.config_schema)


def mapped_config(run_config: Mapping[str, Any], flat: FlatGraph, prefix: Sequence[str] = ()) -> Mapping[str, Any]:
    """`run_config` as the ops of a graph read it: what a graph with a config mapping is told has become what its ops
    are told. `prefix` is where the graph itself stands.

    Raises:
        InvalidConfigError: what one is told does not fit its mapping.
    """
    for path, mapping in flat.mappings:
        where = (*prefix, *path)
        said = said_to(run_config, where)
        place = [part for name in where for part in ("ops", name)]
        if said.get("ops"):
            raise InvalidConfigError(
                [f"{'.'.join([*place, 'ops'])}: {mapping} tells the ops of this graph everything. Leave it out."]
            )
        run_config = _with_ops(run_config, where, mapping.ops_of(said.get("config"), [*place, "config"]))
    return run_config


def _with_ops(said: Mapping[str, Any], path: Sequence[str], ops: Mapping[str, Any]) -> dict[str, Any]:
    if not path:
        return {**{name: one for name, one in said.items() if name != "config"}, "ops": ops}
    inner = _with_ops(said.get("ops", {}).get(path[0], {}), path[1:], ops)
    return {**said, "ops": {**said.get("ops", {}), path[0]: inner}}


def wired_inputs(node: OpNode, given: Collection[str], chosen: Collection[str] | None) -> set[str]:
    """The inputs of an op that get their value from another op that is run, or from an input of the graph."""
    return {
        name
        for name, source in node.inputs.items()
        if any(_is_there(one, given, chosen) for one in (source.sources if isinstance(source, Several) else [source]))
    }


def _is_there(source: Any, given: Collection[str], chosen: Collection[str] | None) -> bool:
    if isinstance(source, Upstream):
        return chosen is None or source.step in chosen
    return source.name in given


def unwired(run_config: Mapping[str, Any], node: OpNode, path: Sequence[str], wired: Collection[str]) -> dict[str, Any]:
    """The values of the inputs that are not `wired`; an input that is waited for only has none.

    Raises:
        InvalidConfigError: one has neither a default nor a value in the run config.
    """
    inputs = said_to(run_config, path).get("inputs", {})
    values: dict[str, Any] = {}
    for name, one in node.op.ins.items():
        if name in wired or one.is_nothing:
            continue
        if name in inputs:
            values[name] = _plain(inputs[name])
        elif (default := node.op.default_of(name)) is not UNSET:
            values[name] = default
        else:
            where = f"ops.{'.ops.'.join(path)}.inputs.{name}"
            raise InvalidConfigError(
                [f"{where}: nothing is wired to the input {name!r} of {node.op}, and it has no default. Give a value."]
            )
    return values


def checked_op_config(
    run_config: Any,
    flat: FlatGraph,
    *,
    resources: Mapping[str, Any],
    chosen: frozenset[str] | None = None,
    given: Collection[str] = (),
) -> dict[str, Any]:
    """`run_config` as plain data, known to fit the ops of a job; `given` are inputs of the graph that have a value.

    Raises:
        InvalidConfigError: it does not; everything that is wrong is in `errors`.
    """
    data = run_config_data(run_config)
    if not any(path == () for path, _ in flat.mappings):
        check_not_mapped(data)
    mapped = mapped_config(data, flat)
    errors = [*_unknown(mapped, flat), *_unknown_resources(data, resources)]
    for node in flat.nodes:
        if chosen is not None and node.step_key not in chosen:
            continue
        try:
            op_config(mapped, node, node.path)
            wired = wired_inputs(node, given, chosen)
            for name, value in unwired(mapped, node, node.path, wired).items():
                check_input(node.op, name, value)
        except InvalidConfigError as error:
            errors += error.errors
        except TypeCheckDidNotPass as error:
            errors.append(str(error))
    if errors:
        raise InvalidConfigError(errors)
    return data


def check_ops_below(run_config: Mapping[str, Any], flat: FlatGraph, path: Sequence[str]) -> None:
    """Raise InvalidConfigError where what the run config says below `path` does not fit the ops of a graph there."""
    run_config = mapped_config(run_config, flat, path)
    errors = list(_unknown(said_to(run_config, path), flat, f"ops.{'.ops.'.join(path)}."))
    for node in flat.nodes:
        try:
            op_config(run_config, node, (*path, *node.path))
        except InvalidConfigError as error:
            errors += error.errors
    if errors:
        raise InvalidConfigError(errors)


def _unknown(data: Mapping[str, Any], flat: FlatGraph, where: str = "") -> Iterator[str]:
    """Names in the config that no op of the graph has."""
    known: dict[str, Any] = {}
    for node in flat.nodes:
        level = known
        for name in node.path:
            level = level.setdefault(name, {})
    yield from _strangers(data.get("ops", {}), known, f"{where}ops")


def _strangers(given: Mapping[str, Any], known: Mapping[str, Any], where: str) -> Iterator[str]:
    for name, said in given.items():
        if name not in known:
            hint = did_you_mean(name, known, f"There are: {', '.join(sorted(known)[:10]) or 'none'}.")
            yield f"{where}.{name}: there is no op of this name. {hint}"
        elif isinstance(said, Mapping):
            yield from _strangers(said.get("ops", {}), known[name], f"{where}.{name}.ops")


def _unknown_resources(data: Mapping[str, Any], resources: Mapping[str, Any]) -> Iterator[str]:
    for name in data.get("resources", {}):
        if name not in resources:
            hint = did_you_mean(name, resources, f"There are: {', '.join(sorted(resources)[:10]) or 'none'}.")
            yield f"resources.{name}: there is no resource of this name. {hint}"


def _plain(value: Any) -> Any:
    """`{"value": 3}` says the same as 3."""
    return value["value"] if isinstance(value, Mapping) and set(value) == {"value"} else value
