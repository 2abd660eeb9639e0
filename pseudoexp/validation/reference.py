"""The shipped reference histograms (`pseudoexp/data/reference`, described there) and an engine's particle level in their bins."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.cache import PACKAGE
from pseudoexp.validation.distances import (
    Distance,
    Moments,
    binned_wasserstein,
    chi2_p_value,
    histogram,
    moments,
    total_variation,
)
from pseudoexp.validation.particle_jets import COLUMNS
from pseudoexp.validation.particle_level import EVENT_COLUMNS, MAX_PT, ParticleLevel, jet_columns

SAMPLING = (250.0, 0.0)
"""pT-hat threshold [GeV] and bias with which the groups `sig_*` and `qcd_*` were made."""
PREFIX = {"signal": "sig", "qcd": "qcd"}
FIRST_X = 0.4
"""The reference lacks b hadrons of the Higgs boson below this x_B."""
BIASED = ("sig_higgs__ptB1", "sig_higgs__ptB2")
"""Histograms that suffer from it and are shown only: Pythia8 itself is 3 % below them."""
_MIN_ENTRIES = 100
_C = {name: i for i, name in enumerate(COLUMNS)}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Histogram:
    """A reference histogram.

    Attributes
    ----------
    edges, counts : arrays
        Bins.
    below, above : float
        Entries beyond the edges.
    moments : Moments
        Of all entries; the errors of the spread are unknown and 0.
    """

    edges: Array
    counts: Array
    below: float
    above: float
    moments: Moments

    def all_counts(self) -> Array:
        """Return the counts with those beyond the edges in bins of their own."""
        return np.concatenate([[self.below], self.counts, [self.above]])


@lru_cache(maxsize=1)
def reference() -> dict[str, Histogram]:
    """Return the shipped histograms by `<group>__<observable>`."""
    result = {}
    with np.load(PACKAGE / "data" / "reference" / "particle_level.npz") as file:
        for key in file.files:
            if key.endswith("__stats"):
                name = key.removesuffix("__stats")
                n, mean, spread, below, above = (float(v) for v in file[key])
                size = Moments(int(n), mean, spread / math.sqrt(max(n, 1.0)), spread, 0.0)
                result[name] = Histogram(file[f"{name}__edges"], file[f"{name}__counts"].astype(float), below, above, size)
    return result


def cross_section(process: str) -> float:
    """Return Pythia8's cross-section [pb] for `SAMPLING`, H -> bb included, from the package's table."""
    table = json.loads((PACKAGE / "data" / "pythia8_normalisation.json").read_text())
    mark = {"signal": "HiggsSM:qg2Hq", "qcd": "HardQCD:all"}[process]
    return next(float(entry["cross_section"]) for key, entry in table.items()
                if mark in key and f"pTHatMin = {SAMPLING[0]!r}" in key and "bias2Selection" not in key)


def groups(level: ParticleLevel) -> dict[str, Array]:
    """Return an engine's observables by `<group>__<observable>`, as far as the reference holds them."""
    prefix, known = PREFIX[level.process], reference()
    found = {f"{prefix}_{name}": values for name, values in level.hadrons.items()}
    found |= {f"{prefix}_event__{name}": level.events[:, i] for i, name in enumerate(EVENT_COLUMNS)}
    for group, jets in _jet_groups(level).items():
        for name, values in jet_columns(jets).items():
            found[f"{prefix}_{group}__{name}"] = values[~np.isnan(values)]
    return {key: values for key, values in found.items()
            if key in known and min(len(values), known[key].moments.n) >= _MIN_ENTRIES}


def _jet_groups(level: ParticleLevel) -> dict[str, Array]:
    """Return the jets of each group of the reference."""
    lead = level.leading()
    jets = level.jets[level.jets[:, _C["pt"]] < MAX_PT]
    if level.process == "signal":
        return {"higgs": lead, "assocb_lead": jets[(jets[:, _C["rank"]] == 0) & (jets[:, _C["dR_higgs"]] > 1.0)]}
    parton, n_b = np.abs(lead[:, _C["parton"]]), lead[:, _C["nB"]]
    chosen = {"g": parton == 21, "uds": parton <= 3, "c": parton == 4, "b": parton == 5, "1B": n_b == 1, "2B": n_b >= 2}
    return {"lead": lead, "all": jets} | {f"lead_{name}": lead[rows] for name, rows in chosen.items()}


def reference_distance(known: Histogram, values: Array) -> Distance:
    """Compare values with a reference histogram; entries beyond its edges count as bins.

    The error of the reference's spread is taken to be that of a sample of its size with the values' kurtosis.
    """
    ours = moments(values)
    edges = known.edges
    counts = np.concatenate([[(values < edges[0]).sum()], histogram(values, edges), [(values > edges[-1]).sum()]])
    theirs = known.moments
    error = ours.spread_error * math.sqrt(ours.n / theirs.n)
    one = Moments(theirs.n, theirs.mean, theirs.mean_error, theirs.spread, error)
    area = binned_wasserstein(known.counts, counts[1:-1], edges) if counts[1:-1].sum() else math.inf
    scaled = area / one.spread if one.spread > 0.0 else 0.0
    return Distance(one, ours, chi2_p_value(known.all_counts(), counts), *total_variation(known.all_counts(), counts),
                    scaled, bool(values.min() < 0.0))


def above(known: Histogram, least: float) -> Histogram:
    """Return the part of a histogram above one of its edges, its moments from the bins."""
    first = int(np.searchsorted(known.edges, least - 1e-9))
    edges, counts = known.edges[first:], known.counts[first:]
    centre = 0.5 * (edges[1:] + edges[:-1])
    n = float(counts.sum())
    mean = float((counts * centre).sum() / n)
    spread = math.sqrt(float((counts * (centre - mean) ** 2).sum() / n))
    return Histogram(edges, counts, 0.0, known.above, Moments(int(n), mean, spread / math.sqrt(n), spread, 0.0))


def compare_with_reference(level: ParticleLevel) -> dict[str, Distance]:
    """Return the distances of an engine's particle level from the reference."""
    known, result = reference(), {}
    for key, values in groups(level).items():
        histogram_, chosen = known[key], values
        if key.endswith("xB_higgs"):
            histogram_, chosen = above(known[key], FIRST_X), values[values >= FIRST_X]
        result[key] = reference_distance(histogram_, chosen)
    return result
