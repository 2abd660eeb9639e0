"""Where photons convert, hadrons interact and strange particles decay, and what they leave."""

import numpy as np
import pytest
from detector_toys import MASS, busy_record, changed, flown, momenta, record, tables
from scipy import stats

from pseudoexp.core.jit import kernel
from pseudoexp.core.reconstructed import ORIGIN_PRIMARY, ORIGIN_SECONDARY
from pseudoexp.detector.decays import C_TAU
from pseudoexp.detector.decays import PDG_ID as DECAYING
from pseudoexp.detector.material import pair_share, pion_multiplicity
from pseudoexp.detector.particles import COT_THETA, END_RADIUS, ITEM, ORIGIN, PDG_ID, ROW, E, X, Y, Z

ITK = tables().material
VACUUM = changed("perfect").material
share = kernel(lambda u, v: pair_share(u, v))
multiplicity = kernel(lambda e, u: pion_multiplicity(e, u))


def beam(pdg_id, n, pt, eta=0.0, seed=0):
    phi = np.random.default_rng(seed).uniform(-3.1, 3.1, n)
    return record(momenta(pt, np.full(n, eta), phi, pdg_id), pdg_id)


def first_generation(particles, n):
    return particles.state[:n], particles.code[:n]


@pytest.mark.parametrize(("pdg_id", "column", "eta", "factor"), [
    (22, 1, 0.0, 1.0), (22, 1, 1.5, np.cosh(1.5)), (22, 1, 2.3, 3.0), (211, 2, 0.0, 1.0), (211, 2, -1.0, np.cosh(1.0))])
def test_interactions_happen_in_the_layers_with_their_probabilities(pdg_id, column, eta, factor):
    n = 20_000
    particles, first, _ = flown(beam(pdg_id, n, 50.0, eta), ITK, capacity=4 * n)
    end = particles.state[:first, END_RADIUS]
    x = ITK.layer[:, column] * factor * (7 / 9 / (1 + 0.04 / (50 * np.cosh(eta))) if pdg_id == 22 else 1.0)
    left = np.exp(-np.concatenate([[0.0], np.cumsum(x)]))
    expected = n * (left[:-1] - left[1:])
    seen = [np.isclose(end, r, atol=1e-6).sum() for r in ITK.layer[:, 0]]
    assert sum(seen) == np.isfinite(end).sum()
    observed, predicted = [*seen, n - sum(seen)], [*expected, n * left[-1]]
    assert stats.chisquare(observed, predicted).pvalue > 1e-3


def test_pairs_share_energy_as_bethe_and_heitler():
    u = np.random.default_rng(2).random((20_000, 2))
    x = np.array([share(a, b) for a, b in u])
    assert stats.kstest(x, lambda t: 9 / 7 * (t - 2 / 3 * t**2 + 4 / 9 * t**3)).pvalue > 1e-3


def test_conversions_conserve_energy_and_are_narrow():
    particles, first, last = flown(beam(22, 5000, 20.0), ITK, capacity=20_000)
    state, code = particles.state, particles.code
    pairs = last - first
    assert pairs > 100 and pairs % 2 == 0
    for k in range(first, last, 2):
        assert code[k, PDG_ID] == -11 and code[k + 1, PDG_ID] == 11
        parent = code[k, ROW]
        assert state[k, E] + state[k + 1, E] == pytest.approx(state[parent, E], rel=1e-12)
        p = state[[k, k + 1], :3]
        cosine = p[0] @ p[1] / np.linalg.norm(p[0]) / np.linalg.norm(p[1])
        softer = min(state[k, E], state[k + 1, E])
        assert softer < 0.05 or np.arccos(min(cosine, 1.0)) < 40 * MASS[11] / softer
        assert code[k, ORIGIN] == ORIGIN_SECONDARY
        assert np.hypot(state[k, X], state[k, Y]) == pytest.approx(state[parent, END_RADIUS])


def test_nuclear_interactions_conserve_energy_and_leave_pions():
    r = beam(211, 4000, 30.0, 0.5)
    particles, first, last = flown(r, changed("atlas-itk", decays_in_flight=False).material, capacity=40_000)
    state, code = particles.state[:last], particles.code[:last]
    interacted = np.flatnonzero(np.isfinite(state[:first, END_RADIUS]))
    final = ~np.isfinite(state[:, END_RADIUS])
    for parent in interacted:
        mine = final & (code[:, ROW] == parent)
        assert state[mine, E].sum() == pytest.approx(state[parent, E], rel=1e-9)
    pions = (abs(code[first:last, PDG_ID]) == 211).sum() / len(interacted)
    assert 3.0 < pions < 6.0
    assert np.all(state[first:last, E] > 0)


def test_multiplicity_grows_slowly_and_is_paid_for():
    u = (np.arange(500) + 0.5) / 500
    means = [np.mean([multiplicity(e, x) for x in u]) for e in (2.0, 10.0, 100.0)]
    assert means == sorted(means) and means[0] > 1.0 and means[2] < 6.0
    assert max(multiplicity(0.5, x) for x in u) * 3 * MASS[211] <= 0.5


@pytest.mark.parametrize("pdg_id", [310, 3122, -3312, 3222, 3112, 3334])
def test_decay_lengths_are_exponential_in_proper_time(pdg_id):
    n, pt = 3000, 4.0
    particles, first, _ = flown(beam(pdg_id, n, pt, 0.4), VACUUM, capacity=20 * n)
    c_tau = C_TAU[list(DECAYING).index(abs(pdg_id))]
    end = particles.state[:first, END_RADIUS]
    beta_gamma = pt / MASS[abs(pdg_id)]
    curvature = 0.299792458e-3 * 2.0 / pt
    bent = pdg_id not in (310, 3122)
    arc = np.where(np.isfinite(end), 2 / curvature * np.arcsin(np.minimum(end, 1150) * curvature / 2) if bent else end,
                   np.inf)
    limit = np.arcsin(1150.0 * curvature / 2) * 2 / curvature if bent else 1150.0
    cut = 1.0 - np.exp(-limit / beta_gamma / c_tau)
    decayed = arc[np.isfinite(arc)] / beta_gamma
    assert abs(len(decayed) - n * cut) < 4 * np.sqrt(n * cut * (1 - cut)) + 1
    assert stats.kstest(decayed, lambda t: (1 - np.exp(-t / c_tau)) / cut).pvalue > 1e-3


def test_decays_conserve_momentum_where_the_parent_ends():
    particles, first, last = flown(beam(-3312, 2000, 3.0, 0.8), VACUUM, capacity=40_000)
    state, code = particles.state, particles.code
    final = ~np.isfinite(state[:last, END_RADIUS])
    for parent in range(0, first, 37):
        mine = final & (code[:last, ROW] == parent)
        assert state[:last][mine, E].sum() == pytest.approx(state[parent, E], rel=1e-9)
        pt2 = state[parent, :2] @ state[parent, :2]
        daughters = np.flatnonzero(code[:last, ROW] == parent)[1:3]
        if len(daughters):
            p = state[daughters, :3].sum(0)
            assert p[:2] @ p[:2] == pytest.approx(pt2, rel=1e-9)  # it has turned, but not slowed down
            assert p[2] / np.sqrt(pt2) == pytest.approx(state[parent, COT_THETA])


def test_k0s_daughters_have_the_k0s_mass():
    particles, first, last = flown(beam(310, 500, 5.0, -0.3), VACUUM, capacity=5000)
    state, code = particles.state, particles.code
    charged = [k for k in range(first, last - 1) if code[k, PDG_ID] == 211 and code[k + 1, PDG_ID] == -211]
    assert 250 < len(charged) < 400
    p = np.array([state[k, :4] + state[k + 1, :4] for k in charged])
    assert np.allclose(np.sqrt(p[:, 3] ** 2 - (p[:, :3] ** 2).sum(1)), MASS[310], atol=1e-9)
    assert np.array_equal(state[charged, Z], state[[k + 1 for k in charged], Z])


def test_one_lost_particle_does_not_reshuffle_the_others():
    r = busy_record(3)
    keep = np.ones(len(r.p4), bool)
    keep[17] = False
    moved = r.p4.copy()
    moved[17] = [0.0, 0.0, 1.0, 1.0]  # along the beam: never listed
    particles, _, n = flown(r, ITK)
    others, _, m = flown(r._replace(p4=moved), ITK)
    a = {tuple(row[[PDG_ID, ITEM, ROW]]): tuple(s) for row, s in zip(particles.code[:n], particles.state[:n],
                                                                    strict=True) if row[ROW] != 17}
    b = {tuple(row[[PDG_ID, ITEM, ROW]]): tuple(s) for row, s in zip(others.code[:m], others.state[:m], strict=True)}
    assert a == b and len(a) > 200


def test_perfect_detector_is_empty_and_overflow_is_reported():
    r = beam(22, 100, 10.0)
    particles, first, last = flown(r, VACUUM)
    assert first == last == 100 and np.all(np.isinf(particles.state[:last, END_RADIUS]))
    assert np.all(particles.code[:last, ORIGIN] == ORIGIN_PRIMARY)
    assert flown(beam(310, 100, 1.0), VACUUM, capacity=101)[2] == -1
