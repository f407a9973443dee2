"""The definition of an asset that headwater makes: its spec, its function, and what the function takes.

A parameter is the name of an upstream asset or of a resource. Which of the two is known only among all definitions, so
an `AssetsDefinition` keeps its parameters open; `Definitions` binds them (see `binding.py`) and hands out bound copies.
Called directly, a definition runs its function, as a test would.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .collecting import report
from .config_schema import checked_schema
from .dependencies import Dependency, argument_of, merged
from .errors import DefinitionError, InvalidInvocationError
from .hooks import NO_HOOKS
from .keys import AssetKey
from .signature import CONFIG_NAME, Signature
from .source import SourceLine
from .spec import AssetSpec, plain_tags

if TYPE_CHECKING:
    from .backfill_policy import BackfillPolicy
    from .check_specs import AssetCheckSpec
    from .conditions.base import AutomationCondition
    from .freshness import FreshnessPolicy
    from .hooks import HookDefinition
    from .ops.graph import GraphDefinition
    from .ops.op import OpDefinition
    from .partitions.base import PartitionsDefinition
    from .retries import RetryPolicy

NO_KEYS: frozenset[str] = frozenset()  # most assets require no resource: one object for all of them


class AssetsDefinition:
    """An asset and the function that makes it.

    `deps` are the edges to upstream assets and `resource_args` the parameters that take resources; both are final only
    in the copies that a `Definitions` hands out, where `is_bound` is true.
    """

    can_subset = False
    """Where its step makes other assets too: whether it can be made without them."""
    implicit = False
    """Whether it counts as made although the function has not said a word about it."""
    output_name = "result"
    is_required = True
    """Whether the function must make it: what one that need not be made is read by is skipped then."""

    def __init__(
        self,
        fn: Callable[..., Any],
        spec: AssetSpec,
        *,
        ins: Mapping[str, Any] | None = None,
        required_resource_keys: Iterable[str] = (),
        resource_defs: Mapping[str, Any] | None = None,
        config_schema: Any = None,
        op_tags: Mapping[str, Any] | None = None,
        pool: str | None = None,
        backfill_policy: BackfillPolicy | None = None,
        check_specs: Iterable[Any] = (),
        observes: bool = False,
    ) -> None:
        """`check_specs` are of the checks that the function evaluates itself. One that `observes` makes nothing: it
        looks at what something else makes."""
        self.fn = fn
        self.spec = spec
        owner, source = str(self), self.source
        self.signature: Signature = _checked_signature(fn, owner, source=source)
        self.required_resource_keys: frozenset[str] = (
            frozenset(required_resource_keys) if required_resource_keys else NO_KEYS
        )
        self.resource_defs: dict[str, Any] = dict(resource_defs or {})
        """Resources that it brings along: they stand among those of the Definitions that it is in."""
        self.config_schema: Any = checked_schema(config_schema, owner=owner, source=source)
        self.op_tags: dict[str, Any] = plain_tags(op_tags, owner=owner, source=source)
        """What is said to whatever runs its step, as plain data."""
        self.pool = pool
        """The pool in which a run that makes it takes a place."""
        self.backfill_policy: BackfillPolicy | None = _checked_policy(backfill_policy, owner, source=source)
        self._check_config()
        self.resource_args: tuple[str, ...] = tuple(p.name for p in self.signature.parameters if p.is_resource)
        self.arguments: dict[str, Dependency] = self._arguments(dict(ins or {}))
        self.deps: tuple[Dependency, ...] = (
            self.merged_deps(spec.deps, self.arguments.values()) if self.arguments else spec.deps
        )
        self.is_observable = observes
        self.check_specs: tuple[AssetCheckSpec, ...] = self._checked_specs(check_specs)
        self.is_bound = False
        self.retry_policy: RetryPolicy | None = None
        self.hooks: frozenset[HookDefinition] = NO_HOOKS
        self.graph: GraphDefinition | None = None
        """The ops that make it, where it is no single function."""
        self.__name__: Any | str = getattr(fn, "__name__", spec.key.path[-1])
        self.__doc__ = fn.__doc__
        self.__module__ = getattr(fn, "__module__", __name__)
        self.__wrapped__ = fn

    @staticmethod
    def from_graph(graph_def: GraphDefinition, **described: Any) -> AssetsDefinition:
        """The asset that a graph makes, or the assets, one of each of its outputs; its inputs are upstream assets.

        `keys_by_input_name` and `keys_by_output_name` say which assets these are where they have other names,
        `key_prefix` goes before the assets' own. Of one asset everything else is as in AssetSpec; of several it is as
        in `graph_multi_asset`, and `metadata_by_output_name`, `tags_by_output_name`, `descriptions_by_output_name` and
        the like say it of each.

        >>> @graph(out={"low": GraphOut(), "high": GraphOut()})
        ... def ends(orders):
        ...     return {"low": smallest(orders), "high": largest(orders)}
        >>> made = AssetsDefinition.from_graph(ends, group_name="shop")
        >>> materialize([orders, made]).output_for_node("ends", "high")
        4
        """
        from .ops.graph_asset import assets_from_graph

        return assets_from_graph(graph_def, **described)

    @staticmethod
    def from_op(op_def: OpDefinition, **described: Any) -> AssetsDefinition:
        """The asset that an op makes, or the assets; as `from_graph`."""
        from .ops.graph_asset import from_op

        return from_op(op_def, **described)

    @property
    def key(self) -> AssetKey:
        return self.spec.key

    @property
    def keys(self) -> frozenset[AssetKey]:
        return frozenset(spec.key for spec in self.specs)

    @property
    def specs(self) -> list[AssetSpec]:
        return [self.spec]

    @property
    def specs_by_key(self) -> dict[AssetKey, AssetSpec]:
        return {spec.key: spec for spec in self.specs}

    @property
    def members(self) -> list[AssetsDefinition]:
        """The assets as nodes of the graph: itself, where it is one."""
        return [self]

    @property
    def keys_by_output_name(self) -> dict[str, AssetKey]:
        return {self.output_name: self.key}

    @property
    def asset_deps(self) -> dict[AssetKey, set[AssetKey]]:
        """What each of the assets reads."""
        return {one.key: {dep.key for dep in one.deps} for one in self.members}

    @property
    def dependency_keys(self) -> set[AssetKey]:
        """What the assets read that is not among them."""
        return {key for keys in self.asset_deps.values() for key in keys} - self.keys

    @property
    def step(self) -> str:
        """The name of the step that it shares with other assets; "" where it has one of its own."""
        return ""

    def get_asset_spec(self, key: Any = None) -> AssetSpec:
        """The spec of one of its assets; it may be left out where there is only one.

        Raises:
            InvalidInvocationError: there is none, or there are several and none was named.
        """
        wanted = self.key if key is None else AssetKey.of(key)
        if wanted not in self.specs_by_key:
            raise InvalidInvocationError(f"{self} does not make the asset {str(wanted)!r}.")
        return self.specs_by_key[wanted]

    def to_source_asset(self, key: Any = None) -> AssetSpec:
        """What stands for one of its assets in definitions that do not make it: an external asset."""
        return self.get_asset_spec(key).as_external()

    def to_source_assets(self) -> list[AssetSpec]:
        return [spec.as_external() for spec in self.specs]

    @property
    def source(self) -> SourceLine:
        return self.spec.source

    @property
    def description(self) -> str | None:
        return self.spec.description

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self.spec.metadata

    @property
    def group_name(self) -> str:
        return self.spec.group

    @property
    def tags(self) -> Mapping[str, str]:
        return self.spec.tags

    @property
    def code_version(self) -> str | None:
        return self.spec.code_version

    @property
    def automation_condition(self) -> AutomationCondition | None:
        return self.spec.automation_condition

    @property
    def partitions_def(self) -> PartitionsDefinition | None:
        return self.spec.partitions_def

    @property
    def freshness_policy(self) -> FreshnessPolicy | None:
        return self.spec.freshness_policy

    @property
    def io_manager_key(self) -> str:
        return self.spec.io_manager_key

    @property
    def io_manager_keys(self) -> frozenset[str]:
        """The IO managers that store its value and load its arguments, as far as they are named."""
        named = (dep.input_manager_key for dep in self.arguments.values())
        return frozenset([self.io_manager_key, *filter(None, named)])

    @property
    def is_external(self) -> bool:
        """Something else makes it: true of what the function only observes."""
        return self.is_observable

    @property
    def takes_context(self) -> bool:
        return self.signature.context_arg is not None

    @property
    def returns_nothing(self) -> bool:
        """Annotated with None or MaterializeResult: what it returns is not handed to the IO manager."""
        return self.signature.returns_nothing

    @property
    def resource_names(self) -> frozenset[str]:
        """The resources that must be there when the function runs, those of `context.resources` included."""
        return self.required_resource_keys | set(self.resource_args)

    @property
    def op_pools(self) -> tuple[str, ...]:
        """The pools of the ops that make it, where it is made by a graph."""
        return self.graph.pools if self.graph is not None else ()

    @property
    def op_name(self) -> str:
        """The name under which its config stands in the run config."""
        return self.key.to_python_identifier()

    def invoke(self, context: Any, inputs: Mapping[str, Any], resources: Mapping[str, Any]) -> Any:
        """What the function returns: a value, a result, a generator or a coroutine.

        `inputs` are the loaded values by parameter and the `config`; `resources` may hold more than the function takes.
        """
        arguments = {**inputs, **{name: resources[name] for name in self.resource_args}}
        if self.signature.context_arg is not None:
            arguments[self.signature.context_arg] = context
        return self.fn(**arguments)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function itself, as in a test; resources that are not passed come from the context's."""
        from .context import AssetExecutionContext
        from .run_config import fit_config

        context_arg = self.signature.context_arg
        context = kwargs.get(context_arg) if context_arg else None
        if context is None and args and isinstance(args[0], AssetExecutionContext):
            context = args[0]
        if context_arg and not isinstance(context, AssetExecutionContext):
            raise InvalidInvocationError(
                f"{self} takes a context: call it as {self.__name__}(build_asset_context(), ...)."
            )
        if context is not None:
            context.bind(self)
            given = inspect.signature(self.fn).bind_partial(*args, **kwargs).arguments
            if self.signature.takes_config and CONFIG_NAME not in given:
                kwargs[CONFIG_NAME] = fit_config(self.signature.config_type, context.op_config, self.op_name, str(self))
            for name in self.resource_args:
                if name not in given and name in context.resources:
                    kwargs[name] = context.resources[name]
        try:
            inspect.signature(self.fn).bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidInvocationError(f"{self}: {error}. Pass the values of its upstream assets yourself.") from None
        return self.fn(*args, **kwargs)

    def map_asset_specs(self, func: Callable[[AssetSpec], AssetSpec]) -> AssetsDefinition:
        """A copy that is described by what `func` makes of its spec."""
        return self.with_spec(func(self.spec))

    def with_keys(self, renamed: Mapping[AssetKey, AssetKey]) -> AssetsDefinition:
        """A copy in which every key that is in `renamed`, its own and those of its dependencies, is another one."""
        made = copy.copy(self)
        made.arguments = {name: dep.with_keys(renamed) for name, dep in self.arguments.items()}
        made.check_specs = tuple(spec.with_keys(renamed) for spec in self.check_specs)
        return made.with_spec(self.spec.with_keys(renamed))

    def with_resource_defs(self, resource_defs: Mapping[str, Any]) -> AssetsDefinition:
        """A copy that brings these resources along, unless it has others under their names."""
        made = copy.copy(self)
        made.resource_defs = {**resource_defs, **self.resource_defs}
        return made

    def without_resource_defs(self, names: Iterable[str]) -> AssetsDefinition:
        """A copy that does not bring the resources of these names along."""
        made = copy.copy(self)
        made.resource_defs = {name: value for name, value in self.resource_defs.items() if name not in set(names)}
        return made

    def with_hooks(self, hook_defs: Iterable[HookDefinition]) -> AssetsDefinition:
        """A copy with more hooks."""
        made = copy.copy(self)
        made.hooks = self.hooks | frozenset(hook_defs)
        return made

    def with_backfill_policy(self, policy: BackfillPolicy) -> AssetsDefinition:
        """A copy that has this policy, unless it has one of its own."""
        made = copy.copy(self)
        made.backfill_policy = self.backfill_policy or _checked_policy(policy, str(self), source=self.source)
        return made

    def with_spec(self, spec: AssetSpec) -> AssetsDefinition:
        """A copy that is described by `spec`."""
        made = copy.copy(self)
        made.spec = spec
        made.deps = made.merged_deps(spec.deps, made.arguments.values())
        return made

    def bound(self, deps: tuple[Dependency, ...], resource_args: tuple[str, ...]) -> AssetsDefinition:
        """A copy of which every parameter is known to be an upstream asset or a resource."""
        made = object.__new__(type(self))  # thousands of these: copy.copy takes four times as long
        made.__dict__ = vars(self).copy()  # which shares the names of attributes with all others, as update() would not
        made.deps, made.resource_args, made.is_bound = deps, resource_args, True
        return made

    def merged_deps(self, deps: Iterable[Dependency], arguments: Iterable[Dependency]) -> tuple[Dependency, ...]:
        return merged([*deps, *arguments], owner=str(self), source=self.source)

    def __str__(self) -> str:
        return f"asset {str(self.key)!r}"

    def __repr__(self) -> str:
        return f"<{self} of {self.source}>"

    def _check_config(self) -> None:
        if self.config_schema is not None and self.signature.takes_config:
            report(
                DefinitionError(
                    f"{self.source}: {self} has both config_schema and a parameter {CONFIG_NAME!r}. Keep one of them."
                )
            )

    def _checked_specs(self, specs: Iterable[Any]) -> tuple[AssetCheckSpec, ...]:
        """The inline checks, each of an asset that the function makes."""
        if not specs:
            return ()
        from .checks import checked_specs

        listed = checked_specs(specs, owner=str(self), source=self.source)
        for spec in listed:
            if spec.asset_key not in self.keys:
                report(
                    DefinitionError(
                        f"{self.source}: {self} lists the spec of {spec}, which it does not make. "
                        f"Write asset={str(min(self.keys))!r}, or write the check as a function with @asset_check."
                    )
                )
        return tuple(spec for spec in listed if spec.asset_key in self.keys)

    def _arguments(self, ins: dict[str, Any]) -> dict[str, Dependency]:
        """The edge of each parameter that is not a resource for certain; `ins` says more about some."""
        names = [parameter.name for parameter in self.signature.parameters if not parameter.is_resource]
        if unknown := [name for name in ins if name not in names]:
            if self.signature.takes_any_keyword:
                names.extend(unknown)
            else:
                report(
                    DefinitionError(
                        f"{self.source}: {self} has ins for {unknown[0]!r}, which is no parameter of its function. "
                        f"Add the parameter, or use deps=[...] for what the function does not take."
                    )
                )
        return {name: argument_of(name, ins.get(name), owner=str(self), source=self.source) for name in names}


def _checked_signature(fn: Callable[..., Any], owner: str, *, source: SourceLine) -> Signature:
    signature = Signature.of(fn)
    for problem in signature.problems():
        report(DefinitionError(f"{source}: {owner}: {problem}"))
    return signature


def _checked_policy(policy: Any, owner: str, *, source: SourceLine) -> BackfillPolicy | None:
    if policy is None:
        return None
    from .backfill_policy import BackfillPolicy

    if isinstance(policy, BackfillPolicy):
        return policy
    report(
        DefinitionError(
            f"{source}: {owner} has the backfill_policy {policy!r}, which is none. Write BackfillPolicy.single_run() "
            "or BackfillPolicy.multi_run(max_partitions_per_run=10)."
        )
    )
    return None
