"""Where the code of assets is, as metadata: lines of files, and addresses in a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater import (
    AnchorBasedFilePathMapping,
    AssetSpec,
    Definitions,
    InvalidInvocationError,
    UrlCodeReference,
    asset,
    asset_check,
    file_relative_path,
    link_code_references_to_git,
    with_source_code_references,
)
from headwater.definitions.code_references import CODE_REFERENCES
from headwater.definitions.metadata_kinds import CodeReferencesMetadataValue
from headwater.definitions.snapshot import DefinitionsSnapshot


@asset
def orders() -> None: ...


@asset_check(asset=orders)
def known() -> bool:
    return True


def references(found: object) -> list[str]:
    value = found.spec.metadata[CODE_REFERENCES]  # type: ignore[attr-defined]
    assert isinstance(value, CodeReferencesMetadataValue)
    return [reference.source for reference in value.code_references]


def test_an_asset_refers_to_its_file_and_line_and_a_check_is_left_alone() -> None:
    made, spec, check = with_source_code_references([orders, AssetSpec("other"), known])
    assert references(made) == [f"{__file__}:{orders.source.line}"]
    assert references(spec)[0].startswith(f"{__file__}:")
    assert check is known
    assert CODE_REFERENCES not in orders.metadata


@pytest.mark.parametrize(
    ("git_url", "address"),
    [
        ("https://github.com/us/flows.git", "https://github.com/us/flows/tree/main/src/tests/test_code_references.py"),
        ("https://gitlab.com/us/flows", "https://gitlab.com/us/flows/-/tree/main/src/tests/test_code_references.py"),
    ],
)
def test_files_become_addresses_in_the_repository(git_url: str, address: str) -> None:
    mapping = AnchorBasedFilePathMapping(Path(__file__), "src/tests/anything.py")
    (linked,) = link_code_references_to_git(with_source_code_references([orders]), git_url, "main", mapping)
    assert references(linked) == [f"{address}#L{orders.source.line}"]
    (again,) = link_code_references_to_git([linked], git_url, "other", mapping)
    assert references(again) == references(linked)
    stored = DefinitionsSnapshot.of(Definitions([linked])).assets["orders"].metadata[CODE_REFERENCES]
    assert stored["value"] == [UrlCodeReference(references(linked)[0]).to_json()]


def test_a_folder_may_be_the_anchor() -> None:
    mapping = AnchorBasedFilePathMapping(Path(__file__).parent, "src/tests")
    assert mapping.convert_to_source_control_path(Path(__file__).parent.parent / "x.py") == "src/x.py"


def test_an_address_of_neither_is_refused() -> None:
    with pytest.raises(InvalidInvocationError, match="no address of GitHub or GitLab"):
        link_code_references_to_git([], "https://example.org/x", "main", AnchorBasedFilePathMapping("x", "y"))


def test_a_path_beside_the_calling_file() -> None:
    assert Path(file_relative_path(__file__, "test_code_references.py")) == Path(__file__)
