"""Rules of the doctor, one a file: each looks for one fault in what a run shows.

A rule names the `states` of a run in which its words mean something, and its `look(measured)` gives a `Fault` or None.
What it would have changed is declared as options and values: whoever examines leaves out what does not fit the recipe
or is so already (`remedies.py`), so a rule may name everything that helps.
"""
