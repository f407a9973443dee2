"""What selections mean on a graph, for definitions and for their snapshot alike."""

from __future__ import annotations

import warnings

import pytest

from headwater import (
    AssetCheckKey,
    AssetKey,
    AssetSelection,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    EmptySelection,
    InvalidAssetSelection,
    asset,
    asset_check,
)
from headwater.definitions.conditions import DepsMatch
from headwater.definitions.errors import DefinitionErrors, InvalidInvocationError
from headwater.definitions.selection.making import to_make

DAYS = DailyPartitionsDefinition("2026-01-01")
S = AssetSelection

inbox = AssetSpec("inbox", group_name="seeds", tags={"layer": "bronze"})
rates = AssetSpec("rates", group_name="seeds")


@asset(deps=[inbox], tags={"layer": "bronze", "pii": ""}, kinds={"duckdb"}, partitions_def=DAYS)
def raw() -> None: ...


@asset(deps=[raw, rates], group_name="sales", tags={"layer": "silver"}, owners=["team:x"], key_prefix=["eu"])
def clean() -> None: ...


@asset(deps=[clean], group_name="sales", kinds={"dbt"}, owners=["me@example.com"])
def top() -> None: ...


@asset(deps=[clean], group_name="eu_sales", kinds={"dbt", "duckdb"})
def side() -> None: ...


@asset_check(asset=raw)
def raw_is_whole() -> bool:
    return True


@asset_check(asset=top)
def top_is_whole() -> bool:
    return True


DEFS = Definitions(assets=[inbox, rates, raw, clean, top, side], asset_checks=[raw_is_whole, top_is_whole])
RAW_CHECK, TOP_CHECK = AssetCheckKey(AssetKey("raw"), "raw_is_whole"), AssetCheckKey(AssetKey("top"), "top_is_whole")


def keys(selection: AssetSelection | str) -> str:
    """The selected keys in alphabetical order; the same from the definitions, their graph and their snapshot."""
    selection = S.from_coercible(selection)
    found = selection.resolve(DEFS)
    assert found == selection.resolve(DEFS.graph) == selection.resolve(DEFS.snapshot())
    return " ".join(sorted(map(str, found)))


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        ("*", "eu/clean inbox rates raw side top"),
        ("eu/clean", "eu/clean"),
        ("raw top", "raw top"),
        ('key:"*a*"', "eu/clean rates raw"),
        ("key:eu/*", "eu/clean"),
        ("group:sales", "eu/clean top"),
        ("group:*sales", "eu/clean side top"),
        ("group:<null>", "raw"),
        ("group:default", "raw"),
        ("kind:dbt", "side top"),
        ("kind:<null>", "eu/clean inbox rates"),
        ("owner:team:x", "eu/clean"),
        ("owner:<null>", "inbox rates raw side"),
        ("tag:layer=bronze", "inbox raw"),
        ("tag:layer=*", "eu/clean inbox raw"),
        ("tag:pii", "raw"),
        ("tag:<null>", "rates side top"),
        ("is:external", "inbox rates"),
        ("is:materializable", "eu/clean raw side top"),
        ("partitions:daily", "raw"),
        ("partitions:<null>", "eu/clean inbox rates side top"),
        ("+eu/clean", "eu/clean inbox rates raw"),
        ("1+eu/clean", "eu/clean rates raw"),
        ("raw+", "eu/clean raw side top"),
        ("raw+1", "eu/clean raw"),
        ("1+eu/clean+1", "eu/clean rates raw side top"),
        ("++top", "eu/clean rates raw top"),
        ("(group:sales and not top)+", "eu/clean side top"),
        ("group:sales kind:duckdb and not raw", "eu/clean side top"),
        ("not is:external", "eu/clean raw side top"),
        ("roots(*)", "inbox rates"),
        ("roots(is:materializable)", "raw"),
        ("sinks(*)", "side top"),
        ("sinks(+eu/clean)", "eu/clean"),
        ("checks(*)", ""),
        ("check:raw=raw_is_whole", ""),
        ("without_checks(top)", "top"),
    ],
)
def test_a_string_selects_these_assets(selection: str, selected: str) -> None:
    assert keys(selection) == selected


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        (S.all(), "eu/clean raw side top"),
        (S.all(include_sources=True), "eu/clean inbox rates raw side top"),
        (S.assets(raw, "eu/clean", AssetKey("top")), "eu/clean raw top"),
        (S.keys(["eu", "clean"]), "eu/clean"),
        (S.assets(), ""),
        (S.groups("sales", "eu_sales"), "eu/clean side top"),
        (S.groups("seeds", include_sources=False), ""),
        (S.tag("layer", "silver") | S.tag_string("pii"), "eu/clean raw"),
        (S.kind("dbt") & S.owner("me@example.com"), "top"),
        (S.kind(None), "eu/clean inbox rates"),
        (S.key_prefixes("eu", ["top"]), "eu/clean top"),
        (S.key_substring("u/c"), "eu/clean"),
        (S.assets(top).upstream(), "eu/clean inbox rates raw top"),
        (S.assets(top).upstream(depth=1, include_self=False), "eu/clean"),
        (S.assets(raw, clean).upstream(include_self=False), "inbox rates"),
        (S.assets(raw).downstream(2), "eu/clean raw side top"),
        (S.assets(clean).downstream(include_self=False), "side top"),
        (S.all().roots(), "raw"),
        (S.all().sources(), "raw"),
        (S.all().sinks(), "side top"),
        (S.assets(clean).upstream_source_assets(), "inbox rates"),
        (S.assets(top).upstream().materializable(), "eu/clean raw top"),
        (S.assets(top).required_multi_asset_neighbors(), "top"),
        (S.all() - S.groups("sales"), "raw side"),
        (~S.all(), "inbox rates"),
        (S.from_coercible([raw, "group:sales", S.kind("dbt")]), "eu/clean raw side top"),
    ],
)
def test_the_algebra_selects_these_assets(selection: AssetSelection, selected: str) -> None:
    assert keys(selection) == selected
    assert S.from_string(str(selection)) == selection


@pytest.mark.parametrize(
    ("selection", "checks"),
    [
        (S.all(), {RAW_CHECK, TOP_CHECK}),
        (S.assets(top), {TOP_CHECK}),
        (S.all().without_checks(), set()),
        (S.checks(raw_is_whole, TOP_CHECK), {RAW_CHECK, TOP_CHECK}),
        (S.checks_for_assets(raw, clean), {RAW_CHECK}),
        (S.all_asset_checks(), {RAW_CHECK, TOP_CHECK}),
        (S.all() - S.checks(raw_is_whole), {TOP_CHECK}),
        (S.assets(top).without_checks() | S.checks(raw_is_whole), {RAW_CHECK}),
        (S.assets(raw, top) & S.checks_for_assets(top), {TOP_CHECK}),
    ],
)
def test_these_checks_are_selected(selection: AssetSelection, checks: set[AssetCheckKey]) -> None:
    assert selection.resolve_checks(DEFS) == selection.resolve_checks(DEFS.snapshot()) == checks


def test_less_a_check_the_asset_stays() -> None:
    assert keys(S.all() - S.checks(raw_is_whole)) == keys(S.all())


# ---- what is not there -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ("group:sale", "Did you mean 'sales'"),
        ("tag:layer=gold", "tag:layer=gold selects no asset"),
        ("tag:layer=bronce", "Did you mean 'layer=bronze'"),
        ("owner:nobody", "There are: me@example.com, team:x"),
        ('key:"zzz"', "selects no asset"),
        ("kind:DBT", "There are: dbt, duckdb"),
    ],
)
def test_a_label_that_no_asset_has_selects_nothing_and_warns(selection: str, words: str) -> None:
    with pytest.warns(EmptySelection, match=words):
        assert S.from_string(selection).resolve(DEFS) == set()


def test_the_absence_of_labels_is_no_name_and_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert S.from_string("tag:<null> and owner:<null>").resolve(Definitions()) == set()


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InvalidAssetSelection, match=r"no asset 'raww'\. Did you mean 'raw'"):
        S.from_string("top or +raww").resolve(DEFS)
    with pytest.raises(InvalidAssetSelection, match="Did you mean 'top_is_whole'"):
        S.from_string("check:top=top_is_hole").resolve_checks(DEFS)


def test_what_selects_nothing_at_all_is_refused() -> None:
    with pytest.raises(InvalidAssetSelection, match="3 selects no assets"):
        S.from_coercible(3)
    with pytest.raises(InvalidInvocationError, match="number of layers"):
        S.all().upstream(depth=-1)


# ---- what is to be made ----------------------------------------------------------------------------------------------


def test_external_assets_are_left_out_where_they_are_not_named() -> None:
    assert [str(key) for key in to_make(S.from_string("+top"), DEFS).assets] == ["raw", "eu/clean", "top"]
    with pytest.raises(InvalidInvocationError, match="'inbox' is external"):
        to_make(S.from_string("raw, inbox"), DEFS)
    with pytest.raises(InvalidInvocationError, match="all that it selects is external"):
        to_make(S.from_string("group:seeds"), DEFS)
    with pytest.raises(InvalidInvocationError, match="selects no asset"):
        to_make(S.from_string("top and raw"), DEFS)


def test_checks_come_with_their_assets_unless_they_are_left_out() -> None:
    assert to_make(S.from_string("raw, top"), DEFS).checks == {RAW_CHECK, TOP_CHECK}
    assert to_make(S.from_string("raw, without_checks(top)"), DEFS).checks == {RAW_CHECK}
    assert to_make(S.assets(top) | S.checks(raw_is_whole), DEFS).checks == {RAW_CHECK, TOP_CHECK}


def test_checks_can_be_selected_without_any_asset() -> None:
    assert to_make(S.checks_for_assets(raw), DEFS) == ([], {RAW_CHECK})


# ---- in conditions ---------------------------------------------------------------------------------------------------


def automated(condition: AutomationCondition) -> Definitions:
    """`total` reads raw (default), rates (seeds) and other; raw reads inbox (seeds)."""

    @asset
    def other() -> None: ...

    @asset(deps=[raw, rates, other], automation_condition=condition)
    def total() -> None: ...

    return Definitions(assets=[inbox, rates, raw, other, total])


def looks_of(condition: AutomationCondition) -> list[DepsMatch]:
    found = automated(condition).snapshot().assets["total"].condition
    assert found is not None
    return [node for node in found.walk() if isinstance(node, DepsMatch)]


def test_a_snapshot_holds_the_upstream_keys_that_a_selection_means() -> None:
    for looks in looks_of(AutomationCondition.eager().ignore("group:seeds")):
        assert (looks.ignored, looks.ignore_selections) == (("rates",), ())
        assert [looks.looks_at(key) for key in ("rates", "raw")] == [False, True]


def test_allowed_selections_and_keys_add_up() -> None:
    (looks,) = looks_of(AutomationCondition.any_deps_missing().allow(["other", S.kind("duckdb")]).ignore(S.all()))
    assert (looks.allowed, looks.ignored) == (("other", "raw"), ("other", "raw"))


def test_an_allowed_selection_without_upstream_assets_allows_none() -> None:
    (looks,) = looks_of(AutomationCondition.any_deps_missing().allow("total+"))
    assert looks.allowed == ()


def test_further_up_a_selection_means_what_is_upstream_there() -> None:
    inner = AutomationCondition.any_deps_match(AutomationCondition.missing()).ignore("group:seeds")
    outer, inner = looks_of(AutomationCondition.any_deps_match(inner).allow("raw"))
    assert (outer.ignored, inner.ignored) == ((), ("inbox",))


def test_equal_meanings_have_equal_snapshots() -> None:
    by_label = automated(AutomationCondition.eager().ignore("group:seeds")).snapshot()
    by_key = automated(AutomationCondition.eager().ignore("rates")).snapshot()
    assert by_label.to_bytes() == by_key.to_bytes()


def test_a_condition_that_selects_an_unknown_asset_is_an_error_of_the_definitions() -> None:
    with pytest.raises(
        DefinitionErrors, match=r"test_resolution.py:\d+: the automation_condition of asset 'total'.*raw"
    ):
        automated(AutomationCondition.eager().ignore("+rwa")).snapshot()
