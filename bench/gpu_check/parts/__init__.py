"""One module for each part of the check: `measure(setting)` yields values, and sentences about them."""
