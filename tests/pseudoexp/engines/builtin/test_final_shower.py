"""Branchings of one dipole end against its density, integrated numerically, and what a branching leaves behind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.coupling import alpha_s
from pseudoexp.engines.builtin.dice import SHOWER, new_dice, throw_from
from pseudoexp.engines.builtin.dipoles import add_ends, forget_ends, shower_tables, shower_work
from pseudoexp.engines.builtin.evolution import CUTOFF2, scale2_at
from pseudoexp.engines.builtin.final_shower import judge, next_trial
from pseudoexp.engines.builtin.parton_density import density
from pseudoexp.engines.builtin.partons import FINAL, INCOMING, append_parton, new_partons, new_systems
from pseudoexp.engines.builtin.showers import start_ends
from pseudoexp.engines.builtin.splitting import MASSES, decay_element, octet

SINGLET, OCTET = 1, 2
TABLES = shower_tables()


class Dipole(NamedTuple):
    """A radiator and what recoils."""

    radiator: int
    recoiler: int
    masses: tuple[float, float] = (0.0, 0.0)
    energy: float = 100.0  # of two final partons in their rest frame
    x: float = 0.0  # of an incoming recoiler
    pair: int = 0  # what both are: nothing, the quarks of a singlet or of an octet

    def momenta(self) -> np.ndarray:
        """Return px, py, pz, E of both."""
        a, b = self.masses
        if self.x > 0.0:
            ahead = 0.25 / self.x  # E - pz, for a dipole of about 60 GeV
            p = np.array([30.0, -40.0, (2500.0 + a * a - ahead**2) / (2.0 * ahead)])
            return np.array([[*p, np.sqrt(p @ p + a * a)], [0.0, 0.0, 7000.0 * self.x, 7000.0 * self.x]])
        s = self.energy**2
        p = np.sqrt((s - (a + b) ** 2) * (s - (a - b) ** 2) / (4 * s))
        return np.array([[0.0, 0.0, p, np.sqrt(p * p + a * a)], [0.0, 0.0, -p, np.sqrt(p * p + b * b)]])


DIPOLES = {
    "light quark": Dipole(2, -2), "b quark": Dipole(5, -5, (4.8, 4.8)), "b quark and gluon": Dipole(5, 21, (4.8, 0.0)),
    "b quark of a Higgs boson": Dipole(5, -5, (4.8, 4.8), pair=SINGLET),
    "b quark of a gluon": Dipole(5, -5, (4.8, 4.8), pair=OCTET),
    "gluon": Dipole(21, 21), "gluon and b quark": Dipole(21, -5, (0.0, 4.8), energy=20.0),
    "quark against a valence quark": Dipole(1, 2, x=0.4), "b quark against a gluon": Dipole(5, 21, (4.8, 0.0), x=0.2),
    "gluon against a gluon": Dipole(21, 21, x=0.2)}


@kernel
def first_branchings(start2, partons, systems, tables, work, dice, scale2, kinds, trios):
    """Fill pT^2 of the first branching of end 0, 0 without, its kind and the momenta after it."""
    throw_from(dice, event_stream(2, 0, 0), SHOWER, 0)
    for event in range(len(kinds)):
        start_ends(work, partons, systems, tables, dice, 0, start2)
        scale2[event], kinds[event] = 0.0, -1
        while work.trial[0] > 0.0 and kinds[event] < 0:
            pt2 = scale2_at(tables.final_evolution, work.trial[0])
            kinds[event] = judge(work, partons, systems, tables, dice, 0, 1.0, 1.0, 0, pt2)
            if kinds[event] < 0:
                next_trial(work, tables, dice, 0, pt2, work.trial[0])
            else:
                scale2[event] = pt2
        trios[event] = work.trio


def branchings(dipole: Dipole, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pT^2, kinds and momenta of n first branchings."""
    partons, systems, work, p = new_partons(4), new_systems(1), shower_work(4), dipole.momenta()
    gluons, incoming = (dipole.radiator == 21, dipole.recoiler == 21), dipole.x > 0.0
    append_parton(partons, dipole.radiator, FINAL, -1, 0, *p[0], dipole.masses[0], 1, 2 if gluons[0] else 0)
    other = 2 if gluons[0] else 3
    colours = (1, other if gluons[1] else 0) if incoming else (other if gluons[1] else 0, 1)
    append_parton(partons, dipole.recoiler, INCOMING if incoming else FINAL, -1, 0, *p[1], dipole.masses[1], *colours)
    if not incoming and gluons[0] != gluons[1]:  # where the gluon's other line ends
        append_parton(partons, 1, FINAL, -1, 0, 0.0, 9.0, 0.0, 9.0, 0.0, *((2, 0) if gluons[0] else (0, 3)))
    systems.filled[0], systems.incoming[0], systems.x[0] = 1, (1, 1), dipole.x
    forget_ends(work)
    for row in range(partons.filled[0]):
        if partons.status[row] == FINAL:
            add_ends(work, partons, row)
    if dipole.pair:
        work.ends[0].partner, work.ends[0].vector = 1, dipole.pair == OCTET
    out = np.zeros(n), np.zeros(n, np.int64), np.zeros((n, 3, 4))
    first_branchings(invariants(dipole)[0] / 4.0, partons, systems, TABLES, work, new_dice(), *out)
    return out


@kernel
def couplings(coupling, scale2):
    """Return alpha_s at several scales."""
    return np.array([alpha_s(coupling, value) for value in scale2])


@kernel
def ratios(tables, pdg_id, x, larger, scale2):
    """Return x' f(x') / x f(x) for several x'."""
    before = density(tables, pdg_id, x, scale2)
    return np.array([density(tables, pdg_id, value, scale2) / before if value < 1.0 else 0.0 for value in larger])


@kernel
def elements(x1, x2, ratio, octets):
    """Return the matrix elements of a decay to a pair and a gluon, over the trials' density."""
    out = np.zeros(len(x1))
    for k in range(len(x1)):
        out[k] = decay_element(x1[k], x2[k], ratio, octets) * (octet(1.0 - x2[k], 1.0 - x1[k]) if octets else 1.0)
    return out


def invariants(dipole: Dipole) -> tuple[float, float]:
    """Return the mass^2 of the dipole and twice the product of its momenta."""
    p, q = dipole.momenta()
    twice = 2.0 * float(p[3] * q[3] - p[:3] @ q[:3])
    return dipole.masses[0] ** 2 + dipole.masses[1] ** 2 + twice, twice


def emission(dipole: Dipole, scale2: float, z: np.ndarray) -> np.ndarray:
    """Return the density in z of gluon emission, the dP / (alpha_s / 2 pi dln pT^2 dz) of a shower without its Sudakov factor."""
    (a, b), (mass2, twice) = dipole.masses, invariants(dipole)
    virtuality = scale2 / (z * (1 - z))
    pair2 = virtuality + a * a
    energy = (mass2 + pair2 - b * b) / (2 * np.sqrt(mass2))  # of the pair in the rest frame
    inside = (np.sqrt(pair2) + b < np.sqrt(mass2)) & (energy**2 * z * (1 - z) > pair2 / 4)
    if dipole.radiator == 21:
        rate = 1.5 * (1 + z**3) / (1 - z)
    else:
        rate = 4 / 3 * (1 + z * z) / (1 - z)
        inside &= scale2 * (virtuality / pair2) ** 2 >= CUTOFF2
    if dipole.x > 0.0:
        hard2, x = float((dipole.momenta()[0, :2] ** 2).sum()), dipole.x
        rate *= np.sqrt(scale2 * hard2) / (np.sqrt(scale2 * hard2) + pair2)
        rate *= ratios(TABLES.densities, dipole.recoiler, x, x * (1 + virtuality / twice), scale2)
    if dipole.pair:
        x2 = 1 + (b * b - pair2) / mass2
        x1 = 2 - x2 - 2 * virtuality / pair2 * (1 - z) * energy / np.sqrt(mass2)
        rate = 8 / 3 / (1 - z) * elements(x1, x2, a * a / mass2, dipole.pair == OCTET)
    elif b > 0.0 and dipole.radiator == 21 and dipole.x == 0.0:
        recoil_first = np.sqrt(mass2) * energy * z - pair2 / 2  # product of the recoiler and the radiator
        recoil_second = np.sqrt(mass2) * energy * (1 - z) - pair2 / 2
        rate *= np.maximum(1 - b * b * pair2 / 2 / (2 * recoil_first * recoil_second), 0.0)
    return np.where(inside, rate, 0.0)


def pair_production(dipole: Dipole, scale2: float, z: np.ndarray, flavour: int) -> np.ndarray:
    """Return the same of g -> Q Qbar; both ends of the gluon together: 1 + cos^2 in the pair's rest frame, with its mass."""
    (mass2, twice), quark2 = invariants(dipole), MASSES[flavour] ** 2
    recoiler2 = dipole.masses[1] ** 2
    pair2 = scale2 / (z * (1 - z))
    energy = (mass2 + pair2 - recoiler2) / (2 * np.sqrt(mass2))
    momentum = np.sqrt(np.maximum(energy**2 - pair2, 1e-9))
    cosine = (2 * z - 1) * energy / momentum
    inside = (np.sqrt(pair2) + dipole.masses[1] < np.sqrt(mass2)) & (np.abs(cosine) < 1) & (pair2 > 4 * quark2)
    rest = quark2 / pair2
    rate = np.sqrt(np.maximum(1 - 4 * rest, 0.0)) * (1 + cosine**2 + 4 * rest * (1 - cosine**2)) / 8 * energy / momentum
    rate *= (momentum * 2 * np.sqrt(mass2) / (mass2 - recoiler2)) ** 3
    if dipole.x > 0.0:
        hard2, x = float((dipole.momenta()[0, :2] ** 2).sum()), dipole.x
        rate *= np.sqrt(scale2 * hard2) / (np.sqrt(scale2 * hard2) + pair2)
        rate *= ratios(TABLES.densities, dipole.recoiler, x, x * (1 + pair2 / twice), scale2)
    return np.where(inside, rate, 0.0)


@pytest.fixture(scope="module", params=DIPOLES)
def sample(request: pytest.FixtureRequest) -> tuple[Dipole, np.ndarray, np.ndarray, np.ndarray]:
    """Return a dipole and what it did first, 8000 times."""
    return DIPOLES[request.param], *branchings(DIPOLES[request.param], 8000)


def kernels(dipole: Dipole, scale2: float, z: np.ndarray) -> np.ndarray:
    """Return the densities of all kinds of branchings, (kinds, z)."""
    flavours = range(1, 6) if dipole.radiator == 21 else ()
    return np.array([emission(dipole, scale2, z), *(pair_production(dipole, scale2, z, k) for k in flavours)])


def test_no_branching_probability(sample: tuple[Dipole, np.ndarray, np.ndarray, np.ndarray]) -> None:
    """The first branching's pT^2 has the distribution of the Sudakov factor, and every kind its share."""
    dipole, scale2, kinds, _ = sample
    n, q = len(kinds), np.exp(np.linspace(np.log(1e-6), np.log(0.5), 600))
    z = np.concatenate([q[:-1], 1.0 - q[::-1]])
    logs = np.linspace(np.log(CUTOFF2 * 1.0001), np.log(invariants(dipole)[0] / 4.0 * 0.999), 60)
    rates = np.array([np.trapezoid(kernels(dipole, np.exp(u), z), z, axis=1) for u in logs])
    rates *= couplings(TABLES.final, np.exp(logs))[:, None] / (2 * np.pi)
    steps = (rates[1:] + rates[:-1]) / 2 * np.diff(logs)[:, None]
    sudakov = np.exp(-np.concatenate([np.cumsum(steps.sum(1)[::-1])[::-1], [0.0]]))
    assert abs((scale2 == 0).mean() - sudakov[0]) < 4 * np.sqrt(sudakov[0] / n) + 1 / n
    seen = np.log(scale2[scale2 > 0])
    assert stats.kstest(seen, lambda u: (np.interp(u, logs, sudakov) - sudakov[0]) / (1 - sudakov[0])).pvalue > 1e-3
    expected = (steps * ((sudakov[1:] + sudakov[:-1]) / 2)[:, None]).sum(0)
    for kind, share in enumerate(expected):
        assert abs((kinds == kind).mean() - share) < 4 * np.sqrt(share / n) + 0.01 * share, kind


def test_energy_shares(sample: tuple[Dipole, np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Given pT^2, z of emissions and of pairs follows the kernels: its cumulative density there is uniform."""
    dipole, scale2, kinds, trios = sample
    total, mass2 = dipole.momenta().sum(0), dipole.masses[0] ** 2
    q = np.exp(np.linspace(np.log(1e-5), np.log(0.5), 300))
    nodes = np.concatenate([q[:-1], 1.0 - q[::-1]])
    found: dict[bool, list[float]] = {False: [], True: []}
    for event in [*np.flatnonzero(kinds == 0)[:600], *np.flatnonzero(kinds > 0)]:
        pt2, kind, trio = scale2[event], kinds[event], trios[event]
        pair = trio[0] + trio[1]
        pair2 = pair[3] ** 2 - pair[:3] @ pair[:3]
        share = float((trio[1] * total * [-1, -1, -1, 1]).sum() / (pair * total * [-1, -1, -1, 1]).sum())
        if kind == 0:
            z = 1.0 - share * pair2 / (pair2 - mass2)
            rate = emission(dipole, pt2, nodes)
        else:
            velocity = np.sqrt(1.0 - 4.0 * MASSES[kind] ** 2 / pair2)
            z = 0.5 + (0.5 - share) / velocity
            rate = pair_production(dipole, pt2, nodes, kind)
        assert z * (1.0 - z) * (pair2 - (mass2 if kind == 0 else 0.0)) == pytest.approx(pt2, rel=1e-6)
        grown = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) * np.diff(nodes))])
        found[kind > 0].append(float(np.interp(z, nodes, grown / grown[-1])))
    assert stats.kstest(found[False], "uniform").pvalue > 1e-3
    assert dipole.radiator != 21 or (len(found[True]) > 100 and stats.kstest(found[True], "uniform").pvalue > 1e-3)
