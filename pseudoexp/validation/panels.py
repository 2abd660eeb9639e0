"""Histograms for the eye: both samples in common bins of equal width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.validation.distances import histogram
from pseudoexp.validation.particle_level import ParticleLevel
from pseudoexp.validation.reference import groups, reference
from pseudoexp.validation.samples import Sample

_BINS, _COUNTS = 50, 60
_TAIL = 0.002

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Counts of two samples in one observable; the outermost bins hold what lies beyond."""

    name: str
    unit: str
    edges: Array
    first: Array
    second: Array


def sample_panels(first: Sample, second: Sample) -> list[Panel]:
    """Return a panel per observable of two samples."""
    units = {f.name: "GeV" if f.unit == "MeV" else f.unit for f in schema.JET_FIELDS}
    result = []
    for name in first.names:
        a, b = first.column(name), second.column(name)
        if min(len(a), len(b)) >= 2:
            edges = equal_edges(np.concatenate([a, b]))
            result.append(Panel(name, units.get(name, ""), edges, *(_clipped(v, edges) for v in (a, b))))
    return result


def equal_edges(values: Array) -> Array:
    """Return bin edges for the eye: one bin per whole number where there are few, else equal widths without the last tails."""
    low, high = np.quantile(values, (_TAIL, 1.0 - _TAIL))
    whole = bool((values == np.round(values)).all())
    if whole and high - low < _COUNTS:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.0)
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return np.linspace(low, high if high > low else low + 1.0, _BINS + 1)


def _clipped(values: Array, edges: Array) -> Array:
    return histogram(np.clip(values, edges[0], edges[-1]), edges)


def reference_panels(level: ParticleLevel, names: Sequence[str]) -> list[Panel]:
    """Return a panel per reference histogram, neighbouring bins joined to sixty at most."""
    values, known = groups(level), reference()
    result = []
    for name in names:
        edges, counts = known[name].edges, known[name].counts
        step = -(-len(counts) // _COUNTS)
        starts = np.arange(0, len(counts), step)
        ours = histogram(values[name], edges)
        result.append(Panel(name.replace("__", " "), "", np.append(edges[starts], edges[-1]),
                            np.add.reduceat(counts, starts), np.add.reduceat(ours, starts)))
    return result
