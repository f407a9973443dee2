"""What should exist: assets, checks, partitions, conditions, and the snapshot of them that the other rooms read.

Importing this room costs little: no pydantic, no SQLAlchemy, no event loop. Users import its names from `headwater`.
"""

import sys

from .deferred import Room

sys.modules[__name__].__class__ = Room  # so that `from headwater import definitions` is the decorator too
