from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.definitions.errors import InvalidDefinitionError
from headwater.definitions.keys import AssetKey

PARTS = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4) | st.lists(
    st.text(alphabet="a/\\", min_size=1, max_size=5), min_size=1, max_size=4
)


@given(parts=PARTS)
def test_a_user_string_reads_back_to_the_same_key(parts: list[str]) -> None:
    assert AssetKey.from_user_string(AssetKey(parts).to_user_string()) == AssetKey(parts)


@given(one=PARTS, other=PARTS)
def test_two_keys_never_share_a_user_string(one: list[str], other: list[str]) -> None:
    same = AssetKey(one).to_user_string() == AssetKey(other).to_user_string()
    assert same == (one == other)


def test_a_slash_in_a_part_is_escaped() -> None:
    assert AssetKey(["a/b", "c"]).to_user_string() == r"a\/b/c"
    assert AssetKey("a/b").path == ["a/b"]
    assert AssetKey.from_user_string("a/b").path == ["a", "b"]


def test_keys_are_values_that_sort_hash_copy_and_pickle() -> None:
    key = AssetKey(["sales", "orders"])
    assert {key, AssetKey(("sales", "orders"))} == {key}
    assert sorted([AssetKey("b"), AssetKey(["a", "z"]), AssetKey("a")])[0] == AssetKey("a")
    assert max(AssetKey("a"), AssetKey("b")) == AssetKey("b")
    assert pickle.loads(pickle.dumps(key)) == copy.deepcopy(key) == key
    assert key != "sales/orders"
    assert repr(key) == "AssetKey(['sales', 'orders'])"


def test_prefixes_and_identifiers() -> None:
    key = AssetKey("raw-orders").with_prefix(["sales", "eu"])
    assert key == AssetKey(["sales", "eu", "raw-orders"])
    assert key.has_prefix(["sales"])
    assert not key.has_prefix(["eu"])
    assert key.to_python_identifier() == "sales__eu__raw_orders"
    assert AssetKey("a").with_prefix("p") == AssetKey(["p", "a"])


class Spec:
    key = AssetKey("made_elsewhere")


@pytest.mark.parametrize(
    ("given_as", "path"),
    [
        ("orders", ["orders"]),
        ("raw-orders.v2", ["raw-orders.v2"]),
        (["sales", "orders"], ["sales", "orders"]),
        (AssetKey("orders"), ["orders"]),
        (Spec(), ["made_elsewhere"]),
    ],
)
def test_what_stands_for_a_key_is_coerced(given_as: object, path: list[str]) -> None:
    assert AssetKey.of(given_as).path == path


def test_a_string_with_a_slash_is_no_name_and_the_message_says_what_to_write() -> None:
    with pytest.raises(InvalidDefinitionError, match=r"write \['sales', 'orders'\]"):
        AssetKey.of("sales/orders")


@pytest.mark.parametrize("bad", ["", "a b", "über", "a\n"])
def test_other_strings_are_no_names(bad: str) -> None:
    with pytest.raises(InvalidDefinitionError):
        AssetKey.of(bad)


@pytest.mark.parametrize("empty", [[], "", ["a", ""], [3]])
def test_a_key_has_parts_and_none_is_empty(empty: object) -> None:
    with pytest.raises(InvalidDefinitionError, match="none of them empty"):
        AssetKey(empty)  # type: ignore[arg-type]


def test_what_stands_for_no_key_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="does not stand for an asset"):
        AssetKey.of(3)
