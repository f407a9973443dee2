"""Asset checks: functions that look at assets after they were made and say whether they are as they should be.

A check of a partitioned asset runs per partition. A failed blocking check of severity ERROR closes the gate of that
partition; what is downstream waits until the check passes.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .check_specs import AssetCheckSpec
from .collecting import report
from .config_schema import checked_schema
from .dependencies import AssetIn, Dependency, argument_of, merged
from .errors import DefinitionError
from .keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from .labels import key_from_user
from .results import AssetCheckSeverity
from .retries import RetryPolicy, checked_policy
from .signature import CONFIG_NAME, Signature
from .source import SourceLine
from .spec import plain_tags

if TYPE_CHECKING:
    from .conditions.base import AutomationCondition
    from .hooks import HookDefinition
    from .partitions.base import PartitionsDefinition


class AssetChecksDefinition:
    """A function and the checks that it evaluates: one of them, or, where `is_multi`, several.

    `loads_asset` is the parameter that takes the value of a lone check's asset, None where the function looks for
    itself; `arguments` are the parameters that take other assets. As with assets, which parameters are resources is
    final in the copies that a `Definitions` hands out.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        specs: Sequence[AssetCheckSpec],
        *,
        op_name: str,
        is_multi: bool = False,
        can_subset: bool = False,
        ins: Mapping[str, Any] | None = None,
        required_resource_keys: Iterable[str] = (),
        resource_defs: Mapping[str, Any] | None = None,
        config_schema: Any = None,
        op_tags: Mapping[str, Any] | None = None,
        pool: str | None = None,
        source: SourceLine,
    ) -> None:
        self.fn = fn
        self.specs: tuple[AssetCheckSpec, ...] = tuple(specs)
        self.op_name = op_name
        self.is_multi = is_multi
        self.can_subset = can_subset
        self.source = source
        self.retry_policy: RetryPolicy | None = None
        self.graph: None = None
        self.hooks: frozenset[HookDefinition] = frozenset()
        self.signature: Signature = Signature.of(fn)
        for problem in self.signature.problems():
            report(DefinitionError(f"{source}: {self}: {problem}"))
        self.required_resource_keys: frozenset[str] = frozenset(required_resource_keys)
        self.resource_defs: dict[str, Any] = dict(resource_defs or {})
        """Resources that it brings along: they stand among those of the Definitions that it is in."""
        self.config_schema: Any = checked_schema(config_schema, owner=str(self), source=source)
        if self.config_schema is not None and self.signature.takes_config:
            report(
                DefinitionError(
                    f"{source}: {self} has both config_schema and a parameter {CONFIG_NAME!r}. Keep one of them."
                )
            )
        self.op_tags: dict[str, Any] = plain_tags(op_tags, owner=str(self), source=source)
        """What is said to whatever runs its step, as plain data."""
        self.pool = pool
        """The pool in which a run that evaluates it takes a place."""
        self.arguments: dict[str, Dependency] = self._arguments(dict(ins or {}))
        names = [p.name for p in self.signature.parameters if p.name not in self.arguments]
        own = () if is_multi else _names_of(self.asset_key)
        self.loads_asset: str | None = next((name for name in names if name in own), None)
        self.resource_args: tuple[str, ...] = tuple(p.name for p in self.signature.parameters if p.is_resource)
        self.__name__: Any | str = getattr(fn, "__name__", op_name)
        self.__doc__ = fn.__doc__
        self.__module__ = getattr(fn, "__module__", __name__)
        self.__wrapped__ = fn

    @property
    def spec(self) -> AssetCheckSpec:
        """The spec of the first, which is the only one unless `is_multi`."""
        return self.specs[0]

    @property
    def check_specs(self) -> Sequence[AssetCheckSpec]:
        return self.specs

    @property
    def check_keys(self) -> set[AssetCheckKey]:
        return {spec.key for spec in self.specs}

    @property
    def check_name(self) -> str:
        return self.spec.name

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def asset_key(self) -> AssetKey:
        return self.spec.asset_key

    @property
    def description(self) -> str | None:
        return self.spec.description

    @property
    def blocking(self) -> bool:
        return self.spec.blocking

    @property
    def takes_context(self) -> bool:
        return self.signature.context_arg is not None

    @property
    def resource_names(self) -> frozenset[str]:
        return self.required_resource_keys | set(self.resource_args)

    @property
    def deps(self) -> tuple[Dependency, ...]:
        """All that it reads or has to come after, beside the assets of its checks; each once."""
        edges = [*self.arguments.values(), *(dep for spec in self.specs for dep in spec.additional_deps)]
        return merged(edges, owner=str(self), source=self.source)

    def bound(
        self,
        arguments: Mapping[str, Dependency],
        resource_args: tuple[str, ...],
        loads_asset: str | None,
        specs: Sequence[AssetCheckSpec],
    ) -> AssetChecksDefinition:
        """A copy of which every parameter is known."""
        made = copy.copy(self)
        made.arguments, made.resource_args, made.loads_asset = dict(arguments), resource_args, loads_asset
        made.specs = tuple(specs)
        return made

    def with_specs(self, specs: Sequence[AssetCheckSpec]) -> AssetChecksDefinition:
        """A copy for these checks, which stand in the places of its own."""
        made = copy.copy(self)
        made.specs = tuple(specs)
        return made

    def invoke(self, context: Any, inputs: Mapping[str, Any], resources: Mapping[str, Any], config: Any = None) -> Any:
        """What the function returns. `inputs` are the loaded values by parameter; what it does not take is not used."""
        arguments = {name: resources[name] for name in self.resource_args}
        if self.loads_asset is not None:
            arguments[self.loads_asset] = inputs[self.loads_asset]
        arguments.update({name: inputs[name] for name in self.arguments})
        if self.signature.takes_config:
            arguments[CONFIG_NAME] = config
        if self.signature.context_arg is not None:
            arguments[self.signature.context_arg] = context
        return self.fn(**arguments)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function itself, as in a test."""
        return self.fn(*args, **kwargs)

    def __str__(self) -> str:
        return f"checks {self.op_name!r}" if self.is_multi else str(self.spec)

    def __repr__(self) -> str:
        return f"<{self} of {self.source}>"

    def _arguments(self, ins: dict[str, Any]) -> dict[str, Dependency]:
        """The edges of the parameters that `ins` names."""
        names = {parameter.name for parameter in self.signature.parameters}
        found: dict[str, Dependency] = {}
        for name, asset_in in ins.items():
            if name not in names and not self.signature.takes_any_keyword:
                report(
                    DefinitionError(
                        f"{self.source}: {self} has an input for {name!r}, which is no parameter of its function. "
                        "Add the parameter, or use additional_deps=[...] for what the function does not take."
                    )
                )
                continue
            edge = argument_of(name, asset_in or AssetIn(), owner=str(self), source=self.source)
            if not self.is_multi and edge.key == self.asset_key:
                report(
                    DefinitionError(
                        f"{self.source}: {self} names its own asset in additional_ins as well. Leave it out there: a "
                        "parameter that is left over takes the value of the asset."
                    )
                )
            found[name] = edge
        return found


def asset_check(
    *,
    asset: CoercibleToAssetKey,
    name: str | None = None,
    description: str | None = None,
    blocking: bool = False,
    severity: AssetCheckSeverity | str = AssetCheckSeverity.ERROR,
    additional_ins: Mapping[str, AssetIn] | None = None,
    additional_deps: Iterable[Any] | None = None,
    required_resource_keys: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    automation_condition: AutomationCondition | None = None,
    partitions_def: PartitionsDefinition | None = None,
    whole_asset: bool = False,
    resource_defs: Mapping[str, Any] | None = None,
    config_schema: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    retry_policy: RetryPolicy | None = None,
    pool: str | None = None,
) -> Callable[[Callable[..., Any]], AssetChecksDefinition]:
    """Make a check of a function that returns an AssetCheckResult, or just True or False.

    >>> @asset_check(asset="orders", blocking=True)
    ... def orders_not_empty(orders):
    ...     return len(orders) > 0
    >>> orders_not_empty([3, 4])
    True

    The parameter that is neither the `context`, nor the `config`, nor a resource, nor in `additional_ins` takes the
    value of the asset. `additional_ins` are further assets to load, by parameter; the check comes after them and after
    `additional_deps`. `severity` is that of a failure where the function returns a bool. Of a partitioned asset a check
    looks at each partition that is made; with `whole_asset` at all of them together. A run that evaluates it takes a
    place in its `pool`.
    """

    def decorate(fn: Callable[..., Any]) -> AssetChecksDefinition:
        source = SourceLine.of(fn)
        check_name = name or getattr(fn, "__name__", "check")
        spec = AssetCheckSpec(
            check_name,
            asset=key_from_user(asset, role=f"the asset of check {check_name!r}", source=source),
            description=description or inspect.getdoc(fn),
            additional_deps=additional_deps,
            blocking=blocking,
            metadata=metadata,
            automation_condition=automation_condition,
            partitions_def=partitions_def,
            severity=severity,
            whole_asset=whole_asset,
            source=source,
        )
        made = AssetChecksDefinition(
            fn,
            [spec],
            op_name=spec.get_python_identifier(),
            ins=additional_ins,
            required_resource_keys=required_resource_keys or (),
            resource_defs=resource_defs,
            config_schema=config_schema,
            op_tags=op_tags,
            pool=pool,
            source=source,
        )
        made.retry_policy = checked_policy(retry_policy, owner=str(made), source=source)
        return made

    return decorate


def checked_specs(
    specs: Iterable[Any], *, owner: str, source: SourceLine, at_least_one: bool = False
) -> list[AssetCheckSpec]:
    """Those of `specs` that are specs of checks; anything else is reported."""
    listed = [specs] if isinstance(specs, AssetCheckSpec) else list(specs)
    for wrong in [spec for spec in listed if not isinstance(spec, AssetCheckSpec)]:
        report(
            DefinitionError(
                f"{source}: {owner} lists {wrong!r}, which is no AssetCheckSpec. "
                "Write for example AssetCheckSpec('no_nulls', asset='orders')."
            )
        )
    if at_least_one and not listed:
        report(DefinitionError(f"{source}: {owner} has no specs. List an AssetCheckSpec for each of its checks."))
    return [spec for spec in listed if isinstance(spec, AssetCheckSpec)]


def _names_of(key: AssetKey) -> tuple[str, ...]:
    """The parameter names that mean the value of `key`, whatever other names there are."""
    return (key.path[-1], key.to_python_identifier(), "_".join(key.path))
