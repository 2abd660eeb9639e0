"""Expected mass spectra of a class and how well a weighted sample knows them.

An event that stands for lambda expected ones happens Poisson(lambda) times, each time with all its selected jets. Sums of
Poisson numbers are Poisson again: it is enough to know the expectation per cell of mass and number of jets. The sample's own
error of a sum is sqrt(sum lambda^2), as if (sum lambda)^2 / sum lambda^2 events of equal weight had made it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pseudoexp.experiments.candidates import Events

PER_PB = 1000.0
"""fb per pb."""
MIN_EFFECTIVE = 10.0
"""Effective background events that a bin of the fit has at least."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Yield:
    """A sum of weights.

    Attributes
    ----------
    expected, error : float
        Expected events, and their error from the sample's finite size.
    sampled : int
        Events in the sample.
    effective : float
        As many events of equal weight would be as good.
    largest : float
        Share of the heaviest event.
    """

    expected: float
    error: float
    sampled: int
    effective: float
    largest: float


def summed(expected: Array) -> Yield:
    """Return the sum over events that stand for `expected` each."""
    total, square = float(expected.sum()), float((expected**2).sum())
    return Yield(total, float(np.sqrt(square)), len(expected), total**2 / square if square > 0.0 else 0.0,
                 float(expected.max(initial=0.0)) / total if total > 0.0 else 0.0)


@dataclass(frozen=True)
class Spectrum:
    """Expected events per cell of mass.

    Attributes
    ----------
    edges : (cells - 1,) array
        Inner edges of the cells [GeV]; the outermost ones are open.
    expected : (k, cells) array
        Expected events with 1, 2, ... k selected jets.
    variance : (cells,) array
        Of the expectation, from the sample's finite size.
    """

    edges: Array
    expected: Array
    variance: Array

    def scaled(self, factor: float) -> Spectrum:
        """Return the spectrum with every expectation multiplied."""
        return Spectrum(self.edges, factor * self.expected, factor**2 * self.variance)

    def within(self, edges: Array) -> tuple[Array, Array]:
        """Return expectation and variance between neighbours of `edges`, all of which are edges of cells."""
        return rebinned(self.expected.sum(axis=0), self.edges, edges), rebinned(self.variance, self.edges, edges)


def spectrum(events: Events, luminosity: float, edges: Array) -> Spectrum:
    """Return the spectrum of events for a luminosity [1/fb] in cells between `edges` [GeV] and beyond them."""
    expected = events.cross_section * PER_PB * luminosity
    cells = len(edges) + 1
    cell = np.searchsorted(edges, events.mass, side="right")
    most = int(events.jets.max(initial=1))
    table = np.zeros((most, cells))
    np.add.at(table, (events.jets - 1, cell), expected)
    variance = np.zeros(cells)
    np.add.at(variance, cell, expected**2)
    return Spectrum(edges, table, variance)


def rebinned(content: NDArray, cells: Array, edges: Array) -> NDArray:
    """Sum the last axis, cells between inner edges `cells`, to bins between `edges`."""
    starts = np.searchsorted(cells, edges) + 1
    return np.add.reduceat(content, starts, axis=-1)[..., :-1]


def fit_edges(edges: Array, background: Array, variance: Array) -> Array:
    """Return the edges left when bins are joined, from the left, until each has `MIN_EFFECTIVE` effective background events.

    What is left over at the end joins the last bin; a single bin may have fewer.
    """
    kept = [0]
    total = square = 0.0
    for i, (b, v) in enumerate(zip(background, variance, strict=True)):
        total, square = total + b, square + v
        if square > 0.0 and total * total >= MIN_EFFECTIVE * square:
            kept.append(i + 1)
            total = square = 0.0
    if len(kept) == 1:
        kept.append(len(edges) - 1)
    kept[-1] = len(edges) - 1
    return edges[kept]
