"""A trigger on a score: rate of QCD events against the share of signal events that is kept.

A crossing fires where one of its selected jets has a score of the threshold or more: events are counted by their best jet.
rate = L sigma, and crossings with collisions come at L sigma_inel / mu. What the sample does not hold has no rate here: jets
below its pT, and what pile-up alone would fire.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.errors import ConfigError, DataError
from pseudoexp.experiments.candidates import BACKGROUND, SIGNAL, Sample, read_samples
from pseudoexp.experiments.columns import parsed, scored

SQUARE_CM = 1e-36
"""cm^2 per pb."""
MILLIBARN = 1e9
"""pb per mb."""
MOST_CROSSINGS = 40.08e6
"""Of the LHC [Hz]: one every 25 ns."""
EFFICIENCIES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
CURVE = 100
"""Points of the curve."""
DAY = 86400.0
Array = NDArray[np.float64]
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Machine:
    """The collider.

    Attributes
    ----------
    luminosity : float
        Instantaneous [1/cm^2/s].
    pileup : float
        Mean number of inelastic collisions per crossing (mu).
    inelastic : float
        Their cross-section [mb].
    """

    luminosity: float
    pileup: float
    inelastic: float

    def __post_init__(self) -> None:
        if self.crossings > MOST_CROSSINGS:
            raise ConfigError(f"luminosity {self.luminosity:g} /cm2/s with mu = {self.pileup:g} and {self.inelastic:g} mb needs "
                              f"{self.crossings / 1e6:.3g} million crossings per second; allowed: up to 40.08 million, one every "
                              "25 ns (a larger mu or a smaller luminosity)")

    @property
    def crossings(self) -> float:
        """Crossings with colliding bunches [Hz]."""
        return self.luminosity * self.inelastic * MILLIBARN * SQUARE_CM / self.pileup

    def rate(self, cross_section: float) -> float:
        """Return the rate [Hz] of a cross-section [pb]."""
        return self.luminosity * cross_section * SQUARE_CM


@dataclass(frozen=True)
class Point:
    """A threshold; errors are those at this threshold as it stands.

    Attributes
    ----------
    threshold : float
        Least score that fires.
    efficiency, efficiency_error : float
        Share of the signal events with a row.
    rate, rate_error : float
        QCD events that fire [Hz], and the error from the sample's size.
    crossings_per_event, candidates_per_event : float
        Crossings, and QCD events with a row, per event that fires: the data reduction; infinite without such.
    signal_per_day : float
        Signal events that fire in a day at this luminosity.
    sampled : int
        QCD events of the sample that fire.
    effective : float
        As many of equal weight would be as good.
    """

    threshold: float
    efficiency: float
    efficiency_error: float
    rate: float
    rate_error: float
    crossings_per_event: float
    candidates_per_event: float
    signal_per_day: float
    sampled: int
    effective: float


@dataclass(frozen=True)
class Trigger:
    """A score at work.

    Attributes
    ----------
    score, selection : str
        Expressions.
    machine : Machine
        Where.
    candidates : float
        QCD events with a row [Hz].
    points, curve : list of Point
        At the efficiencies asked for, and many more.
    notes : list of str
        What the figures leave out.
    """

    score: str
    selection: str
    machine: Machine
    candidates: float
    points: list[Point]
    curve: list[Point]
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self) | {"crossings": self.machine.crossings}


def trigger(path: str | Path, score: str, selection: str, split: str | None, machine: Machine, efficiencies: Sequence[float],
            scores: str | Path | None = None, tell: Tell = lambda *_: None) -> Trigger:
    """Return rates of a score; see `pseudoexp.api.rate`.

    Raises
    ------
    ConfigError
        For a wrong expression or efficiency.
    DataError
        If the selection keeps no event of a class, or less of the signal than any efficiency asked for.
    """
    if not len(efficiencies):
        raise ConfigError("efficiencies is empty; allowed: at least one number between 0 and 1")
    for value in efficiencies:
        if not 0.0 < value < 1.0:
            raise ConfigError(f"efficiency {value:g}; allowed: numbers between 0 and 1")
    info = probe(path)
    found = scored(info, scores, split) if scores is not None else None
    condition = parsed(selection, info, found, condition=True) if selection else None
    samples = read_samples(info, condition, parsed(score, info, found, condition=False, what="score"), split,
                           found.values if found else None, lambda rows: tell("reading", rows, info.rows))
    signal = samples[SIGNAL]
    reach = signal.efficiency
    wanted = sorted(value for value in efficiencies if value <= reach)
    if not wanted:
        raise DataError(f"{path}: the selection keeps {reach:.4g} of the signal; allowed: efficiencies up to that")
    notes = _notes(info, machine) + (found.notes() if found else [])
    if len(wanted) < len(efficiencies):
        notes.append(f"the selection keeps {reach:.4g} of the signal: larger efficiencies are out of reach")
    grid = np.linspace(min(0.02, wanted[0]), min(reach, 0.995), CURVE)
    thresholds = _thresholds(signal, np.array(wanted)), _thresholds(signal, grid)
    points, curve = ([_point(float(t), samples, machine) for t in some] for some in thresholds)
    return Trigger(score, selection, machine, machine.rate(samples[BACKGROUND].fiducial), points, curve, notes)


def _notes(info: FileInfo, machine: Machine) -> list[str]:
    made = json.loads(info.attributes.get("configuration", "{}"))
    low, pileup = made.get("pthat_min"), made.get("pileup", 0.0)
    found = ["rates are those of QCD events with a large-R jet of pT > 250 GeV and two track jets; what lies below has none here",
             "leading-order cross-sections, offline inputs"]
    if low is not None:
        found[0] = f"events were generated above a pT-hat of {low:g} GeV; " + found[0]
    if pileup != machine.pileup:
        found.append(f"the jets of this file were made with {pileup:g} pile-up collisions, not {machine.pileup:g}: pile-up "
                     "raises the crossings' number of candidates and blurs the score")
    return found


def _thresholds(signal: Sample, efficiencies: Array) -> Array:
    """Return the largest thresholds that keep these shares of the signal."""
    order = np.argsort(-signal.events.score, kind="stable")
    kept = np.cumsum(signal.events.cross_section[order]) / signal.fiducial
    last = np.minimum(np.searchsorted(kept, efficiencies * (1 - 1e-12)), len(order) - 1)
    return np.asarray(signal.events.score[order][last])


def _point(threshold: float, samples: dict[str, Sample], machine: Machine) -> Point:
    signal, background = samples[SIGNAL], samples[BACKGROUND]
    w = signal.events.cross_section
    fires = signal.events.score >= threshold
    efficiency = float(w[fires].sum() / signal.fiducial)
    spread = (w[fires] ** 2).sum() * (1 - efficiency) ** 2 + (signal.square - (w[fires] ** 2).sum()) * efficiency**2
    b = background.events.cross_section[background.events.score >= threshold]
    total, square = float(b.sum()), float((b**2).sum())
    rate = machine.rate(total)
    error = float(np.sqrt(max(spread, 0.0))) / signal.fiducial
    return Point(threshold, efficiency, error, rate, machine.rate(square**0.5),
                 machine.crossings / rate if rate > 0.0 else np.inf,
                 background.fiducial / total if total > 0.0 else np.inf, machine.rate(float(w[fires].sum())) * DAY, len(b),
                 total**2 / square if square > 0.0 else 0.0)
