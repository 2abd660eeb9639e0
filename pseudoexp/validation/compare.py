"""A whole comparison: distances, correlations, fractions and two-sample tests of several samples, judged by limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.validation.distances import Distance, distance, rank_correlation
from pseudoexp.validation.limits import Breach, Limits
from pseudoexp.validation.samples import Sample
from pseudoexp.validation.two_sample import MIN_ROWS, Verdict, two_sample_test

PT_BINS = (250.0, 350.0, 500.0, 750.0, 1500.0)
"""Edges [GeV] of the bins in which the two-sample test is repeated."""
FRACTION_BINS = (250.0, 400.0, 600.0, 1000.0)
WHOLE = "all"
CROSS_SECTION = "cross-section [pb]"
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Fraction:
    """Shares of jets with 0, 1, 2 or more hadrons of a kind in a bin of pT: (value, error) of both samples."""

    hadron: str
    where: str
    count: str
    first: tuple[float, float]
    second: tuple[float, float]

    @property
    def shift(self) -> tuple[float, float]:
        """Difference over the first share, and its error."""
        if self.first[0] == 0.0:
            return 0.0, 0.0
        return (self.second[0] - self.first[0]) / self.first[0], math.hypot(self.first[1], self.second[1]) / self.first[0]


@dataclass(frozen=True)
class Correlation:
    """Rank correlations of the inputs in both samples."""

    names: tuple[str, ...]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    rows: tuple[int, int]

    def largest(self) -> tuple[str, float, float]:
        """Return the pair of inputs whose correlations differ most, the difference and its error."""
        gap = np.abs(self.second - self.first)
        i, j = np.unravel_index(int(gap.argmax()), gap.shape)
        rest = 1.0 - self.first[i, j] ** 2
        return f"{self.names[i]} x {self.names[j]}", float(gap[i, j]), float(rest * math.sqrt(sum(1.0 / n for n in self.rows)))


@dataclass(frozen=True)
class Table:
    """Everything about one pair of samples.

    Attributes
    ----------
    scope : str
        Which limits apply.
    sample : str
        What the rows are.
    distances : mapping
        Observable to distance.
    judged : tuple of str
        Observables whose distances are judged.
    moments : tuple of str
        Observables whose means and spreads are judged.
    verdicts : mapping
        Bin of pT to the result of the two-sample test.
    correlation : Correlation or None
        Of the inputs.
    fractions : tuple of Fraction
        Shares of heavy hadrons.
    """

    scope: str
    sample: str
    distances: dict[str, Distance]
    judged: tuple[str, ...]
    moments: tuple[str, ...] = ()
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    correlation: Correlation | None = None
    fractions: tuple[Fraction, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        distances = {name: asdict(d) | {"excess": d.excess, "judged": name in self.judged, "moments_judged": name in self.moments}
                     for name, d in self.distances.items()}
        result: dict[str, Any] = {"scope": self.scope, "sample": self.sample, "observables": distances,
                                  "two_sample_test": {name: asdict(v) for name, v in self.verdicts.items()},
                                  "fractions": [asdict(f) for f in self.fractions]}
        if self.correlation is not None:
            pair, gap, error = self.correlation.largest()
            result["correlation"] = {"names": list(self.correlation.names), "first": self.correlation.first.round(4).tolist(),
                                     "second": self.correlation.second.round(4).tolist(), "largest_difference": gap,
                                     "error": error, "pair": pair}
        return result


def compare_samples(scope: str, name: str, first: Sample, second: Sample, tell: Tell | None = None,
                    seed: int = 1, judged_moments: tuple[str, ...] | None = None) -> Table:
    """Compare two samples of one class.

    Parameters
    ----------
    scope : str
        Which limits apply.
    name : str
        What the rows are.
    first, second : Sample
        The samples.
    tell : callable, optional
        Hears what is done next.
    seed : int
        Of the two-sample test.
    judged_moments : tuple of str, optional
        Observables whose means and spreads are judged; the inputs by default.
    """
    say = tell or (lambda text: None)
    say(f"{name}: distances")
    distances = {}
    for column in first.names:
        one, two = first.column(column), second.column(column)
        if min(len(one), len(two)) >= 2:
            distances[column] = distance(one, two)
    inputs = first.names[:first.inputs]
    held = inputs if judged_moments is None else judged_moments
    if not inputs:
        return Table(scope, name, distances, (), held)
    verdicts = {}
    for where, one_sample, two_sample in _bins(first, second):
        if min(len(one_sample), len(two_sample)) < (1 if where == WHOLE else 5 * MIN_ROWS):
            continue
        say(f"{name}: two-sample test, {where}")
        verdicts[where] = two_sample_test(one_sample.rows(), two_sample.rows(), inputs, seed)
    one_matrix, two_matrix = (rank_correlation(np.nan_to_num(s.data[:, :s.inputs], nan=0.0)) for s in (first, second))
    correlation = Correlation(inputs, one_matrix, two_matrix, (len(first), len(second)))
    return Table(scope, name, distances, inputs, held, verdicts, correlation, tuple(hadron_fractions(first, second)))


def _bins(first: Sample, second: Sample) -> Iterator[tuple[str, Sample, Sample]]:
    yield WHOLE, first, second
    for low, high in pairwise(PT_BINS):
        yield f"pT {low:g}-{high:g}", *(s.take((s.pt >= low) & (s.pt < high)) for s in (first, second))  # type: ignore[misc]


def hadron_fractions(first: Sample, second: Sample) -> Iterator[Fraction]:
    """Yield the shares of jets with 0, 1, 2 or more b hadrons and, without b, prompt c hadrons, over all pT and in bins."""
    if "nB" not in first.names:
        return
    edges = [(WHOLE, 0.0, math.inf), *((f"pT {a:g}-{b:g}", a, b) for a, b in pairwise(FRACTION_BINS))]
    for where, low, high in edges:
        pair = [s.take((s.pt >= low) & (s.pt < high)) for s in (first, second)]
        yield from fractions("b", where, *(s.column("nB") for s in pair))
        yield from fractions("c", where, *(s.column("nD")[s.column("nB") == 0] for s in pair))


def fractions(hadron: str, where: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> Iterator[Fraction]:
    """Yield the shares of 0, 1, 2 or more in two lists of numbers of hadrons."""
    one, two = (np.bincount(v.astype(np.int64), minlength=3).astype(np.float64) for v in (first, second))
    yield from count_fractions(hadron, where, one, two)


def count_fractions(hadron: str, where: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> Iterator[Fraction]:
    """Yield the shares of 0, 1, 2 or more from how many jets have 0, 1, 2, ... hadrons."""
    if min(first.sum(), second.sum()) == 0.0:
        return
    for k, count in enumerate(("0", "1", ">=2")):
        yield Fraction(hadron, where, count, *(_share(c[k] if k < 2 else c[2:].sum(), c.sum()) for c in (first, second)))


def _share(chosen: float, total: float) -> tuple[float, float]:
    p = float(chosen / total)
    return p, math.sqrt(p * (1.0 - p) / total)


def breaches(table: Table, limits: Limits) -> list[Breach]:
    """Return the figures of a table that are beyond their limits."""
    found: list[Breach] = []

    def check(observable: str, figure: str, value: float, error: float, below: bool = False) -> None:
        limit = limits.of(table.scope, figure)
        if limit is None or math.isnan(value):
            return
        broken = value < limit if below else value - limits.sigmas * error > limit
        if broken:
            found.append(Breach(table.scope, table.sample, observable, figure, value, error, limit))

    for name, d in table.distances.items():
        if name in table.moments:
            check(name, "mean", *_size(d.mean_shift))
            check(name, "spread", *_size(d.spread_shift))
        if name in table.judged:
            if d.expected < limits.expected_below:
                check(name, "total_variation", d.excess, d.fluctuation)
            check(name, "wasserstein", d.wasserstein, 0.0)
            check(name, "p_value", d.p_value, 0.0, True)
    if CROSS_SECTION in table.distances:
        check(CROSS_SECTION, "cross_section", *_size(table.distances[CROSS_SECTION].mean_shift))
    for fraction in table.fractions:
        shift, error = fraction.shift
        check(f"{fraction.count} {fraction.hadron} hadrons, {fraction.where}", "fraction", abs(shift), error)
    if table.correlation is not None:
        pair, gap, error = table.correlation.largest()
        check(pair, "correlation", gap, error)
    for where, verdict in table.verdicts.items():
        check(f"two-sample test, {where}", "auc", verdict.auc, verdict.error)
    return found


def _size(shift: tuple[float, float]) -> tuple[float, float]:
    return abs(shift[0]), shift[1]
