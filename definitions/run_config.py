"""Run config: what one run tells its assets, checks and resources, as plain data that can be kept in the log.

    {"ops": {"orders": {"config": {"limit": 10}}}, "resources": {"db": {"config": {"host": {"env": "DB_HOST"}}}}}

The asset `sales/orders` stands under `sales__orders`, its check `not_empty` under `sales__orders_not_empty`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidConfigError, did_you_mean

SECTIONS = ("ops", "resources", "execution", "loggers")
MAPPED = "config"
"""The section of what the config mapping of a job takes."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Config for one run: `RunConfig(ops={"orders": OrdersConfig(limit=10)})`.

    `ops` are assets and checks by name, `resources` the resources of the Definitions. A value is an instance of a
    Config (or, of a resource, an instance of it), or `{"config": {...}}` as plain data. `execution` says how the steps
    go where a worker does the run: `{"config": {"multiprocess": {"max_concurrent": 4}}}`, or `{"in_process": {}}`.

    >>> class Sample(Config):
    ...     rows: int = 10
    >>> @asset
    ... def sample(config: Sample):
    ...     return config.rows
    >>> materialize([sample], run_config=RunConfig(ops={"sample": Sample(rows=2)})).output_for_node("sample")
    2
    """

    ops: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)
    loggers: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)

    def to_config_dict(self) -> dict[str, Any]:
        """As plain data; an EnvVar becomes `{"env": NAME}`."""
        given = {name: getattr(self, name) for name in SECTIONS}
        return run_config_data({name: values for name, values in given.items() if values})


def run_config_data(run_config: RunConfig | Mapping[str, Any] | None) -> dict[str, Any]:
    """Any form of run config as plain JSON data.

    Raises:
        InvalidConfigError: it is no mapping of mappings, or has a section that there is none of.
    """
    if not run_config:
        return {}
    if isinstance(run_config, RunConfig):
        return run_config.to_config_dict()
    if not isinstance(run_config, Mapping):
        raise InvalidConfigError([f"run config is a RunConfig or a mapping, not {type(run_config).__name__}."])
    from .config import as_config  # here, as most runs have no config and need not import pydantic for it

    data: dict[str, Any] = {}
    for section, values in run_config.items():
        if section == MAPPED:
            data[section] = as_config(values)
            continue
        if section not in SECTIONS:
            listed = f"There are: {', '.join(SECTIONS)}; and {MAPPED!r} for what the config mapping of a job takes."
            hint = did_you_mean(str(section), SECTIONS, listed)
            raise InvalidConfigError([f"{section}: run config has no such section. {hint}"])
        if not isinstance(values, Mapping):
            raise InvalidConfigError([f"{section}: a mapping of names is needed, not {type(values).__name__}."])
        if section == "execution":
            from .executors import checked_execution

            if values:
                data[section] = checked_execution(values)
            continue
        if section == "loggers" and values:
            raise InvalidConfigError([f"{section}: nothing here can be configured for a run. Leave it out."])
        if values:
            data[section] = {name: as_config(_entry(section, name, one)) for name, one in values.items()}
    return data


def fit_config(config_type: Any, data: Any, op_name: str, owner: str) -> Any:
    """The value of a parameter `config` that is annotated with `config_type`.

    Raises:
        InvalidConfigError: `data` does not fit it.
    """
    from .fitting import fit_any

    return fit_any(config_type, data, ("ops", op_name, "config"), owner=owner)


def config_of(run_config: Mapping[str, Any], section: str, name: str) -> Any:
    """What the run says about one op or resource; None where it says nothing."""
    return run_config.get(section, {}).get(name, {}).get("config")


def check_names(run_config: Mapping[str, Any], *, ops: Collection[str], resources: Collection[str]) -> None:
    """Make sure that everything that is configured is there.

    Raises:
        InvalidConfigError: it is not.
    """
    check_not_mapped(run_config)
    known = {"ops": ("no asset or check of this run", ops), "resources": ("no resource", resources)}
    if errors := list(_unknown(run_config, known)):
        raise InvalidConfigError(errors)


def check_not_mapped(run_config: Mapping[str, Any]) -> None:
    """Raise InvalidConfigError where it is for a config mapping: what is to be run has none."""
    if MAPPED in run_config:
        raise InvalidConfigError([f"{MAPPED}: only a job with a config mapping takes this. Write {{'ops': {{...}}}}."])


def _unknown(run_config: Mapping[str, Any], known: Mapping[str, tuple[str, Collection[str]]]) -> Iterator[str]:
    for section, (what, names) in known.items():
        for name in run_config.get(section, {}):
            if name not in names:
                listed = ", ".join(sorted(names)[:10]) or "none"
                hint = did_you_mean(name, names, f"There are: {listed}.")
                yield f"{section}.{name}: there is {what} of this name. {hint}"


def _entry(section: str, name: str, value: Any) -> Any:
    """`{"config": ...}` around an instance of a Config class; what is plain data must have it already."""
    if not isinstance(value, Mapping):
        if hasattr(type(value), "model_fields"):
            return {"config": value}
        raise InvalidConfigError(
            [f'{section}.{name}: {type(value).__name__} is no config. Write {{"config": {{...}}}}, or give a Config.']
        )
    allowed = {"config", "inputs", "ops"} if section == "ops" else {"config"}
    if unknown := sorted(map(str, set(value) - allowed)):
        raise InvalidConfigError(
            [f'{section}.{name}.{unknown[0]}: write {{"config": {{{unknown[0]!r}: ...}}}}: fields are below "config".']
        )
    return value
