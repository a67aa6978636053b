"""The doctor's checks, one per file: each looks for one fault of a run.

A check lists the `states` of a run to which it applies; its `look(measured)` returns a `Fault` or None. A remedy states
its changes as options and values. `examine` leaves out remedies that do not fit the recipe or change nothing
(`remedies.py`), so a check may list everything that helps.
"""
