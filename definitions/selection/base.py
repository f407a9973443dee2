"""Asset selections: which assets are meant, said as a tree of names, labels and ways through the graph.

A selection is pure data, made without knowing the assets; `resolve` looks them up. `str(selection)` is its string, and
`AssetSelection.from_string` reads it back as an equal selection. What strings can say is in `parser.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InvalidAssetSelection
from ..keys import AssetCheckKey, AssetKey, CoercibleToAssetKey

if TYPE_CHECKING:
    from ..checks import AssetChecksDefinition
    from .view import Selectable, SelectableAssets


class AssetSelection:
    """Some of the assets. Build one with the static methods or from a string; combine with `&`, `|`, `-` and `~`.

    >>> from headwater import AssetSelection
    >>> selection = AssetSelection.groups("sales").upstream(depth=1) - AssetSelection.kind("dbt")
    >>> str(selection)
    '1+group:sales and not kind:dbt'
    >>> AssetSelection.from_string('1+group:sales and not kind:dbt') == selection
    True

    A selection takes the checks of its assets along: see `resolve_checks`.
    """

    __slots__ = ()

    # ---- by name -------------------------------------------------------------------------------------------------

    @staticmethod
    def all(include_sources: bool = False) -> AssetSelection:
        """Every asset that is made here; with `include_sources` the external ones too, as in the string `*`."""
        from .names import Everything, Is

        return Everything() if include_sources else Is("materializable")

    @staticmethod
    def assets(*assets: CoercibleToAssetKey) -> AssetSelection:
        """These assets, by key (a string as in "sales/orders", an AssetKey) or as the assets themselves.

        One that does not exist is an error when the selection is resolved.
        """
        from .names import Key
        from .operators import any_of

        return any_of([Key(key) for asset in assets for key in _keys(asset)])

    @staticmethod
    def keys(*asset_keys: CoercibleToAssetKey) -> AssetSelection:
        """The same as `assets`."""
        return AssetSelection.assets(*asset_keys)

    @staticmethod
    def groups(*group_names: str, include_sources: bool = True) -> AssetSelection:
        """The assets of any of these groups."""
        return _labelled("group", group_names, include_sources)

    @staticmethod
    def tag(key: str, value: str = "", include_sources: bool = True) -> AssetSelection:
        """The assets that have the tag `key` with exactly this value."""
        from .names import Tag
        from .patterns import literal

        return _with_sources(Tag(literal(key), literal(value)), include_sources)

    @staticmethod
    def tag_string(string: str, include_sources: bool = True) -> AssetSelection:
        """The assets with a tag that is written `key=value`, or `key` if it has no value."""
        key, _, value = string.partition("=")
        return AssetSelection.tag(key, value, include_sources)

    @staticmethod
    def kind(kind: str | None, include_sources: bool = True) -> AssetSelection:
        """The assets of this kind; None: those of no kind."""
        return _labelled("kind", [kind], include_sources)

    @staticmethod
    def owner(owner: str | None, include_sources: bool = True) -> AssetSelection:
        """The assets of this owner; None: those that nobody owns."""
        return _labelled("owner", [owner], include_sources)

    @staticmethod
    def key_prefixes(*key_prefixes: CoercibleToAssetKey, include_sources: bool = True) -> AssetSelection:
        """The assets whose key begins with the parts of one of `key_prefixes`."""
        prefixes = [_key(prefix).to_user_string() for prefix in key_prefixes]
        return _labelled("key_prefix", prefixes, include_sources)

    @staticmethod
    def key_substring(key_substring: str, include_sources: bool = True) -> AssetSelection:
        """The assets whose key, written as `sales/orders`, has this text in it."""
        from .names import Label
        from .patterns import literal

        return _with_sources(Label("key", f"*{literal(key_substring)}*"), include_sources)

    @staticmethod
    def checks(*checks: AssetChecksDefinition | AssetCheckKey) -> AssetSelection:
        """These checks, and no assets."""
        from .names import Check
        from .operators import any_of

        return any_of([Check(key) for c in checks for key in _check_keys(c)])

    @staticmethod
    def checks_for_assets(*assets: CoercibleToAssetKey) -> AssetSelection:
        """The checks of these assets, without the assets."""
        from .operators import ChecksOf

        return ChecksOf(AssetSelection.assets(*assets))

    @staticmethod
    def all_asset_checks() -> AssetSelection:
        """Every check, and no assets."""
        from .names import Everything
        from .operators import ChecksOf

        return ChecksOf(Everything())

    @staticmethod
    def from_string(string: str) -> AssetSelection:
        """The selection that `string` says, as in `key:"raw*" and tag:layer=bronze`, `+revenue` or `orders, total`.

        Raises:
            InvalidAssetSelection: it cannot be read; the message points at the column.
        """
        from .parser import parse

        return parse(string)

    @staticmethod
    def from_coercible(selection: CoercibleToAssetSelection) -> AssetSelection:
        """The selection that a user means by a selection, a string, an asset, an asset key, or several of these.

        Raises:
            InvalidAssetSelection: it is something else, or a string that cannot be read.
        """
        if isinstance(selection, AssetSelection):
            return selection
        if isinstance(selection, str):
            return AssetSelection.from_string(selection)
        if isinstance(selection, AssetKey) or hasattr(selection, "members"):
            return AssetSelection.assets(selection)
        if isinstance(getattr(selection, "key", None), AssetKey):
            return AssetSelection.assets(selection)
        if isinstance(selection, Iterable):
            from .operators import any_of

            return any_of([AssetSelection.from_coercible(one) for one in selection])
        raise InvalidAssetSelection(
            f"{selection!r} selects no assets: give a string, an AssetSelection, an asset, its key, or a list of these."
        )

    # ---- from here on --------------------------------------------------------------------------------------------

    def upstream(self, depth: int | None = None, include_self: bool = True) -> AssetSelection:
        """With everything upstream, or only `depth` layers of it; without these assets unless `include_self`."""
        from .operators import Within

        return self._around(Within.of(self, up=depth, down=0), include_self)

    def downstream(self, depth: int | None = None, include_self: bool = True) -> AssetSelection:
        """With everything downstream, or only `depth` layers of it; without these assets unless `include_self`."""
        from .operators import Within

        return self._around(Within.of(self, up=0, down=depth), include_self)

    def roots(self) -> AssetSelection:
        """Those of these assets that read none of the others."""
        from .operators import Roots

        return Roots(self)

    def sources(self) -> AssetSelection:
        """The same as `roots`."""
        return self.roots()

    def sinks(self) -> AssetSelection:
        """Those of these assets that none of the others reads."""
        from .operators import Sinks

        return Sinks(self)

    def upstream_source_assets(self) -> AssetSelection:
        """The external assets that these come from, however far up."""
        from .names import Is

        return self.upstream() & Is("external")

    def materializable(self) -> AssetSelection:
        """Those of these assets that are made here."""
        from .names import Is

        return self & Is("materializable")

    def required_multi_asset_neighbors(self) -> AssetSelection:
        """With all that can only be made together with these: the other assets of a `@multi_asset`, unless it can make
        some of its assets."""
        from .operators import MadeWith

        return MadeWith(self)

    def without_checks(self) -> AssetSelection:
        """The same assets, without their checks."""
        from .operators import WithoutChecks

        return WithoutChecks(self)

    def __or__(self, other: object) -> AssetSelection:
        from .operators import Or

        return Or.of([self, other]) if isinstance(other, AssetSelection) else NotImplemented

    def __and__(self, other: object) -> AssetSelection:
        from .operators import And

        return And.of([self, other]) if isinstance(other, AssetSelection) else NotImplemented

    def __sub__(self, other: object) -> AssetSelection:
        return self & ~other if isinstance(other, AssetSelection) else NotImplemented

    def __invert__(self) -> AssetSelection:
        from .operators import Not

        return Not(self)

    # ---- what it means -------------------------------------------------------------------------------------------

    def resolve(self, assets: Selectable) -> set[AssetKey]:
        """The keys of the selected assets among those of Definitions, of their snapshot or of their graph.

        A group, tag or other label that no asset has gives the warning EmptySelection.

        Raises:
            InvalidAssetSelection: it names an asset that is not there.
        """
        from .view import SelectableAssets

        return self.assets_in(SelectableAssets.of(assets))

    def resolve_checks(self, assets: Selectable) -> set[AssetCheckKey]:
        """The selected checks: those of the selected assets, and those that are selected themselves."""
        from .view import SelectableAssets

        return self.checks_in(SelectableAssets.of(assets))

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        raise NotImplementedError

    def checks_in(self, view: SelectableAssets) -> set[AssetCheckKey]:
        return view.checks_of(self.assets_in(view))

    def __repr__(self) -> str:
        return f"AssetSelection.from_string({str(self)!r})"

    def _around(self, reached: AssetSelection, include_self: bool) -> AssetSelection:
        return reached if include_self else reached - self


CoercibleToAssetSelection = AssetSelection | CoercibleToAssetKey | Sequence[Any]
"""A selection, its string, an asset or its key, or several of these."""


def _key(asset: CoercibleToAssetKey) -> AssetKey:
    return AssetKey.from_user_string(asset) if isinstance(asset, str) else AssetKey.of(asset)


def _keys(asset: CoercibleToAssetKey) -> Iterable[AssetKey]:
    """The key of an asset; those of all that one function makes, where that is several."""
    members = getattr(asset, "members", ())
    return [member.key for member in members] if members else [_key(asset)]


def _check_keys(check: AssetChecksDefinition | AssetCheckKey) -> list[AssetCheckKey]:
    return [check] if isinstance(check, AssetCheckKey) else sorted(check.check_keys)


def _labelled(attribute: str, values: Iterable[str | None], include_sources: bool) -> AssetSelection:
    from .names import Label
    from .operators import any_of
    from .patterns import literal

    labels = [Label(attribute, None if value is None else literal(value)) for value in values]
    return _with_sources(any_of(labels), include_sources)


def _with_sources(selection: AssetSelection, include_sources: bool) -> AssetSelection:
    return selection if include_sources else selection.materializable()
