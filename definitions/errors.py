"""The errors of headwater: one base, and a subclass only where somebody would handle it differently.

Each class words its own message: what was wrong, where, and what to do next. The attributes are what code reads.
Errors in the definitions are collected: loading raises one `DefinitionErrors` that carries all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from .keys import AssetKey
    from .source import SourceLine


class HeadwaterError(Exception):
    """Base of all errors that headwater raises on purpose."""


# ---- definitions -----------------------------------------------------------------------------------------------------


class DefinitionError(HeadwaterError):
    """A definition is wrong. `source` is where it stands, if that is known."""

    source: SourceLine | None = None


InvalidDefinitionError = DefinitionError
"""The name that users of the field know."""


class UnknownDependency(DefinitionError):
    """An asset depends on a key that no loaded module defines."""

    def __init__(self, asset: AssetKey, missing: AssetKey, *, known: Collection[AssetKey], source: SourceLine) -> None:
        hint = did_you_mean(
            str(missing), map(str, known), "Define it, or declare it with AssetSpec if it is made elsewhere."
        )
        super().__init__(f"{source}: asset {str(asset)!r} depends on {str(missing)!r}, which is not defined. {hint}")
        self.asset: AssetKey = asset
        self.missing: AssetKey = missing
        self.source: SourceLine | None = source


class DuplicateAsset(DefinitionError):
    """Two definitions make the same asset."""

    def __init__(self, asset: AssetKey, *, source: SourceLine, first: SourceLine) -> None:
        super().__init__(
            f"{source}: asset {str(asset)!r} is defined a second time; the first definition is at {first}. "
            "Rename one of them, or tell them apart with key_prefix."
        )
        self.asset: AssetKey = asset
        self.source: SourceLine | None = source
        self.first: SourceLine = first


class CyclicDependencies(DefinitionError):
    """Assets that wait for each other. `cycle` lists them in order, each once."""

    def __init__(self, cycle: Sequence[AssetKey], *, source: SourceLine) -> None:
        path = " -> ".join(repr(str(key)) for key in [*cycle, cycle[0]])
        super().__init__(
            f"{source}: assets depend on each other in a circle: {path}. Remove one of these dependencies."
        )
        self.cycle: tuple[AssetKey, ...] = tuple(cycle)
        self.source: SourceLine | None = source


class PartitionsMismatch(DefinitionError):
    """A dependency whose partitions cannot be mapped onto those of the asset that reads it."""

    def __init__(self, asset: AssetKey, upstream: AssetKey, *, reason: str, source: SourceLine) -> None:
        super().__init__(
            f"{source}: the partitions of asset {str(asset)!r} do not fit those of its dependency {str(upstream)!r}: "
            f"{reason}. Give both the same partitions_def, or name a partition_mapping with AssetIn or AssetDep."
        )
        self.asset: AssetKey = asset
        self.upstream: AssetKey = upstream
        self.reason: str = reason
        self.source: SourceLine | None = source


class UnknownCheckTarget(DefinitionError):
    """A check looks at an asset that no loaded module defines."""

    def __init__(self, check: str, asset: AssetKey, *, known: Collection[AssetKey], source: SourceLine) -> None:
        hint = did_you_mean(str(asset), map(str, known), "Define the asset, or declare it with AssetSpec.")
        super().__init__(f"{source}: check {check!r} is for asset {str(asset)!r}, which is not defined. {hint}")
        self.check: str = check
        self.asset: AssetKey = asset
        self.source: SourceLine | None = source


class NotYetSupported(DefinitionError):
    """An argument that the field knows and that does not act here yet: refused, rather than silently ignored."""

    def __init__(self, argument: str, *, instead: str = "", source: SourceLine | None = None) -> None:
        where = f"{source}: " if source else ""
        advice = f" {instead[0].upper()}{instead[1:].rstrip('.')}." if instead else " Leave it out for now."
        super().__init__(f"{where}{argument} is not supported yet.{advice}")
        self.argument: str = argument
        self.source: SourceLine | None = source


class DefinitionErrors(DefinitionError):
    """All errors that one load found, in `errors`."""

    def __init__(self, errors: Sequence[DefinitionError]) -> None:
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        super().__init__("\n".join([f"{count} in the definitions:", *(f"  {error}" for error in errors)]))
        self.errors: list[DefinitionError] = list(errors)


class DefinitionsNotLoadable(DefinitionError):
    """The user's file or module could not be imported, or holds no definitions. `traceback` is text or empty."""

    def __init__(self, message: str, *, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


# ---- use -------------------------------------------------------------------------------------------------------------


class InvalidInvocationError(HeadwaterError):
    """A function of headwater was called with what it cannot take."""


class InvalidSubsetError(InvalidInvocationError):
    """Some assets are to be made without others that only come together with them."""

    def __init__(self, step: str, *, wanted: Sequence[str], missing: Sequence[str]) -> None:
        without = ", ".join(map(repr, missing[:5])) + (", ..." if len(missing) > 5 else "")
        super().__init__(
            f"{', '.join(map(repr, wanted[:5]))} cannot be made without {without}: multi-asset {step!r} makes all its "
            f"assets in one step. Select those too, as in made_with({wanted[0]}), or let it make some of its assets: "
            "can_subset=True."
        )
        self.step: str = step
        self.wanted: list[str] = list(wanted)
        self.missing: list[str] = list(missing)


class InvalidConfigError(HeadwaterError):
    """Run config, or the config of a resource, does not fit what the definitions ask for.

    `errors` holds one line for each place, which begins with its path, as in `ops.orders.config.limit`. Values that
    come from the environment are never part of it.
    """

    def __init__(self, errors: Sequence[str], *, example: str = "") -> None:
        text = errors[0] if len(errors) == 1 else "\n".join([f"{len(errors)} errors in the config:", *errors])
        super().__init__(f"{text}\nFor example: {example}" if example else text)
        self.errors: tuple[str, ...] = tuple(errors)


class InvalidMetadata(InvalidInvocationError):
    """A metadata value that is of no known kind, or does not survive as JSON."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"metadata {key!r}: {reason}")
        self.key = key


class InvalidAssetSelection(DefinitionError, InvalidInvocationError):
    """A selection that cannot be read, or that names an asset or a check that does not exist.

    Selections stand in definitions and in calls, so it is caught as an error of either. Where a string cannot be read,
    `text` is the string and `column` counts from 1; elsewhere both are None.
    """

    def __init__(self, message: str, *, text: str | None = None, column: int | None = None) -> None:
        if text is not None and column is not None:
            start = text.rfind("\n", 0, column - 1) + 1
            line = text[start:].partition("\n")[0].replace("\t", " ")
            message = (
                f"the selection cannot be read at column {column}: {message}\n"
                f"    {line}\n    {' ' * (column - 1 - start)}^"
            )
        super().__init__(message)
        self.text: str | None = text
        self.column: int | None = column


class UnknownPartition(HeadwaterError):
    """A partition key that does not exist (any more, or yet). `known` says in words which keys there are."""

    def __init__(self, key: str, *, known: str, asset: AssetKey | str | None = None) -> None:
        whose = f" of asset {str(asset)!r}" if asset is not None else ""
        super().__init__(f"there is no partition {key!r}{whose}. There are {known}.")
        self.key: str = key
        self.known: str = known
        self.asset: AssetKey | str | None = asset


class ExecutionError(HeadwaterError):
    """A run or a step could not do its work; the user's own exception, if there is one, is the `__cause__`."""


class TypeCheckDidNotPass(ExecutionError):
    """A value that goes into an op or comes out of one is not what its annotation, or its In or Out, says."""


class AssetCheckFailed(ExecutionError):
    """A blocking check did not let its asset pass: what is downstream of it in the run was not started."""

    def __init__(self, asset: object, check: str, partition: str | None = None, description: str | None = None) -> None:
        where = str(asset) if partition is None else f"{asset} {partition}"
        why = f": {description}" if description else ""
        super().__init__(f"the blocking check {check!r} of asset {where!r} failed{why}")
        self.asset: object = asset
        self.check: str = check
        self.partition: str | None = partition


class Failure(HeadwaterError):
    """Raised by the user's code to fail its step with words and metadata for the people who will read of it."""

    def __init__(
        self,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        allow_retries: bool = True,
    ) -> None:
        super().__init__(description or "the step raised Failure without a description")
        self.description: str | None = description
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.allow_retries: bool = allow_retries


def did_you_mean(missing: str, known: Iterable[str], otherwise: str) -> str:
    """The advice at the end of a message about a name that is not known."""
    from difflib import get_close_matches  # here, since most loads need no advice

    near = get_close_matches(missing, list(known), n=1)
    return f"Did you mean {near[0]!r}?" if near else otherwise
