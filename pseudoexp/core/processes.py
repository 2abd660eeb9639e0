"""The processes by their numbers, which go into every event's random numbers."""

SIGNAL, QCD, MINIMUM_BIAS = 0, 1, 2
CALIBRATION = 16
"""Added to a process by calibration, so that its events are never anybody's data."""
