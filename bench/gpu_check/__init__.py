"""Every open goal on a GPU in one command of at most eight minutes: `make gpu-check`."""
