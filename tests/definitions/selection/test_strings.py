"""Selection strings: what they say, that they can be written back, and where they cannot be read."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import AssetCheckKey, AssetKey, AssetSelection, InvalidAssetSelection
from headwater.definitions.errors import DefinitionError, InvalidInvocationError
from headwater.definitions.selection.names import Check, Everything, Is, Key, Label, Tag
from headwater.definitions.selection.operators import ChecksOf, Roots, Sinks, WithoutChecks, any_of
from headwater.definitions.selection.patterns import literal, matcher

read = AssetSelection.from_string


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # names
        ("orders", "orders"),
        ("sales/orders", "sales/orders"),
        ('"or"', '"or"'),
        ('"we ird"', '"we ird"'),
        ("*", "*"),
        ('key:"raw*"', "key:raw*"),
        ("key:raw*", "key:raw*"),
        ("key:a/b", "key:a/b"),
        ("group:a/b", "group:a/b"),
        ("group: sales", "group:sales"),
        ("group:<null>", "group:<null>"),
        ("group:default", "group:<null>"),
        ("kind:dbt", "kind:dbt"),
        ('owner:"team:x"', "owner:team:x"),
        ("owner:me@example.com", "owner:me@example.com"),
        ("tag:layer=bronze", "tag:layer=bronze"),
        ('tag:"layer"="two words"', 'tag:layer="two words"'),
        ("tag:pii", "tag:pii"),
        ("is:external", "is:external"),
        ("is:materializable", "is:materializable"),
        ("partitions:daily", "partitions:daily"),
        ("check:orders=not_empty", "check:orders=not_empty"),
        # and, or, not
        ("a or b and not c", "a or b and not c"),
        ("(a or b) and not c", "(a or b) and not c"),
        ("A AND B Or Not C", "A and B or not C"),
        ("not (a and b)", "not (a and b)"),
        ("(a and b) and c", "a and b and c"),
        ('key:"raw*" and tag:layer=bronze', "key:raw* and tag:layer=bronze"),
        # unions
        ("a,b", "a or b"),
        (" a , b, ", "a or b"),
        ("a b and c", "a or b and c"),
        ("raw_orders+ my_dbt_assets+", "raw_orders+ or my_dbt_assets+"),
        ("a +b", "a or +b"),
        ("(a b)+", "(a or b)+"),
        # layers
        ("+x", "+x"),
        ("x+", "x+"),
        ("+x+", "+x+"),
        ("2+x+1", "2+x+1"),
        ("0+x", "x"),
        ('1+key:"x"', "1+key:x"),
        ("2+(group:a or b)+", "2+(group:a or b)+"),
        ("*x", "+x"),
        ("x*", "x+"),
        ("*x*", "+x+"),
        ("++x", "2+x"),
        ("x+++", "x+3"),
        ("*+", "*+"),
        ("2024+", '"2024"+'),
        ("not +x and y", "not +x and y"),
        # functions
        ("roots(a b)", "roots(a or b)"),
        ("+sinks(*)", "+sinks(*)"),
        ("roots or sinks", "roots or sinks"),
        ("checks(*)", "checks(*)"),
        ("without_checks(+a)", "without_checks(+a)"),
    ],
)
def test_a_string_says_this(text: str, said: str) -> None:
    assert str(read(text)) == said
    assert read(said) == read(text)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "it is empty"),
        (" , ", 4, "it is empty"),
        ("a and", 6, "expected an asset, .* not the end"),
        ("a or or b", 6, "not 'or'"),
        ("key:", 5, "expected a value behind 'key:'"),
        ("tag:a=", 7, 'expected a value behind "="'),
        ('a or key:"b', 10, "this quote is never closed"),
        ("b (a", 3, "never closed"),
        ("a b)", 4, "closes nothing"),
        ("roots()", 7, r"expected a selection for roots\(...\)"),
        ("a or leaves(b)", 6, "no function 'leaves'"),
        ("a+b", 3, "two ways"),
        ("a + b", 3, "touches the name"),
        ("+", 1, "touches the name"),
        ('""', 1, "empty"),
        ("'a'", 1, "double quotes"),
        ("a | b", 3, "write 'or'"),
        ("a = b", 3, "tags only"),
        ("a or grp:x", 6, "Did you mean 'group'"),
        ("is:new", 1, "is:external or is:materializable"),
        ("kind:a=b", 1, "one value"),
        ("check:orders", 1, "check:orders=not_empty"),
        ("check:orders=*", 1, "one check"),
        ("key:<null>", 1, "every asset has a key"),
        ("a and status:failed", 7, "status: is not supported"),
        ("column:x", 1, "columns are known from runs only"),
        ("job:nightly", 1, "select by key"),
        ("(" * 101 + "a" + ")" * 101, 101, "100 deep"),
        ("not " * 101 + "a", 401, "100 deep"),
    ],
)
def test_what_cannot_be_read_is_pointed_at(text: str, column: int, words: str) -> None:
    with pytest.raises(InvalidAssetSelection, match=words) as caught:
        read(text)
    assert caught.value.column == column
    assert caught.value.text == text
    _, line, pointer = str(caught.value).split("\n")
    assert line == "    " + text
    assert pointer.index("^") == 4 + column - 1


def test_of_several_lines_the_one_that_is_wrong_is_shown() -> None:
    with pytest.raises(InvalidAssetSelection) as caught:
        read("a\n  and grp:b\n  or c")
    assert str(caught.value).split("\n")[1:] == ["      and grp:b", "          ^"]


def test_it_is_caught_as_an_error_of_a_definition_and_of_a_call() -> None:
    assert issubclass(InvalidAssetSelection, DefinitionError)
    assert issubclass(InvalidAssetSelection, InvalidInvocationError)


# ---- everything that can be said -------------------------------------------------------------------------------------

texts = st.text(st.sampled_from('aB1_-./*\\" @:=+()<>é,\n'), min_size=1, max_size=6) | st.sampled_from(
    ["and", "Not", "<null>", "2024", "roots", "default"]
)
keys = st.lists(texts, min_size=1, max_size=3).map(AssetKey)
patterns = texts.map(literal) | texts
leaves = st.one_of(
    st.just(Everything()),
    keys.map(Key),
    st.builds(AssetCheckKey, keys, texts).map(Check),
    st.builds(Label, st.sampled_from(["key", "key_prefix"]), patterns),
    st.builds(Label, st.sampled_from(["group", "kind", "owner", "partitions"]), patterns | st.none()),
    st.builds(Tag, patterns | st.none(), patterns | st.just("")),
    st.sampled_from([Is("external"), Is("materializable")]),
)
depths = st.none() | st.integers(0, 3)
selections = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a - b, inner, inner),
        st.builds(lambda a, up, down: a.upstream(up) | a.downstream(down), inner, depths, depths),
        st.builds(lambda a, up: a.upstream(up, include_self=False), inner, depths),
        st.builds(lambda a, of: of(a), inner, st.sampled_from([Roots, Sinks, ChecksOf, WithoutChecks])),
        st.lists(inner, max_size=3).map(any_of),
    ),
    max_leaves=8,
)


@given(selections)
def test_every_selection_is_read_back_from_its_string(selection: AssetSelection) -> None:
    again = read(str(selection))
    assert again == selection
    assert hash(again) == hash(selection)
    assert str(again) == str(selection)


@given(st.text(st.sampled_from("ab1+*() ,:=\"<>'\\.andort\n"), max_size=20))
def test_any_text_is_read_or_refused_with_a_column(text: str) -> None:
    selection, column = None, None
    try:
        selection = read(text)
    except InvalidAssetSelection as error:
        column = error.column
    if selection is None:
        assert column in range(1, len(text) + 2)
    else:
        assert read(str(selection)) == selection


@given(texts, texts)
def test_a_literal_pattern_matches_its_own_text_only(text: str, other: str) -> None:
    assert matcher(literal(text))(text)
    assert matcher(literal(text))(other) == (text == other)


def test_importing_the_decorators_does_not_import_the_parser() -> None:
    script = """
import sys
from headwater import AssetSelection, AutomationCondition, asset
AutomationCondition.eager().ignore(AssetSelection.groups("a"))
print([name for name in sys.modules if name.endswith(("selection.parser", "selection.tokens"))])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_asset_alone_imports_nothing_of_selections() -> None:
    script = "import sys; from headwater import asset; print([n for n in sys.modules if 'selection' in n])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
