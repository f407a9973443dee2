"""File arrivals: an external asset whose updates are files that land in a folder.

The pattern names the partition: `FileArrival("inbox", "{partition}.csv")` turns `inbox/2013-01-01.csv` into partition
2013-01-01. A `*` stands for any text; hidden files never match, so that a writer may build `.2013-01-01.csv` and rename
it into place. Watching the folder is the daemon's business; here is only the rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .caller import caller
from .collecting import report
from .errors import DefinitionError

PLACE = "{partition}"


@dataclass(frozen=True)
class FileArrival:
    """A relative `directory` is taken from the folder of the file that defines the asset.

    >>> inbox = AssetSpec("inbox", arrival=FileArrival("inbox", "*.csv"))
    """

    directory: str | Path
    pattern: str = PLACE

    def __post_init__(self) -> None:
        problem = None
        if "/" in self.pattern or "\\" in self.pattern:
            problem = "The pattern is that of a file name: put folders into the directory."
        elif self.pattern.count(PLACE) > 1:
            problem = f"{PLACE} may stand in it once."
        elif set(self.pattern.replace(PLACE, "")) & set("{}"):
            problem = f"{PLACE} is the only placeholder; write * for any other text."
        elif not self.pattern:
            problem = f"Write for example '{PLACE}.csv'."
        if problem:
            report(DefinitionError(f"{caller()}: FileArrival({str(self.directory)!r}, {self.pattern!r}): {problem}"))

    @property
    def has_partition(self) -> bool:
        """Whether a file's name tells its partition; otherwise every file updates the one unpartitioned asset."""
        return PLACE in self.pattern

    def matches(self, filename: str) -> bool:
        return self._expression.fullmatch(filename) is not None

    def partition_of(self, filename: str) -> str | None:
        """The partition that a file of this name is; None where the name does not fit or tells none."""
        match = self._expression.fullmatch(filename)
        return match["partition"] if match and self.has_partition else None

    def resolved(self, folder: Path) -> FileArrival:
        """The same with an absolute directory; a relative one is taken from `folder`."""
        return FileArrival(str((folder / Path(self.directory).expanduser()).absolute()), self.pattern)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "file", "directory": str(self.directory), "pattern": self.pattern}

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        texts = [".*".join(map(re.escape, part.split("*"))) for part in self.pattern.split(PLACE)]
        return re.compile(r"(?!\.)" + "(?P<partition>.+)".join(texts), re.DOTALL)


def arrival_from_json(value: dict[str, Any]) -> FileArrival:
    return FileArrival(value["directory"], value["pattern"])
