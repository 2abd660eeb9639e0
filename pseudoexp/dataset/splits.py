"""Which rows are for what: decided by `eventNumber % 10`, never recomputed, so that one event has one split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError

RESIDUES: dict[str, tuple[int, ...]] = {"train": tuple(range(8)), "val": (8,), "test": (9,)}
"""Residues of `eventNumber` modulo 10 per split."""


def residues(split: str | None) -> tuple[int, ...]:
    """Return the residues of a split; all for None.

    Raises
    ------
    ConfigError
        For an unknown split.
    """
    if split is None:
        return tuple(range(10))
    if split not in RESIDUES:
        raise ConfigError(f"split {split!r}; allowed: {', '.join(RESIDUES)} or None")
    return RESIDUES[split]


def in_split(event_number: NDArray[np.int64], split: str | None) -> NDArray[np.bool_]:
    """Return which rows belong to a split."""
    member = np.zeros(10, dtype=np.bool_)
    member[list(residues(split))] = True
    return np.asarray(member[event_number % 10])


def events_in_split(tried: int, split: str | None) -> int:
    """Return how many of the events 0 ... tried - 1 of one process belong to a split."""
    return sum((tried - residue + 9) // 10 for residue in residues(split))
