"""What a table looks like, as metadata: its columns with their types and constraints, and where each column comes from.

>>> schema = TableSchema(columns=[TableColumn("id", "int", constraints=TableColumnConstraints(nullable=False))])
>>> lineage = TableColumnLineage({"total": [TableColumnDep(asset_key="orders", column_name="amount")]})

All of it is plain data. IO managers of tables attach it under the keys below, and so may any asset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .keys import AssetKey, CoercibleToAssetKey

JsonData = dict[str, Any]

COLUMN_SCHEMA = "headwater/column_schema"
COLUMN_LINEAGE = "headwater/column_lineage"
ROW_COUNT = "headwater/row_count"
PARTITION_ROW_COUNT = "headwater/partition_row_count"
TABLE_NAME = "headwater/table_name"


@dataclass(frozen=True, slots=True)
class TableColumnConstraints:
    """What holds for every value of a column; `other` are constraints in words."""

    nullable: bool = True
    unique: bool = False
    other: Sequence[str] = ()

    def to_json(self) -> JsonData:
        return {"nullable": self.nullable, "unique": self.unique, "other": list(self.other)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableColumnConstraints:
        return cls(data.get("nullable", True), data.get("unique", False), tuple(data.get("other", ())))


@dataclass(frozen=True, slots=True)
class TableConstraints:
    """What holds for a table as a whole, in words."""

    other: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column. `type` is the name of its type in whatever system holds the table."""

    name: str
    type: str = "string"
    description: str | None = None
    constraints: TableColumnConstraints = field(default_factory=TableColumnConstraints)
    tags: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> JsonData:
        data: JsonData = {"name": self.name, "type": self.type, "constraints": self.constraints.to_json()}
        if self.description is not None:
            data["description"] = self.description
        if self.tags:
            data["tags"] = dict(self.tags)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableColumn:
        constraints = TableColumnConstraints.from_json(data.get("constraints", {}))
        return cls(
            data["name"], data.get("type", "string"), data.get("description"), constraints, dict(data.get("tags", {}))
        )


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The columns of a table, in their order."""

    columns: Sequence[TableColumn]
    constraints: TableConstraints = field(default_factory=TableConstraints)

    @classmethod
    def from_name_type_dict(cls, types: Mapping[str, str]) -> TableSchema:
        """A schema of which only the names and types of the columns are said."""
        return cls([TableColumn(name, kind) for name, kind in types.items()])

    def to_json(self) -> JsonData:
        data: JsonData = {"columns": [column.to_json() for column in self.columns]}
        if self.constraints.other:
            data["constraints"] = {"other": list(self.constraints.other)}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableSchema:
        constraints = TableConstraints(tuple(data.get("constraints", {}).get("other", ())))
        return cls([TableColumn.from_json(column) for column in data["columns"]], constraints)


@dataclass(frozen=True, slots=True, init=False)
class TableRecord:
    """One row of a table that is shown, by column: `TableRecord({"id": 1})` or `TableRecord(id=1)`."""

    data: Mapping[str, str | int | float | bool | None]

    def __init__(self, data: Mapping[str, Any] | None = None, **values: Any) -> None:
        object.__setattr__(self, "data", {**(data or {}), **values})


@dataclass(frozen=True, slots=True, init=False)
class TableColumnDep:
    """A column of an upstream asset."""

    asset_key: AssetKey
    column_name: str

    def __init__(self, asset_key: CoercibleToAssetKey, column_name: str) -> None:
        object.__setattr__(self, "asset_key", AssetKey.of(asset_key))
        object.__setattr__(self, "column_name", column_name)


@dataclass(frozen=True, slots=True)
class TableColumnLineage:
    """For each column the upstream columns that it is computed from."""

    deps_by_column: Mapping[str, Sequence[TableColumnDep]]

    def to_json(self) -> JsonData:
        return {
            column: [[dep.asset_key.to_user_string(), dep.column_name] for dep in deps]
            for column, deps in self.deps_by_column.items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableColumnLineage:
        return cls(
            {
                column: [TableColumnDep(AssetKey.from_user_string(key), name) for key, name in deps]
                for column, deps in data.items()
            }
        )
