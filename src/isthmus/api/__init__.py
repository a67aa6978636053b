"""The verbs, once for the command line and for Python: what was asked for, what is done, and the public functions."""
