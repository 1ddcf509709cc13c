"""Rollup: exact figures, live, in both trees of divisions, with their history.

Hears: every topic of `heard_by("rollup")`: what was canvassed, tested and visited, and each person's state as derived.
Owns: which statement counts for which subject (`counted`, `spares`), the figures at every level, their history, drift.
Says: nothing. A figure is a function of the state at rest, never a number of statements.
"""
