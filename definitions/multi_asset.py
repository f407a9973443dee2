"""The `@multi_asset` decorator: several assets out of one function, as its outputs (`outs`) or by their `specs`."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .asset_out import AssetOut
from .collecting import report
from .dependencies import AssetIn, Dependency, dependencies_of
from .errors import InvalidDefinitionError
from .hooks import HookDefinition, checked_hooks
from .labels import checked_name
from .multi_assets import MultiAssetsDefinition, Produced
from .retries import RetryPolicy, checked_policy
from .source import SourceLine
from .spec import AssetSpec

if TYPE_CHECKING:
    from .backfill_policy import BackfillPolicy
    from .check_specs import AssetCheckSpec
    from .partitions.base import PartitionsDefinition


def multi_asset(
    *,
    outs: Mapping[str, AssetOut] | None = None,
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    internal_asset_deps: Mapping[str, Iterable[Any]] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    hooks: Iterable[HookDefinition] | None = None,
    backfill_policy: BackfillPolicy | None = None,
    op_tags: Mapping[str, Any] | None = None,
    can_subset: bool = False,
    resource_defs: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    specs: Sequence[AssetSpec] | None = None,
    check_specs: Iterable[AssetCheckSpec] | None = None,
    pool: str | None = None,
) -> Callable[[Callable[..., Any]], MultiAssetsDefinition]:
    """Make several assets of one function, in one step.

    >>> @multi_asset(outs={"orders": AssetOut(), "customers": AssetOut()})
    ... def shop():
    ...     return [3, 4], ["Ada"]
    >>> @multi_asset(specs=[AssetSpec("clean"), AssetSpec("report", deps=["clean"])])
    ... def tables():
    ...     yield MaterializeResult(asset_key="clean", metadata={"rows": 2})

    With `outs` the function returns their values as a tuple in this order, or yields `Output(value, output_name=...)`.
    With `specs` it stores what it makes itself and yields `MaterializeResult(asset_key=...)` where there is something
    to be said; those of which it says nothing count as made when it ends, unless they are `skippable`.

    All outs read all that the function takes and all `deps`, unless `internal_asset_deps` says which assets an out
    reads, other outs among them. If it `can_subset`, a run may make some of them: `context.selected_asset_keys`.
    """

    def decorate(fn: Callable[..., Any]) -> MultiAssetsDefinition:
        source = SourceLine.of(fn)
        own = checked_name(name or getattr(fn, "__name__", "assets"), role="the name of a multi-asset", source=source)
        owner = f"multi-asset {own!r}"
        if (outs is None) == (specs is None):
            both = "both outs and specs" if outs is not None else "neither outs nor specs"
            raise InvalidDefinitionError(f"{source}: {owner} has {both}. Say by one of them what it makes.")
        defaults: dict[str, Any] = {
            "group_name": group_name,
            "code_version": None if code_version is None else str(code_version),
            "partitions_def": partitions_def,
        }
        edges = dependencies_of(deps, owner=owner, source=source)
        if outs is not None:
            produced = outs_produced(outs, edges, internal_asset_deps or {}, owner, source, defaults)
        else:
            _check_not_with_specs(owner, source, deps=deps, internal_asset_deps=internal_asset_deps)
            produced = [spec_produced(spec, owner, source, defaults) for spec in specs or ()]
        if not produced:
            raise InvalidDefinitionError(f"{source}: {owner} makes no asset. List in outs or specs what it makes.")
        made = MultiAssetsDefinition(
            fn,
            produced,
            name=own,
            source=source,
            can_subset=can_subset,
            implicit=specs is not None,
            description=description or inspect.getdoc(fn),
            ins=ins,
            required_resource_keys=required_resource_keys or (),
            resource_defs=resource_defs,
            config_schema=config_schema,
            op_tags=op_tags,
            pool=pool,
            check_specs=check_specs or (),
            backfill_policy=one_policy(
                owner, source, [backfill_policy, *(o.backfill_policy for o in (outs or {}).values())]
            ),
        )
        made.retry_policy = checked_policy(retry_policy, owner=str(made), source=source)
        made.hooks = checked_hooks(hooks, owner=str(made), source=source)
        check_members(made, edges)
        return made

    return decorate


def one_policy(owner: str, source: SourceLine, given: Iterable[BackfillPolicy | None]) -> BackfillPolicy | None:
    """The one policy of all that is made in one step."""
    policies = list(dict.fromkeys(policy for policy in given if policy is not None))
    if len(policies) > 1:
        report(
            InvalidDefinitionError(
                f"{source}: {owner} and its outs have different backfill policies, but all is made in one step. Give "
                "one to the decorator."
            )
        )
    return policies[0] if policies else None


def _check_not_with_specs(owner: str, source: SourceLine, **given: Any) -> None:
    for argument, value in given.items():
        if value is not None:
            report(
                InvalidDefinitionError(
                    f"{source}: {owner} has both specs and {argument}. Write the dependencies into the specs: "
                    "AssetSpec(..., deps=[...])."
                )
            )


def spec_produced(spec: Any, owner: str, source: SourceLine, defaults: Mapping[str, Any]) -> Produced:
    """What a spec is as one of the assets of a function; `defaults` hold where it says nothing itself."""
    if not isinstance(spec, AssetSpec):
        raise InvalidDefinitionError(f"{source}: {spec!r} among the specs of {owner} is no AssetSpec.")
    missing = {name: value for name, value in defaults.items() if value is not None and getattr(spec, name) is None}
    if missing:
        spec = spec.replace_attributes(**missing)
    return Produced(spec, spec.key.to_python_identifier(), is_required=not spec.skippable)


def outs_produced(
    outs: Mapping[str, AssetOut],
    deps: Sequence[Dependency],
    internal: Mapping[str, Iterable[Any]],
    owner: str,
    source: SourceLine,
    defaults: Mapping[str, Any],
) -> list[Produced]:
    """What the outs of a function, or of a graph, are as assets; `internal` says what each out reads."""
    for unknown in [output_name for output_name in internal if output_name not in outs]:
        report(
            InvalidDefinitionError(
                f"{source}: internal_asset_deps of {owner} names the out {unknown!r}, which it does not have. "
                f"Its outs: {', '.join(outs)}."
            )
        )
    given = {dep.key: dep for dep in deps}
    produced = []
    for output_name, out in outs.items():
        if not isinstance(out, AssetOut):
            raise InvalidDefinitionError(f"{source}: the out {output_name!r} of {owner} is {out!r}. Write AssetOut().")
        key = out.key_of(output_name, owner=owner, source=source)
        listed = dependencies_of(internal.get(output_name), owner=f"asset {str(key)!r}", source=source)
        edges = [given.get(dep.key, dep) for dep in listed] if output_name in internal else deps
        spec = out.to_spec(key, deps=edges, source=source, **defaults)
        produced.append(Produced(spec, output_name, out.is_required, lists_all=output_name in internal))
    return produced


def check_members(made: MultiAssetsDefinition, deps: Sequence[Dependency]) -> None:
    """What can be wrong between the assets of one function."""
    for key, count in Counter(spec.key for spec in made.specs).items():
        if count > 1:
            report(InvalidDefinitionError(f"{made.source}: {made} makes the asset {str(key)!r} {count} times."))
    kinds = {str(spec.partitions_def and spec.partitions_def.to_json()) for spec in made.specs}
    if len(kinds) > 1 and not made.can_subset:
        report(
            InvalidDefinitionError(
                f"{made.source}: the assets of {made} have different partitions, so that no run can make all of them. "
                "Give them the same partitions_def, or let it make some of them: can_subset=True."
            )
        )
    readable = {*made.keys, *(dep.key for dep in deps), *(edge.key for edge in made.arguments.values())}
    for one in made.produced:
        unknown = [dep.key for dep in one.spec.deps if dep.key not in readable] if one.lists_all else []
        if unknown:
            report(
                InvalidDefinitionError(
                    f"{made.source}: by its internal_asset_deps the out {one.output_name!r} of {made} reads "
                    f"{str(unknown[0])!r}, which is none of its outs and none of its inputs. Add it to deps."
                )
            )
