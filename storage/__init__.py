"""What happened: the event log and its events, the stores that it stands on, and the folds over it.

Importing this room imports none of its modules: what is needed is imported from where it stands (`storage.log`,
`storage.events`, `storage.state`), so that nobody pays for a database who only wants the name of an event.
"""
