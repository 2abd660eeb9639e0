"""Inputs and reference answers shared by the tests of the jet algorithms."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import fastjet
import numpy as np

ALGORITHMS = {-1: fastjet.antikt_algorithm, 0: fastjet.cambridge_algorithm, 1: fastjet.kt_algorithm}
MAX_RADIUS = 1000.0  # FastJet's JetDefinition.max_allowable_R


def collisions():
    """Return the stored events: list of (p4 float64, is track)."""
    with np.load(Path(__file__).with_name("events.npz")) as file:
        p4, track, offsets = file["p4"].astype(np.float64), file["track"], file["offsets"]
    return [(p4[a:b].copy(), track[a:b]) for a, b in pairwise(offsets)]


def momenta(pt, y, phi, mass=0.0):
    """Return (n, 4) momenta px, py, pz, E."""
    pt, y, phi = np.broadcast_arrays(*(np.asarray(x, float) for x in (pt, y, phi)))
    mt = np.sqrt(pt**2 + mass**2)
    return np.ascontiguousarray(np.stack([pt * np.cos(phi), pt * np.sin(phi), mt * np.sinh(y), mt * np.cosh(y)], -1))


def toy(n, seed, core=0.2, mass=0.0):
    """Return n momenta in a few jets and an even background."""
    rng = np.random.default_rng(seed)
    jet = rng.integers(0, 4, n)
    soft = rng.random(n) < 0.5
    y = np.where(soft, rng.uniform(-4.5, 4.5, n), rng.uniform(-2, 2, 4)[jet] + rng.normal(0, core, n))
    phi = np.where(soft, rng.uniform(0, 6.28, n), rng.uniform(0, 6.28, 4)[jet] + rng.normal(0, core, n))
    return momenta(rng.exponential(np.where(soft, 0.6, 8.0)), y, phi, mass)


def pseudojets(p4):
    """Return FastJet's momenta, numbered."""
    jets = []
    for i, p in enumerate(p4):
        jets.append(fastjet.PseudoJet(*map(float, p)))
        jets[-1].set_user_index(i)
    return jets


def fastjet_jets(p4, radius, power, ptmin=0.0):
    """Return {constituents: pT} of FastJet's inclusive jets."""
    sequence = fastjet.ClusterSequence(pseudojets(p4), fastjet.JetDefinition(ALGORITHMS[power], radius))
    return by_constituents(sequence.inclusive_jets(ptmin))


def fastjet_exclusive(p4, radius, power, n_jets):
    """Return {constituents: pT} of FastJet's exclusive jets."""
    sequence = fastjet.ClusterSequence(pseudojets(p4), fastjet.JetDefinition(ALGORITHMS[power], radius))
    return by_constituents(sequence.exclusive_jets_up_to(n_jets))


def by_constituents(jets):
    """Return {constituents: pT} of FastJet's jets."""
    return {frozenset(c.user_index() for c in j.constituents()): j.pt() for j in jets}


def our_jets(ws, n, n_jets):
    """Return {constituents: pT} of the jets in a workspace, checking what every result must fulfil."""
    assert n_jets >= 0
    pt = np.hypot(ws.jet_p4[:n_jets, 0], ws.jet_p4[:n_jets, 1])
    assert np.all(np.diff(pt) <= 1e-12 * pt[:-1])
    members = ws.jet_of[:n]
    assert members.dtype == np.int32 and np.all((members >= -1) & (members < n_jets))
    jets = {frozenset(np.flatnonzero(members == k).tolist()): pt[k] for k in range(n_jets)}
    assert len(jets) == n_jets and frozenset() not in jets
    return jets


def assert_same(ours, theirs, rtol=1e-9):
    """Fail unless the constituents agree exactly and every pT within rtol."""
    assert set(ours) == set(theirs)
    for members, pt in theirs.items():
        assert abs(ours[members] - pt) <= rtol * pt
