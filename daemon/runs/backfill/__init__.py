"""Backfills: many partitions of several assets, made upstream first in as many runs as it takes.

A `BackfillRequested` in the log is all it takes to start one. From then on, whenever something lands, the driver looks
at what has changed and decides what comes next:

    frontier.py   which waiting partitions can be made now, and which never will: what they read failed
    slicing.py    those that can, cut into runs by policy
    driver.py     so many of these runs that the queue never runs dry and never overflows; the end of the backfill
    local.py      the same in the process of the caller, one run after the other

What is decided are events: `RunRequested`, `BackfillSkipped`, `BackfillEnded`. The driver keeps nothing that it cannot
work out from State again, so that one which is killed goes on where the log ends.
"""
