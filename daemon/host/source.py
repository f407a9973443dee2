"""Where the user's definitions are: a file or a module, and the folder to look from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CodeSource:
    """The sources of one code location, as `-f FILE` or `-m MODULE` name them.

    `folder` is the host's working directory; a module is looked for there first.
    """

    file: Path | None = None
    module: str | None = None
    folder: Path = Path()

    def __post_init__(self) -> None:
        if (self.file is None) == (self.module is None):
            raise ValueError("A code source is either a file or a module: give one of the two.")

    @classmethod
    def of_file(cls, file: Path | str, *, folder: Path | None = None) -> CodeSource:
        return cls(file=Path(file).absolute(), folder=(folder or Path.cwd()).absolute())

    @classmethod
    def of_module(cls, module: str, *, folder: Path | None = None) -> CodeSource:
        return cls(module=module, folder=(folder or Path.cwd()).absolute())

    @property
    def watched(self) -> Path:
        """The folder whose Python files belong to these definitions."""
        return self.folder if self.file is None else self.file.parent

    def arguments(self) -> list[str]:
        """This source as command-line arguments of the host and of a fresh worker."""
        if self.file is not None:
            return ["-f", str(self.file)]
        return ["-m", str(self.module)]

    def __str__(self) -> str:
        return str(self.file or self.module)
