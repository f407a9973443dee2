"""The command line: `headwater`, for people (tables, plain words) and for programs (`--json`, exit codes).

    entry.py ── --version, at once ── app.py ── dev, check, asset ..., run ..., events ...

What a command does is imported when it is called: reading the arguments is all that the others cost. Nothing here
decides anything: commands read the log and fold it, or append to it what anybody may append.
"""
