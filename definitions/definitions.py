"""Definitions: all assets, checks, jobs and resources of a project, bound to each other.

Making a `Definitions` is cheap and checks little; what needs the whole picture (names, cycles, partitions) is looked at
once, when somebody first asks. `validate()` raises everything that is wrong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from operator import is_not
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .assets_definition import AssetsDefinition
from .binding import AssetNode, Names
from .caller import caller
from .check_specs import AssetCheckSpec, CheckNode
from .checks import AssetChecksDefinition
from .collecting import collecting, report
from .dependencies import Dependency
from .errors import (
    DefinitionError,
    DefinitionErrors,
    DuplicateAsset,
    InvalidAssetSelection,
    InvalidDefinitionError,
    InvalidInvocationError,
    did_you_mean,
)
from .executors import checked_executor
from .graph import AssetGraph
from .keys import AssetCheckKey, AssetKey
from .partitions.multi_mappings import default_mapping
from .source import SourceLine
from .spec import DEFAULT_IO_MANAGER, AssetSpec, SourceAsset
from .values import Accessors

if TYPE_CHECKING:
    from .asset_jobs import JobContents
    from .automation_binding import BoundAutomation
    from .conditions.base import AutomationCondition
    from .conditions.first import OnFirst
    from .executors import ExecutorDefinition
    from .jobs import JobDefinition
    from .schedules import ScheduleDefinition
    from .sensors import SensorDefinition
    from .snapshot import DefinitionsSnapshot


class _Bound(NamedTuple):
    graph: AssetGraph
    checks: list[CheckNode]
    conditions: dict[AssetKey | AssetCheckKey, AutomationCondition]
    python_conditions: dict[str, AutomationCondition]
    jobs: dict[str, JobDefinition]
    contents: dict[str, JobContents]
    automation: BoundAutomation | None
    errors: list[DefinitionError]


class Definitions(Accessors):
    """Everything a module defines. One at the top level of the module is what headwater loads.

    >>> defs = Definitions(assets=[orders, revenue], asset_checks=[orders_not_empty], resources={"db": Database()})
    """

    def __init__(
        self,
        assets: Iterable[AssetsDefinition | AssetSpec | AssetChecksDefinition] | None = None,
        asset_checks: Iterable[AssetChecksDefinition] | None = None,
        resources: Mapping[str, Any] | None = None,
        *,
        jobs: Iterable[Any] | None = None,
        schedules: Iterable[Any] | None = None,
        sensors: Iterable[Any] | None = None,
        executor: Any = None,
        loggers: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        on_first: OnFirst | None = None,
    ) -> None:
        """`on_first` is for all automation conditions that say nothing of their first evaluation themselves: see
        `AutomationCondition.on_first`."""
        self.source: SourceLine = caller()
        listed = _by_kind([*(assets or ()), *(asset_checks or ())], source=self.source)
        self._assets, self._checks = listed
        self.resources: dict[str, Any] = {**dict(resources or {}), **self._brought_along(resources or {})}
        self.metadata: dict[str, Any] = dict(metadata or {})
        self._default_io_managers: dict[Path, Any] = {}
        self._jobs = _jobs_of(jobs or (), source=self.source)
        self._schedules, self._sensors = _automation_of(schedules, sensors, source=self.source)
        self.executor: ExecutorDefinition | None = checked_executor(executor, owner="Definitions", source=self.source)
        self.loggers: dict[str, Any] = dict(loggers or {})
        self.on_first: OnFirst | None = _checked_on_first(on_first, source=self.source)

    def _brought_along(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The resources that assets and checks bring with them, each of which must be the only one of its name."""
        brought: dict[str, Any] = {}
        for asset in [*self._assets, *self._checks]:
            for name, value in asset.resource_defs.items() if not isinstance(asset, AssetSpec) else ():
                if not _same(brought.setdefault(name, value), value) or not _same(own.get(name, value), value):
                    report(
                        DefinitionError(
                            f"{asset.source}: {asset} brings a resource {name!r} that is not the one which others know "
                            "by this name. Rename one of them, or define it once."
                        )
                    )
        return brought

    @property
    def is_empty(self) -> bool:
        """Whether nothing is defined but resources."""
        listed = (self._assets, self._checks, self._jobs, self._schedules, self._sensors)
        return not any(listed)

    @classmethod
    def merge(cls, *definitions: Definitions) -> Definitions:
        """All of them as one. What two of them name must be the same, or equal: a resource, a logger, an executor,
        `on_first`."""
        resources = _merged("resource", [(one.source, one.resources) for one in definitions])
        loggers = _merged("logger", [(one.source, one.loggers) for one in definitions])
        on_first = [(one.source, {"on_first": one.on_first}) for one in definitions if one.on_first is not None]
        executors = [(one.source, {"executor": one.executor}) for one in definitions if one.executor is not None]
        return cls(
            assets=[asset for one in definitions for asset in one._assets],
            asset_checks=[check for one in definitions for check in one._checks],
            resources=resources,
            jobs=[job for one in definitions for job in one._jobs],
            schedules=[schedule for one in definitions for schedule in one._schedules],
            sensors=[sensor for one in definitions for sensor in one._sensors],
            executor=_merged("setting", executors).get("executor"),
            loggers=loggers,
            metadata={name: value for one in definitions for name, value in one.metadata.items()},
            on_first=_merged("setting", on_first).get("on_first"),
        )

    @property
    def graph(self) -> AssetGraph:
        """The assets, bound to each other; upstream assets that nobody defines stand in it as external ones."""
        return self._bound.graph

    @property
    def assets(self) -> list[AssetNode]:
        """All assets in topological order, external ones included."""
        return [self.graph.nodes[key] for key in self.graph.order]

    @property
    def asset_checks(self) -> list[CheckNode]:
        """All checks, those that the functions of assets evaluate included."""
        return self._bound.checks

    def get(self, key: Any) -> AssetNode:
        """The asset of this key (an AssetKey, a string such as "sales/orders", or an asset).

        Raises:
            InvalidInvocationError: there is none.
        """
        wanted = AssetKey.from_user_string(key) if isinstance(key, str) else AssetKey.of(key)
        node = self.graph.nodes.get(wanted)
        if node is None:
            hint = did_you_mean(str(wanted), map(str, self.graph.nodes), "Is it among the assets of the Definitions?")
            raise InvalidInvocationError(f"there is no asset {str(wanted)!r}. {hint}")
        return node

    def checks_of(self, key: Any) -> list[CheckNode]:
        """The checks of one asset, in the order in which they were listed."""
        wanted = self.get(key).key
        return self._checks_by_asset.get(wanted, [])

    def check(self, key: Any, name: str) -> CheckNode:
        """The check of this name.

        Raises:
            InvalidInvocationError: the asset has none of this name.
        """
        checks = {check.check_name: check for check in self.checks_of(key)}
        if name not in checks:
            hint = did_you_mean(name, checks, "Is it among the asset_checks of the Definitions?")
            raise InvalidInvocationError(f"asset {str(key)!r} has no check {name!r}. {hint}")
        return checks[name]

    @property
    def jobs(self) -> dict[str, JobDefinition]:
        """All jobs by name."""
        return self._bound.jobs

    def job(self, name: str) -> JobDefinition:
        """The job of this name, which can be run here: `defs.job("nightly").execute_in_process()`.

        Raises:
            InvalidInvocationError: there is none.
        """
        if name not in self.jobs:
            hint = did_you_mean(name, self.jobs, "Is it among the jobs of the Definitions?")
            raise InvalidInvocationError(f"there is no job {name!r}. {hint}")
        return self.jobs[name].within(self)

    def get_job_def(self, name: str) -> JobDefinition:
        """The same as `job`, as users of the field call it."""
        return self.job(name)

    def resolve_job_def(self, name: str) -> JobDefinition:
        """The same as `job`, as users of the field call it."""
        return self.job(name)

    @property
    def schedules(self) -> dict[str, ScheduleDefinition]:
        """All schedules by name."""
        return {one.name: one for one in self._schedules}

    @property
    def sensors(self) -> dict[str, SensorDefinition]:
        """All sensors by name."""
        return {one.name: one for one in self._sensors}

    @property
    def automation(self) -> BoundAutomation | None:
        """Schedules and sensors as data; None where there are none."""
        return self._bound.automation

    def contents_of(self, name: str) -> JobContents:
        """The assets and checks of the job of this name; nothing for a job of ops."""
        from .asset_jobs import JobContents

        return self._bound.contents.get(name) or JobContents(partitions=self.job(name).partitions_def)

    def condition_of(self, key: AssetKey | AssetCheckKey) -> AutomationCondition | None:
        """The automation condition of an asset or a check as data: with the keys that its selections mean in place of
        these, and with the names of user's classes in place of their objects."""
        return self._bound.conditions.get(key)

    @property
    def python_conditions(self) -> dict[str, AutomationCondition]:
        """The conditions that users wrote as classes of their own, by the id of their node in `condition_of`."""
        return self._bound.python_conditions

    def io_manager(self, name: str, *, home: Path) -> Any:
        """The IO manager of this name; by default one that stores files in `home`/storage."""
        if name in self.resources:
            return self.resources[name]
        if name != DEFAULT_IO_MANAGER:
            raise InvalidInvocationError(f"there is no IO manager {name!r} among the resources of the Definitions")
        if home not in self._default_io_managers:
            from .filesystem_io import FilesystemIOManager

            self._default_io_managers[home] = FilesystemIOManager(home / "storage")
        return self._default_io_managers[home]

    def errors(self) -> list[DefinitionError]:
        """Everything that is wrong, in a stable order."""
        return list(self._bound.errors)

    def validate(self) -> None:
        """Check that everything fits together.

        Raises:
            DefinitionErrors: it does not; all errors are in it.
        """
        if errors := self.errors():
            raise DefinitionErrors(errors)

    @staticmethod
    def validate_loadable(definitions: Definitions) -> None:
        definitions.validate()

    def snapshot(self) -> DefinitionsSnapshot:
        """The definitions as pure data."""
        from .snapshot import DefinitionsSnapshot

        return DefinitionsSnapshot.of(self)

    @cached_property
    def _bound(self) -> _Bound:
        with collecting() as errors:
            defined = _unique(self._assets)
            names = Names(defined, self.resources)
            names.check_resources(source=self.source)
            bound = {key: names.bound(node) for key, node in defined.items()}
            checks = [names.bound_check(check) for check in self._checks]
            inline = [names.bound_spec(spec) for spec in _inline_specs(self._assets)]
            graph = AssetGraph(_with_mappings(_with_externals(bound, checks, inline)))
            if self._sensors:
                from .automation_sensors import with_default_conditions

                graph = with_default_conditions(graph, self._sensors)
            nodes = [CheckNode(spec, check) for check in _with_mapped_inputs(checks, graph) for spec in check.specs]
            nodes += [CheckNode(spec) for spec in inline]
            conditions, python_conditions = _conditions(graph, nodes, self.on_first)
            jobs = _unique_named("job", [*self._jobs, *_targeted([*self._schedules, *self._sensors])])
        invalid = graph.validate(nodes)
        with collecting() as job_errors:
            contents = _contents(jobs, graph, nodes) if jobs and not invalid else {}
            automation = None if invalid else self._automation(graph, nodes, jobs, contents)
        return _Bound(
            graph, nodes, conditions, python_conditions, jobs, contents, automation, errors + invalid + job_errors
        )

    def _automation(
        self,
        graph: AssetGraph,
        checks: list[CheckNode],
        jobs: dict[str, JobDefinition],
        contents: dict[str, JobContents],
    ) -> BoundAutomation | None:
        if not (self._schedules or self._sensors):
            return None
        from .automation_binding import bound_automation
        from .selection.view import SelectableAssets

        return bound_automation(
            _unique_named("schedule", self._schedules),
            _unique_named("sensor", self._sensors),
            jobs=jobs,
            contents=contents,
            view=SelectableAssets.of(graph, checks),
            resources=self.resources,
        )

    @cached_property
    def _checks_by_asset(self) -> dict[AssetKey, list[CheckNode]]:
        by_asset: dict[AssetKey, list[CheckNode]] = {}
        for check in self.asset_checks:
            by_asset.setdefault(check.asset_key, []).append(check)
        return by_asset


def _same(one: Any, other: Any) -> bool:
    """Whether two resources are one: the same object, or equal ones of one class."""
    if one is other:
        return True
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # user code: an __eq__ that cannot tell
        return False


def _by_kind(listed: list[Any], *, source: SourceLine) -> tuple[list[AssetNode], list[AssetChecksDefinition]]:
    """Assets and checks apart, each object once; anything else is reported."""
    assets: list[AssetNode] = []
    checks: list[AssetChecksDefinition] = []
    for item in {id(item): item for item in listed}.values():
        if isinstance(item, AssetChecksDefinition):
            checks.append(item)
        elif isinstance(item, (AssetsDefinition, AssetSpec)):
            assets.append(item.as_node() if isinstance(item, SourceAsset) else item)
        else:
            if isinstance(item, (list, tuple)):
                advice = "Unpack it with a '*' before it."
            elif callable(item):
                advice = "Decorate it with @asset."
            else:
                advice = "List what @asset and @asset_check made, and AssetSpec objects."
            report(DefinitionError(f"{source}: {item!r} in Definitions is neither an asset nor a check. {advice}"))
    return assets, checks


def _nodes(listed: Iterable[AssetNode]) -> Iterator[AssetNode]:
    """The assets, those that one function makes each by itself."""
    for one in listed:
        yield from one.members if isinstance(one, AssetsDefinition) else (one,)


def _unique(assets: Iterable[AssetNode]) -> dict[AssetKey, AssetNode]:
    unique: dict[AssetKey, AssetNode] = {}
    for node in _nodes(assets):
        first = unique.setdefault(node.key, node)
        if first is not node:
            report(DuplicateAsset(node.key, source=node.source, first=first.source))
    return unique


def _jobs_of(listed: Iterable[Any], *, source: SourceLine) -> list[JobDefinition]:
    """The jobs among `listed`, each object once; anything else is reported."""
    from .jobs import JobDefinition

    distinct = list({id(item): item for item in listed}.values())
    for item in distinct:
        if not isinstance(item, JobDefinition):
            report(
                DefinitionError(
                    f"{source}: {item!r} among the jobs of the Definitions is no job. "
                    "List what @job, to_job() or define_asset_job made."
                )
            )
    return [item for item in distinct if isinstance(item, JobDefinition)]


def _automation_of(
    schedules: Iterable[Any] | None, sensors: Iterable[Any] | None, *, source: SourceLine
) -> tuple[list[ScheduleDefinition], list[SensorDefinition]]:
    listed = (list(schedules or ()), list(sensors or ()))
    if not any(listed):
        return [], []
    from .automation_binding import of_kind
    from .schedules import ScheduleDefinition
    from .sensors import SensorDefinition

    return (
        of_kind(listed[0], ScheduleDefinition, "schedule", source=source),
        of_kind(listed[1], SensorDefinition, "sensor", source=source),
    )


def _targeted(automation: Iterable[Any]) -> list[JobDefinition]:
    """The jobs that schedules and sensors hold, so that these need not be listed a second time."""
    jobs = [job for one in automation for job in (*one.targets.jobs, *getattr(one, "watched_jobs", ()))]
    return list({id(job): job for job in jobs}.values())


def _merged(kind: str, given: Iterable[tuple[SourceLine, dict[str, Any]]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for source, values in given:
        for name, value in values.items():
            if not _same(merged.setdefault(name, value), value):
                report(
                    DefinitionError(
                        f"{source}: the {kind} {name!r} is not the same in two of the merged Definitions. "
                        "Rename one of them, or define it once."
                    )
                )
    return merged


def _unique_named(kind: str, listed: Iterable[Any]) -> dict[str, Any]:
    """Jobs, schedules or sensors by name; two of one name are reported."""
    unique: dict[str, Any] = {}
    for one in listed:
        first = unique.setdefault(one.name, one)
        if first is not one:
            error = DefinitionError(
                f"{one.source}: {kind} {one.name!r} is defined a second time; the first definition is at "
                f"{first.source}. Rename one of them."
            )
            error.source = one.source
            report(error)
    return unique


def _contents(jobs: dict[str, JobDefinition], graph: AssetGraph, checks: list[CheckNode]) -> dict[str, JobContents]:
    from .asset_jobs import AssetJobDefinition, contents_of
    from .selection.view import SelectableAssets

    view = SelectableAssets.of(graph, checks)
    partitions = {key: node.spec.partitions_def for key, node in graph.nodes.items()}
    return {
        name: contents_of(job, view, partitions) for name, job in jobs.items() if isinstance(job, AssetJobDefinition)
    }


def _inline_specs(assets: Iterable[AssetNode]) -> list[AssetCheckSpec]:
    """The checks that the functions of assets evaluate, each once however many assets a function makes."""
    specs = [spec for node in assets if isinstance(node, AssetsDefinition) for spec in node.check_specs]
    return list({id(spec): spec for spec in specs}.values())


def _with_externals(
    nodes: dict[AssetKey, AssetNode], checks: Iterable[AssetChecksDefinition], inline: Iterable[AssetCheckSpec]
) -> dict[AssetKey, AssetNode]:
    """Add what is depended on and defined nowhere, as external assets."""
    complete = dict(nodes)
    left: list[tuple[Iterable[Dependency], SourceLine]] = [(node.deps, node.source) for node in nodes.values()]
    left += [(check.deps, check.source) for check in checks]
    left += [(spec.additional_deps, spec.source) for spec in inline]
    while left:
        deps, source = left.pop()
        for dep in deps:
            if dep.key not in complete:
                external = dep.declared or AssetSpec(dep.key, source=source)
                complete[dep.key] = external
                left.append((external.deps, external.source))
    return complete


def _with_mapped_inputs(checks: Iterable[AssetChecksDefinition], graph: AssetGraph) -> list[AssetChecksDefinition]:
    """The checks, the inputs of each mapped from the partitions of the (first) asset that it looks at."""
    mapped: list[AssetChecksDefinition] = []
    for check in checks:
        if check.arguments and check.asset_key in graph.nodes:
            own = graph.nodes[check.asset_key].partitions_def
            arguments = {
                name: replace(edge, mapping=edge.mapping or default_mapping(graph.nodes[edge.key].partitions_def, own))
                for name, edge in check.arguments.items()
            }
            check = check.bound(arguments, check.resource_args, check.loads_asset, check.specs)
        mapped.append(check)
    return mapped


def _with_mappings(nodes: dict[AssetKey, AssetNode]) -> dict[AssetKey, AssetNode]:
    """Fill in the mapping of each edge that names none: the partitions of both sides are known now."""
    mapped: dict[tuple[int, int], Dependency] = {}  # an edge that several assets have stays one

    def filled(dep: Dependency, node: AssetNode) -> Dependency:
        if dep.mapping is not None:
            return dep
        mapping = default_mapping(nodes[dep.key].partitions_def, node.partitions_def)
        place = id(dep), id(mapping)
        if place not in mapped:
            mapped[place] = dep.with_mapping(mapping)
        return mapped[place]

    for key, node in nodes.items():
        deps = tuple([filled(dep, node) for dep in node.deps])
        if any(map(is_not, deps, node.deps)):
            nodes[key] = (
                node.bound(deps, node.resource_args) if isinstance(node, AssetsDefinition) else node.with_deps(deps)
            )
    return nodes


def _checked_on_first(on_first: Any, *, source: SourceLine) -> OnFirst | None:
    if on_first not in (None, "request", "baseline"):
        report(DefinitionError(f"{source}: on_first is 'request' or 'baseline', not {on_first!r}."))
        return None
    return on_first


def _conditions(
    graph: AssetGraph, checks: Iterable[CheckNode], on_first: OnFirst | None
) -> tuple[dict[AssetKey | AssetCheckKey, AutomationCondition], dict[str, AutomationCondition]]:
    """The condition of each asset and each check that has one as data, its selections resolved; and the objects of
    users' classes in them, by the id of their node."""
    given: dict[AssetKey | AssetCheckKey, AutomationCondition] = {}
    whose: dict[AssetKey | AssetCheckKey, AssetNode | CheckNode] = {**graph.nodes, **{c.key: c for c in checks}}
    for key, node in whose.items():
        if (condition := node.spec.automation_condition) is not None:
            given[key] = condition
    if on_first is not None:
        said = {id(c): c if c.first is not None else c.on_first(on_first) for c in given.values()}
        given = {key: said[id(condition)] for key, condition in given.items()}
    if not given:
        return {}, {}
    given, objects = _as_data(given, whose)
    from .conditions.downstream import asks_downstream, expanded
    from .conditions.resolving import has_selections, resolved
    from .selection.view import SelectableAssets

    of_assets = {key: condition for key, condition in given.items() if isinstance(key, AssetKey)}
    different = {id(condition): condition for condition in given.values()}  # thousands have one of a handful
    asking = {place: asks_downstream(condition) for place, condition in different.items()}
    matching = {place: _matches(condition) for place, condition in different.items()}
    for key, condition in given.items():
        _check_matched(matching[id(condition)], whose[key], graph)
        if asking[id(condition)]:
            keys = {key} if isinstance(key, AssetKey) else set[AssetKey]()
            given[key] = expanded(condition, keys, of_assets, parents=graph.parents, children=graph.children)
    selecting = {id(condition): has_selections(condition) for condition in {id(c): c for c in given.values()}.values()}
    unresolved = {key: condition for key, condition in given.items() if selecting[id(condition)]}
    view = SelectableAssets.of(graph, checks) if unresolved else None
    for key, condition in unresolved.items():
        assert view is not None
        node = whose[key]
        keys, upstream = (
            (set(), {node.asset_key, *node.dep_keys}) if isinstance(node, CheckNode) else ({node.key}, None)
        )
        try:
            given[key] = resolved(condition, keys, view, upstream=upstream)
        except InvalidAssetSelection as error:
            owner = str(node) if isinstance(node, CheckNode) else f"asset {str(key)!r}"
            report(
                DefinitionError(
                    f"{node.source}: the automation_condition of {owner} has a selection that cannot be resolved: "
                    f"{error}"
                )
            )
    return given, objects


def _as_data(
    conditions: dict[AssetKey | AssetCheckKey, AutomationCondition],
    whose: dict[AssetKey | AssetCheckKey, AssetNode | CheckNode],
) -> tuple[dict[AssetKey | AssetCheckKey, AutomationCondition], dict[str, AutomationCondition]]:
    """The conditions without objects of users' classes, and these objects by the id of their node."""
    from .conditions.edits import without_objects

    known: dict[int, AutomationCondition | None] = {}
    objects: dict[str, AutomationCondition] = {}
    for key, condition in conditions.items():
        if id(condition) not in known:
            try:
                known[id(condition)] = without_objects(condition, objects)
            except InvalidDefinitionError as error:
                known[id(condition)] = None
                source = whose[key].source
                report(DefinitionError(f"{source}: the automation_condition of {key.to_user_string()!r}: {error}"))
    data = {key: known[id(condition)] for key, condition in conditions.items()}
    return {key: condition for key, condition in data.items() if condition is not None}, objects


def _matches(condition: AutomationCondition) -> list[str]:
    """The assets that an `asset_matches` in it names."""
    from .conditions import AssetMatches

    return [node.key for node in condition.walk() if isinstance(node, AssetMatches)]


def _check_matched(names: Iterable[str], node: AssetNode | CheckNode, graph: AssetGraph) -> None:
    """Report each of the assets `names`, which the condition of `node` looks at, that is not there."""
    for name in names:
        if AssetKey.from_user_string(name) not in graph.nodes:
            owner = str(node) if isinstance(node, CheckNode) else f"asset {str(node.key)!r}"
            hint = did_you_mean(name, [str(key) for key in graph.nodes], "Define it, or declare it with AssetSpec.")
            report(
                DefinitionError(
                    f"{node.source}: the automation_condition of {owner} looks at the asset {name!r}, which is "
                    f"not defined. {hint}"
                )
            )
