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
from .dependencies import Dependency, argument_of, merged
from .errors import DefinitionError, InvalidInvocationError
from .keys import AssetKey
from .signature import CONFIG_NAME, Signature
from .source import SourceLine
from .spec import AssetSpec

if TYPE_CHECKING:
    from .backfill_policy import BackfillPolicy
    from .conditions.base import AutomationCondition
    from .partitions.base import PartitionsDefinition


class AssetsDefinition:
    """An asset and the function that makes it.

    `deps` are the edges to upstream assets and `resource_args` the parameters that take resources; both are final only
    in the copies that a `Definitions` hands out, where `is_bound` is true.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        spec: AssetSpec,
        *,
        ins: Mapping[str, Any] | None = None,
        required_resource_keys: Iterable[str] = (),
        backfill_policy: BackfillPolicy | None = None,
    ) -> None:
        self.fn = fn
        self.spec = spec
        self.signature = _checked_signature(fn, str(self), source=spec.source)
        self.required_resource_keys = frozenset(required_resource_keys)
        self.backfill_policy = _checked_policy(backfill_policy, str(self), source=spec.source)
        self.resource_args = tuple(p.name for p in self.signature.parameters if p.is_resource)
        self.arguments = self._arguments(dict(ins or {}))
        self.deps: tuple[Dependency, ...] = self.merged_deps(spec.deps, self.arguments.values())
        self.is_bound = False
        self.__name__ = getattr(fn, "__name__", spec.key.path[-1])
        self.__doc__ = fn.__doc__
        self.__module__ = getattr(fn, "__module__", __name__)
        self.__wrapped__ = fn

    @property
    def key(self) -> AssetKey:
        return self.spec.key

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
    def io_manager_key(self) -> str:
        return self.spec.io_manager_key

    @property
    def is_external(self) -> bool:
        return False

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

    def with_spec(self, spec: AssetSpec) -> AssetsDefinition:
        """A copy that is described by `spec`."""
        made = copy.copy(self)
        made.spec = spec
        made.deps = made.merged_deps(spec.deps, self.arguments.values())
        return made

    def bound(self, deps: tuple[Dependency, ...], resource_args: tuple[str, ...]) -> AssetsDefinition:
        """A copy of which every parameter is known to be an upstream asset or a resource."""
        made = copy.copy(self)
        made.deps, made.resource_args, made.is_bound = deps, resource_args, True
        return made

    def merged_deps(self, deps: Iterable[Dependency], arguments: Iterable[Dependency]) -> tuple[Dependency, ...]:
        return merged([*deps, *arguments], owner=str(self), source=self.source)

    def __str__(self) -> str:
        return f"asset {str(self.key)!r}"

    def __repr__(self) -> str:
        return f"<{self} of {self.source}>"

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
    from .backfill_policy import BackfillPolicy

    if policy is None or isinstance(policy, BackfillPolicy):
        return policy
    report(
        DefinitionError(
            f"{source}: {owner} has the backfill_policy {policy!r}, which is none. Write BackfillPolicy.single_run() "
            "or BackfillPolicy.multi_run(max_partitions_per_run=10)."
        )
    )
    return None
