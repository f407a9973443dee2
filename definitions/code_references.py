"""Where the code of an asset is, as metadata: a file and line of this machine, or an address in a git repository.

>>> assets = with_source_code_references([orders, revenue])
>>> assets = link_code_references_to_git(
...     assets, "https://github.com/us/flows", "main",
...     AnchorBasedFilePathMapping(Path("/home/us/flows/assets.py"), "flows/assets.py"))
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InvalidInvocationError

if TYPE_CHECKING:
    from .assets_definition import AssetsDefinition
    from .source import SourceLine
    from .spec import AssetSpec

CODE_REFERENCES = "headwater/code_references"


@dataclass(frozen=True, slots=True)
class LocalFileCodeReference:
    """A line of a file of the machine that loads the definitions."""

    file_path: str
    line_number: int | None = None
    label: str | None = None

    @property
    def source(self) -> str:
        return f"{self.file_path}:{self.line_number}" if self.line_number is not None else self.file_path

    def to_json(self) -> dict[str, Any]:
        return {"file_path": self.file_path, "line_number": self.line_number, "label": self.label}


@dataclass(frozen=True, slots=True)
class UrlCodeReference:
    """An address at which the code can be read."""

    url: str
    label: str | None = None

    @property
    def source(self) -> str:
        return self.url

    def to_json(self) -> dict[str, Any]:
        return {"url": self.url, "label": self.label}


CodeReference = LocalFileCodeReference | UrlCodeReference


def reference_from_json(data: Mapping[str, Any]) -> CodeReference:
    return UrlCodeReference(**data) if "url" in data else LocalFileCodeReference(**data)


@dataclass(frozen=True, slots=True)
class AnchorBasedFilePathMapping:
    """Finds files in the repository by one of which both paths are known: here, and from the repository's root."""

    local_file_anchor: str | os.PathLike[str]
    file_anchor_path_in_repository: str

    def convert_to_source_control_path(self, local_file_path: Path) -> str:
        anchor = Path(self.local_file_anchor)
        relative = os.path.relpath(local_file_path, anchor if anchor.is_dir() else anchor.parent)
        start = Path(self.file_anchor_path_in_repository)
        start = start if anchor.is_dir() else start.parent
        return os.path.normpath(start / relative).replace(os.sep, "/")


def with_source_code_references(assets: Iterable[Any]) -> list[Any]:
    """The assets, with the file and line of each in its metadata. What is no asset stays as it is."""
    return [_with_references(asset, _local(asset.source)) if _is_asset(asset) else asset for asset in assets]


def link_code_references_to_git(
    assets_defs: Iterable[Any],
    git_url: str,
    git_branch: str,
    file_path_mapping: AnchorBasedFilePathMapping,
) -> list[Any]:
    """The assets, with the files in their code references replaced by addresses in a repository.

    Understands the addresses of GitHub and of GitLab.

    Raises:
        InvalidInvocationError: `git_url` is of neither.
    """
    base = _browsable(git_url, git_branch)

    def linked(asset: AssetsDefinition | AssetSpec) -> AssetsDefinition | AssetSpec:
        from .metadata_kinds import CodeReferencesMetadataValue

        known = asset.spec.metadata.get(CODE_REFERENCES)
        references = known.code_references if isinstance(known, CodeReferencesMetadataValue) else ()
        return _with_references(
            asset, *(_in_repository(reference, base, file_path_mapping) for reference in references)
        )

    return [linked(asset) if _is_asset(asset) else asset for asset in assets_defs]


def _in_repository(reference: CodeReference, base: str, mapping: AnchorBasedFilePathMapping) -> CodeReference:
    if isinstance(reference, UrlCodeReference):
        return reference
    path = mapping.convert_to_source_control_path(Path(reference.file_path))
    line = f"#L{reference.line_number}" if reference.line_number else ""
    return UrlCodeReference(f"{base}/{path}{line}", reference.label)


def _browsable(git_url: str, branch: str) -> str:
    url = git_url.removesuffix("/").removesuffix(".git")
    if "gitlab" in url:
        return f"{url}/-/tree/{branch}"
    if "github" in url:
        return f"{url}/tree/{branch}"
    raise InvalidInvocationError(f"link_code_references_to_git: {git_url!r} is no address of GitHub or GitLab.")


def _local(source: SourceLine) -> LocalFileCodeReference:
    return LocalFileCodeReference(os.path.abspath(source.file), source.line)


def _with_references(asset: Any, *references: CodeReference) -> Any:
    from .metadata_kinds import CodeReferencesMetadataValue

    if not references:
        return asset

    def described(spec: AssetSpec) -> AssetSpec:
        return spec.merge_attributes(metadata={CODE_REFERENCES: CodeReferencesMetadataValue(references)})

    return asset.map_asset_specs(described)


def _is_asset(asset: Any) -> bool:
    from .assets_definition import AssetsDefinition
    from .spec import AssetSpec

    return isinstance(asset, (AssetsDefinition, AssetSpec))
