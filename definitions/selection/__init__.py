"""Selections: which of the assets are meant. `AssetSelection` builds them, `parser.py` says what strings mean."""

from .base import AssetSelection as AssetSelection
from .base import CoercibleToAssetSelection as CoercibleToAssetSelection
