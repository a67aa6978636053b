"""Yardsticks that stand beside every score: what needs no training has to be beaten."""
