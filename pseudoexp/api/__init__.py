"""The public functions; the command line calls the same ones with the same names."""

from __future__ import annotations

from pseudoexp.api.collisions import events, particles, replay
from pseudoexp.api.datasets import convert, generate, info, load, load_benchmark, load_objects, merge, shift, verify
from pseudoexp.api.studies import explore, rate, toys, validate

__all__ = ["convert", "events", "explore", "generate", "info", "load", "load_benchmark", "load_objects", "merge", "particles",
           "rate", "replay", "shift", "toys", "validate", "verify"]
