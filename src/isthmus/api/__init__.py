"""The verbs, shared by the command line and Python: requests, the work of each verb, and the public functions."""
