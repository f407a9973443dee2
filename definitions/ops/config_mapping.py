"""Config mappings: what a graph or a job as a whole is told, turned into what each of its ops is told.

    @config_mapping(config_schema={"limit": int})
    def simple(config):
        return {"load": {"config": {"rows": config["limit"]}}, "total": {"config": {"skip": 0}}}

A graph with a mapping is told `{"ops": {"the_graph": {"config": {"limit": 3}}}}`, a job with one `{"limit": 3}`, or
`{"config": {"limit": 3}}` as it stands in the log. The mapping is asked when a step starts, so that what comes from the
environment is known to it alone; the log has what was given.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

from ..collecting import report
from ..config_schema import checked_schema, fit_schema
from ..errors import InvalidConfigError, InvalidDefinitionError
from ..kinds import is_config_class
from ..run_config import MAPPED, SECTIONS, RunConfig, run_config_data
from ..source import SourceLine


class ConfigMapping:
    """A function from the config of a graph, or of a job, to that of its ops.

    `config_fn` takes what fits `config_schema`, or an instance of the Config class that its parameter is annotated
    with, and returns the config of each op by name, or a RunConfig, or a mapping with `ops`.

    >>> mapping = ConfigMapping(lambda config: {"load": {"config": {"rows": config["n"]}}}, config_schema={"n": int})
    >>> mapping.ops_of({"n": 3}, ("ops", "g", "config"))
    {'load': {'config': {'rows': 3}}}
    """

    def __init__(
        self,
        config_fn: Callable[[Any], Any],
        config_schema: Any = None,
        receive_processed_config_values: bool | None = None,
    ) -> None:
        self.source: SourceLine = SourceLine.of(config_fn)
        self.config_fn: Callable[[Any], Any] = config_fn
        own = _annotated(config_fn)
        self.config_schema: Any = checked_schema(
            own if config_schema is None else config_schema, owner=str(self), source=self.source
        )
        self.receive_processed_config_values: bool | None = receive_processed_config_values

    def __call__(self, config: Any) -> Any:
        """Run the function itself, as in a test."""
        return self.config_fn(config)

    def ops_of(self, config: Any, path: Sequence[str]) -> dict[str, Any]:
        """What each op is told, by its name, where the graph is told `config`; `path` is where that stands.

        Raises:
            InvalidConfigError: it does not fit the schema, or the function gave no config of ops.
        """
        where = tuple(path)
        taken = config if self.config_schema is None else fit_schema(self.config_schema, config, where, owner=str(self))
        given = self.config_fn({} if taken is None else taken)
        try:
            data = run_config_data(given if _is_run_config(given) else {"ops": given})
        except InvalidConfigError as error:
            raise InvalidConfigError([f"{self} gave no config of ops: {line}" for line in error.errors]) from None
        if others := sorted(data.keys() - {"ops"}):
            raise InvalidConfigError([f"{self} gave {others[0]!r}. It can tell ops something; leave the rest out."])
        return data.get("ops", {})

    def __str__(self) -> str:
        return f"config mapping {getattr(self.config_fn, '__name__', 'of a graph')!r}"


def config_mapping(
    config_fn: Callable[[Any], Any] | None = None,
    *,
    config_schema: Any = None,
    receive_processed_config_values: bool | None = None,
) -> Any:
    """Make a ConfigMapping of a function, for `@graph(config=...)` or `@job(config=...)`.

    >>> class Sales(Config):
    ...     rows: int
    >>> @config_mapping
    ... def by_rows(config: Sales) -> RunConfig:
    ...     return RunConfig(ops={"total": {"config": {"limit": config.rows}}})
    >>> by_rows.ops_of({"rows": 2}, ("config",))
    {'total': {'config': {'limit': 2}}}
    """

    def decorate(fn: Callable[[Any], Any]) -> ConfigMapping:
        return ConfigMapping(fn, config_schema, receive_processed_config_values)

    return decorate if config_fn is None else decorate(config_fn)


def checked_mapping(config: Any, *, owner: str, source: SourceLine) -> ConfigMapping | None:
    """What the argument `config` of a graph means; a dict tells its ops always the same."""
    if config is None or isinstance(config, ConfigMapping):
        return config
    if isinstance(config, (Mapping, RunConfig)):
        return ConfigMapping(lambda _: config, config_schema={})
    report(
        InvalidDefinitionError(
            f"{source}: {owner} has config={config!r}. Give what @config_mapping made, or a dict of what each of "
            "its ops is told."
        )
    )
    return None


def for_mapping(run_config: Any) -> Any:
    """The run config of a job with a mapping as it is kept: what the mapping takes stands below `config`."""
    if isinstance(run_config, Mapping) and run_config and not set(run_config) & {*SECTIONS, MAPPED}:
        return {MAPPED: dict(run_config)}
    return run_config


def _is_run_config(given: Any) -> bool:
    return isinstance(given, RunConfig) or (isinstance(given, Mapping) and set(given) == {"ops"})


def _annotated(fn: Callable[..., Any]) -> Any:
    """The Config class of the one parameter of a mapping's function, if it is annotated with one."""
    try:
        hints = get_type_hints(fn)
        first = next(iter(inspect.signature(fn).parameters), "")
    except Exception:  # an annotation that exists for type checkers only
        return None
    hint = hints.get(first)
    return hint if is_config_class(hint) else None
