"""Ops, graphs and jobs: work that is described by its steps rather than by what it makes."""
