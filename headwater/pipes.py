"""For programs that a step starts: `with open_pipes() as pipes: pipes.report_asset_materialization(...)`."""

from __future__ import annotations

from .definitions.pipes.child import PipesContext as PipesContext
from .definitions.pipes.child import open_pipes as open_pipes

__all__ = ["PipesContext", "open_pipes"]
