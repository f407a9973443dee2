"""Asset checks: functions that look at an asset after it was made and say whether it is as it should be.

A check of a partitioned asset runs per partition. A failed blocking check of severity ERROR closes the gate of that
partition; what is downstream waits until the check passes.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .collecting import report
from .errors import DefinitionError, ExecutionError, InvalidInvocationError
from .keys import AssetKey, CoercibleToAssetKey
from .labels import NAME, key_from_user
from .results import AssetCheckResult, AssetCheckSeverity
from .signature import CONFIG_NAME, Signature
from .source import SourceLine
from .spec import checked_metadata
from .unsupported import refuse

if TYPE_CHECKING:
    from .partitions.base import PartitionsDefinition


class AssetChecksDefinition:
    """A check and the asset that it looks at.

    `loads_asset` is the parameter that takes the asset's value, None where the function looks for itself. As with
    assets, which parameters are resources is final in the copies that a `Definitions` hands out.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        check_name: str,
        asset_key: AssetKey,
        description: str | None = None,
        blocking: bool = False,
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        metadata: Mapping[str, Any] | None = None,
        required_resource_keys: Iterable[str] = (),
        partitions_def: PartitionsDefinition | None = None,
        source: SourceLine,
    ) -> None:
        self.fn = fn
        self.check_name = check_name
        self.asset_key = asset_key
        self.description = description
        self.blocking = blocking
        self.severity = severity
        self.metadata = dict(metadata or {})
        self.partitions_def = partitions_def
        self.source = source
        self.signature = Signature.of(fn)
        for problem in self.signature.problems():
            report(DefinitionError(f"{source}: {self}: {problem}"))
        self.required_resource_keys = frozenset(required_resource_keys)
        names = _names_of(asset_key)
        self.loads_asset = next((p.name for p in self.signature.parameters if p.name in names), None)
        self.resource_args = tuple(p.name for p in self.signature.parameters if p.is_resource)
        self.__name__ = getattr(fn, "__name__", check_name)
        self.__doc__ = fn.__doc__
        self.__module__ = getattr(fn, "__module__", __name__)
        self.__wrapped__ = fn

    @property
    def name(self) -> str:
        return self.check_name

    @property
    def takes_context(self) -> bool:
        return self.signature.context_arg is not None

    @property
    def resource_names(self) -> frozenset[str]:
        return self.required_resource_keys | set(self.resource_args)

    @property
    def op_name(self) -> str:
        """The name under which its config stands in the run config."""
        return f"{self.asset_key.to_python_identifier()}_{self.check_name}"

    def bound(self, resource_args: tuple[str, ...]) -> AssetChecksDefinition:
        """A copy of which every parameter is known."""
        made = copy.copy(self)
        made.resource_args = resource_args
        return made

    def with_asset_key(self, asset_key: AssetKey) -> AssetChecksDefinition:
        """A copy that looks at another asset, or at the same one under another key."""
        made = copy.copy(self)
        made.asset_key = asset_key
        return made

    def invoke(self, context: Any, asset_value: Any, resources: Mapping[str, Any], config: Any = None) -> Any:
        """What the function returns; see `result_of`. What the function does not take is not used."""
        arguments = {name: resources[name] for name in self.resource_args}
        if self.loads_asset is not None:
            arguments[self.loads_asset] = asset_value
        if self.signature.takes_config:
            arguments[CONFIG_NAME] = config
        if self.signature.context_arg is not None:
            arguments[self.signature.context_arg] = context
        return self.fn(**arguments)

    def result_of(self, returned: Any) -> AssetCheckResult:
        """The result that the function's return value stands for, with the key and name of this check.

        Raises:
            ExecutionError: it returned neither an AssetCheckResult nor a bool, or the result of another check.
        """
        if not isinstance(returned, AssetCheckResult):
            try:
                returned = AssetCheckResult(passed=returned, severity=self.severity)
            except InvalidInvocationError:
                raise ExecutionError(
                    f"{self.source}: {self} returned {returned!r}. Return AssetCheckResult(passed=...), True or False."
                ) from None
        for what, own, theirs in (
            ("check", self.check_name, returned.check_name),
            ("asset", self.asset_key, returned.asset_key),
        ):
            if theirs is not None and theirs != own:
                raise ExecutionError(
                    f"{self.source}: {self} returned a result for the {what} {str(theirs)!r}. "
                    f"Leave {'check_name' if what == 'check' else 'asset_key'} out: it is {str(own)!r} by itself."
                )
        return AssetCheckResult(
            passed=returned.passed,
            asset_key=self.asset_key,
            check_name=self.check_name,
            metadata=returned.metadata,
            severity=returned.severity,
            description=returned.description,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function itself, as in a test."""
        return self.fn(*args, **kwargs)

    def __str__(self) -> str:
        return f"check {self.check_name!r} of asset {str(self.asset_key)!r}"

    def __repr__(self) -> str:
        return f"<{self} of {self.source}>"


def asset_check(
    *,
    asset: CoercibleToAssetKey,
    name: str | None = None,
    description: str | None = None,
    blocking: bool = False,
    severity: AssetCheckSeverity | str = AssetCheckSeverity.ERROR,
    required_resource_keys: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    additional_ins: Any = None,
    additional_deps: Any = None,
    resource_defs: Any = None,
    config_schema: Any = None,
    op_tags: Any = None,
    retry_policy: Any = None,
    automation_condition: Any = None,
    pool: str | None = None,
) -> Callable[[Callable[..., Any]], AssetChecksDefinition]:
    """Make a check of a function that returns an AssetCheckResult, or just True or False.

    >>> @asset_check(asset="orders", blocking=True)
    ... def orders_not_empty(orders):
    ...     return len(orders) > 0
    >>> orders_not_empty([3, 4])
    True

    A parameter named like the asset takes its value; `context` and resources are taken as in an asset. `severity` is
    that of a failure where the function returns a bool.
    """
    refused = {
        "additional_ins": additional_ins,
        "additional_deps": additional_deps,
        "resource_defs": resource_defs,
        "config_schema": config_schema,
        "op_tags": op_tags,
        "retry_policy": retry_policy,
        "automation_condition": automation_condition,
        "pool": pool,
    }

    def decorate(fn: Callable[..., Any]) -> AssetChecksDefinition:
        source = SourceLine.of(fn)
        check_name = name or getattr(fn, "__name__", "check")
        owner = f"check {check_name!r}"
        if not NAME.fullmatch(check_name):
            report(
                DefinitionError(
                    f"{source}: {check_name!r} cannot be the name of a check. "
                    "Letters, digits, '_', '-' and '.' are allowed."
                )
            )
        refuse(owner, source=source, **refused)
        return AssetChecksDefinition(
            fn,
            check_name=check_name,
            asset_key=key_from_user(asset, role=f"the asset of {owner}", source=source),
            description=description or inspect.getdoc(fn),
            blocking=blocking,
            severity=_checked_severity(severity, owner=owner, source=source),
            metadata=checked_metadata(metadata, owner=owner, source=source),
            required_resource_keys=required_resource_keys or (),
            partitions_def=partitions_def,
            source=source,
        )

    return decorate


def _names_of(key: AssetKey) -> tuple[str, ...]:
    """The parameter names that mean the value of `key`."""
    return (key.path[-1], key.to_python_identifier(), "_".join(key.path))


def _checked_severity(value: Any, *, owner: str, source: SourceLine) -> AssetCheckSeverity:
    try:
        return AssetCheckSeverity(value)
    except ValueError:
        report(DefinitionError(f"{source}: {owner} has the severity {value!r}. Use AssetCheckSeverity.WARN or ERROR."))
        return AssetCheckSeverity.ERROR
