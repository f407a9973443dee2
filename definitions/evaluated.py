"""What schedules and sensors have in common: a name, what their runs make, and the user's function that decides.

A function takes its context first (under whatever name), then what the kind of sensor hands it, then resources by name.
It runs in a process of its own, never in the daemon's; called directly, as in a test, it just runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .collecting import report
from .errors import DefinitionError, InvalidAssetSelection, InvalidInvocationError
from .evaluation_context import EvaluationContext
from .jobs import JobDefinition
from .labels import checked_name, checked_owners
from .metadata import metadata_to_json, normalize_metadata
from .selection.base import AssetSelection
from .source import SourceLine

if TYPE_CHECKING:
    from .metadata import JsonData
    from .signature import Parameter


@dataclass(frozen=True, slots=True)
class RunTargets:
    """What the runs of a schedule or sensor make: jobs, some known only by name, or a selection of assets."""

    jobs: tuple[JobDefinition, ...] = ()
    names: tuple[str, ...] = ()
    selection: AssetSelection | None = None

    @property
    def job_names(self) -> tuple[str, ...]:
        return (*(job.name for job in self.jobs), *self.names)

    @classmethod
    def of(
        cls,
        owner: str,
        source: SourceLine,
        *,
        job: Any = None,
        jobs: Iterable[Any] | None = None,
        job_name: str | None = None,
        target: Any = None,
        asset_selection: Any = None,
    ) -> RunTargets:
        """The targets that the arguments of a decorator mean; what they cannot mean is reported."""
        given = {"job": job, "jobs": jobs, "job_name": job_name, "target": target, "asset_selection": asset_selection}
        named = [name for name, value in given.items() if value is not None]
        if len(named) > 1:
            report(DefinitionError(f"{source}: {owner} has both {named[0]} and {named[1]}. Keep one of the two."))
        if target is not None:
            several = list(target) if isinstance(target, (list, tuple)) else [target]
            if several and all(isinstance(one, JobDefinition) for one in several):
                jobs = several
            else:
                asset_selection = target
        listed = [job] if job is not None else list(jobs or ())
        if asset_selection is not None:
            try:
                return cls(selection=AssetSelection.from_coercible(asset_selection))
            except InvalidAssetSelection as error:
                report(DefinitionError(f"{source}: {owner}: {error}"))
        for one in listed:
            if not isinstance(one, JobDefinition) and not isinstance(one, str):
                report(DefinitionError(f"{source}: {owner}: {one!r} is no job. Give what define_asset_job made."))
        names = [one for one in listed if isinstance(one, str)] + ([job_name] if job_name is not None else [])
        return cls(tuple(one for one in listed if isinstance(one, JobDefinition)), tuple(names))


class EvaluatedDefinition:
    """A schedule or a sensor. `fn` may be None where nothing is left to decide."""

    kind = ""
    handed = 0
    """How many arguments the function is handed after its context."""

    def __init__(
        self,
        name: str,
        fn: Callable[..., Any] | None,
        *,
        targets: RunTargets,
        source: SourceLine,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        owners: Sequence[str] | None = None,
        required_resource_keys: Iterable[str] | None = None,
        running: bool = True,
    ) -> None:
        self.source = source
        self.name: str = checked_name(name, role=f"the name of a {self.kind}", source=source)
        self.fn: Callable[..., Any] | None = fn
        self.targets: RunTargets = targets
        self.description: str | None = description or (inspect.getdoc(fn) if fn is not None else None)
        self.tags: dict[str, str] = {str(key): str(value) for key, value in (tags or {}).items()}
        self.metadata: dict[str, JsonData] = metadata_to_json(normalize_metadata(metadata))
        self.owners: tuple[str, ...] = checked_owners(owners, owner=str(self), source=source)
        self.running = running
        self._parameters = () if fn is None else _parameters(fn, str(self), source)
        own = 1 + self.handed
        self.resource_args: tuple[str, ...] = tuple(
            parameter.name for parameter in self._parameters[own:] if not parameter.has_default
        )
        self.required_resource_keys: frozenset[str] = frozenset(required_resource_keys or ()) | set(self.resource_args)
        if fn is not None:
            self.__name__: Any | str = getattr(fn, "__name__", self.name)
            self.__doc__ = fn.__doc__
            self.__wrapped__ = fn

    @property
    def jobs(self) -> tuple[JobDefinition, ...]:
        """The jobs that it targets, as they were given."""
        return self.targets.jobs

    @property
    def job(self) -> JobDefinition:
        """Its one job.

        Raises:
            InvalidInvocationError: it has none, or several.
        """
        if len(self.jobs) != 1:
            raise InvalidInvocationError(f"{self} targets {len(self.jobs)} jobs.")
        return self.jobs[0]

    @property
    def job_name(self) -> str:
        """The name of its one job."""
        if len(self.targets.job_names) != 1:
            raise InvalidInvocationError(f"{self} targets {len(self.targets.job_names)} jobs.")
        return self.targets.job_names[0]

    def invoke(self, context: EvaluationContext, *handed: Any) -> Any:
        """What the function returns, with its resources taken from the context; for the code host and for tests."""
        assert self.fn is not None
        positional = [context, *handed][: len(self._parameters)] if self._takes_context else list(handed)
        resources = {name: context.resources[name] for name in self.resource_args}
        returned = self.fn(*positional, **resources)
        return list(returned) if inspect.isgenerator(returned) else returned

    @property
    def _takes_context(self) -> bool:
        return len(self._parameters) > self.handed

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function itself, as a test does; resources that are not passed come from the context's."""
        if self.fn is None:
            raise InvalidInvocationError(f"{self} has no function to call.")
        context = next((one for one in [*args, *kwargs.values()] if isinstance(one, EvaluationContext)), None)
        if not self._takes_context and context is not None:
            args = tuple(one for one in args if one is not context)
            kwargs = {name: one for name, one in kwargs.items() if one is not context}
        bound = inspect.signature(self.fn).bind_partial(*args, **kwargs).arguments
        for name in self.resource_args:
            if name not in bound and context is not None and name in context.resources:
                kwargs[name] = context.resources[name]
        try:
            inspect.signature(self.fn).bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidInvocationError(
                f"{self}: {error}. Call it with a context, as build_{self.kind}_context() makes one."
            ) from None
        return self.fn(*args, **kwargs)

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"

    def __repr__(self) -> str:
        return f"<{self} of {self.source}>"


def _parameters(fn: Callable[..., Any], owner: str, source: SourceLine) -> tuple[Parameter, ...]:
    """The parameters of a function, its context included, in their order."""
    from .signature import Parameter

    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.KEYWORD_ONLY)
    parameters = [one for one in inspect.signature(fn).parameters.values() if one.kind in named]
    if inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn):
        report(DefinitionError(f"{source}: {owner} has an async function. Write a plain one: it has its own process."))
    return tuple(Parameter(one.name, False, one.default is not one.empty) for one in parameters)
