"""Pipes: a step that starts a program, and what the two say to each other.

The program finds what it is to do in one file and appends messages to another, one JSON object a line; the paths of
both are in its environment. `protocol.py` says what they look like, `child.py` is what the program imports (as
`headwater.pipes`), `session.py` and `client.py` are the step's side. A program in any language can take part.
"""
