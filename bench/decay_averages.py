"""What decays of one species are compared by: averages and histograms per decay, in the mother's rest frame."""

from __future__ import annotations

import numpy as np
from decay_guns import Decays

CHARGED = (11, 13, 211, 321, 2212, 3112, 3222, 3312, 3334)
STABLE_GROUPS = {"pi+-": (211,), "K+-": (321,), "K0S,L": (310, 130), "p": (2212,), "n": (2112,), "Lambda": (3122,),
                 "Sigma+-": (3112, 3222), "Xi, Omega": (3312, 3322, 3334), "gamma": (22,), "e": (11,), "mu": (13,),
                 "neutrino": (12, 14, 16)}
UNSTABLE_GROUPS = {"pi0": (111,), "eta, eta'": (221, 331), "D+": (411,), "D0": (421,), "Ds": (431,), "Lambda_c": (4122,),
                   "D*+": (413,), "D*0": (423,), "J/psi": (443,), "tau": (15,)}
CHARM = (411, 421, 431, 4122, 4232, 4132, 4332)
_SPECTRUM = np.array([0, .1, .2, .3, .4, .5, .6, .7, .8, 1.0, 1.3, 1.7, 2.2, 3.0])


class Sample:
    """Decays with what every average needs."""

    def __init__(self, decays: Decays) -> None:
        self.n = len(decays.first) - 1
        self.event = np.repeat(np.arange(self.n), np.diff(decays.first))
        self.code = np.abs(decays.pdg_id)
        self.stable = decays.stable
        self.daughter = np.ones(len(self.code), bool)
        self.daughter[decays.first[:-1]] = False
        self.p4 = decays.p4
        self.p = np.sqrt((decays.p4[:, :3] ** 2).sum(axis=1))
        self.charged = self.stable & np.isin(self.code, CHARGED)

    def select(self, codes: tuple[int, ...], stable: bool) -> np.ndarray:
        """Return which rows are of these species."""
        return np.isin(self.code, codes) & (self.stable if stable else self.daughter)

    def count(self, mask: np.ndarray) -> np.ndarray:
        """Return how many rows each decay has in a mask."""
        return np.bincount(self.event[mask], minlength=self.n)

    def charged_mass(self) -> np.ndarray:
        """Return the mass of all charged products of each decay."""
        c = self.charged
        total = np.stack([np.bincount(self.event[c], weights=self.p4[c, k], minlength=self.n) for k in range(4)])
        return np.sqrt(np.maximum(total[3] ** 2 - (total[:3] ** 2).sum(axis=0), 0.0))


def averages(decays: Decays) -> dict[str, tuple[float, float]]:
    """Return averages with statistical errors."""
    s = Sample(decays)
    n_charged, mass = s.count(s.charged), s.charged_mass()
    found = {"charged": (n_charged.mean(), n_charged.std() / np.sqrt(s.n)),
             "charged, std": (n_charged.std(), n_charged.std() / np.sqrt(2 * s.n)),
             "charged mass": (mass.mean(), mass.std() / np.sqrt(s.n)),
             "charged mass, std": (mass.std(), mass.std() / np.sqrt(2 * s.n))}
    for stable, groups in ((True, STABLE_GROUPS), (False, UNSTABLE_GROUPS)):
        for name, codes in groups.items():
            number = s.count(s.select(codes, stable))
            if number.any():
                found[name] = (number.mean(), number.std() / np.sqrt(s.n))
    for name, codes, stable in (("pi+-", (211,), True), ("K+-", (321,), True), ("e, mu", (11, 13), True), ("gamma", (22,), True),
                                ("charm", CHARM, False)):
        p = s.p[s.select(codes, stable)]
        if len(p) > 10:
            found[f"p of {name}"] = (p.mean(), p.std() / np.sqrt(len(p)))
            found[f"p of {name}, std"] = (p.std(), p.std() / np.sqrt(2 * len(p)))
    return found


def features(decays: Decays, topologies: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a fit of branching ratios looks at, linear in the ratios, and how well it should hold.

    Parameters
    ----------
    decays : Decays
        Of one species.
    topologies : ndarray or None
        Codes of final states to count; None takes the 70 most frequent ones of these decays.

    Returns
    -------
    values, tolerances : ndarray
        Per decay: multiplicities, spectra, charged mass, charm hadrons, topologies.
    topologies : ndarray
        The codes.
    """
    s = Sample(decays)
    values, tolerances = [], []

    def add(found: np.ndarray | float, tolerance: float) -> None:
        values.append(np.atleast_1d(found))
        tolerances.append(np.full(len(values[-1]), tolerance))

    n_charged = s.count(s.charged)
    add(np.bincount(np.minimum(n_charged, 14), minlength=15) / s.n, 0.004)
    add(n_charged.mean(), 0.006)
    add(np.histogram(s.charged_mass(), [-0.01, 0.05, *np.linspace(0.3, 5, 12)])[0] / s.n, 0.006)
    for stable, groups in ((True, STABLE_GROUPS), (False, UNSTABLE_GROUPS)):
        for codes in groups.values():
            mask = s.select(codes, stable)
            add(mask.sum() / s.n, 0.003 if codes in ((11,), (13,), (443,)) else 0.007)
            add(np.histogram(s.p[mask], _SPECTRUM)[0] / s.n, 0.01)
            add(s.p[mask].sum() / s.n, 0.005)
    count = [np.minimum(s.count(s.select(codes, stable)), 7) for codes, stable in (
        ((11, 13), True), ((321,), True), ((310, 130), True), ((211,), True), ((111,), False),
        ((2212, 2112, 3122, 3112, 3222), True), ((221, 331), False))]
    code = np.zeros(s.n, np.int64)
    for number in count:
        code = 8 * code + number
    if topologies is None:
        found, times = np.unique(code, return_counts=True)
        topologies = found[np.argsort(-times)[:70]]
    add(np.array([(code == t).mean() for t in topologies]), 0.003)
    return np.concatenate(values), np.concatenate(tolerances), topologies
