"""Decays in flight: kinematics, angles, channels."""

import numpy as np
from detector_toys import MASS
from scipy import stats

from pseudoexp.core import species
from pseudoexp.core.jit import kernel
from pseudoexp.detector import decays


@kernel
def two_body_all(p4, m1, m2, u):
    out = np.empty((len(u), 4))
    for i in range(len(u)):
        a, b, c, d = decays.two_body(p4[0], p4[1], p4[2], p4[3], m1, m2, u[i, 0], u[i, 1])
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = a, b, c, d
    return out


products = kernel(lambda row, pdg_id, u: decays.products(row, pdg_id, u))
decaying = kernel(lambda pdg_id: decays.decaying(pdg_id))


def mass(p):
    return np.sqrt(p[..., 3] ** 2 - (p[..., :3] ** 2).sum(-1))


def boosted_to_rest(p, parent):
    m = mass(parent)
    beta = parent[:3] / parent[3]
    gamma = parent[3] / m
    along = p[:, :3] @ beta
    return p[:, :3] + beta * (gamma**2 / (gamma + 1) * along - gamma * p[:, 3])[:, None]


def test_two_body_decays_conserve_momentum_and_are_isotropic():
    u = np.random.default_rng(1).random((20_000, 2))
    parent = np.array([1.0, -2.0, 3.0, np.sqrt(14 + MASS[3122] ** 2)])
    first = two_body_all(parent, MASS[2212], MASS[211], u)
    second = parent - first
    assert np.allclose(mass(first), MASS[2212], atol=1e-9)
    assert np.allclose(mass(second), MASS[211], atol=1e-9)
    q = boosted_to_rest(first, parent)
    assert np.allclose(np.linalg.norm(q, axis=1), 0.10058, atol=2e-5)  # PDG: 101 MeV
    axis = parent[:3] / np.linalg.norm(parent[:3])
    for direction in (axis, np.array([0.6, 0.0, 0.8])):
        cosine = q @ direction / np.linalg.norm(q, axis=1)
        assert stats.kstest(cosine, "uniform", (-1, 2)).pvalue > 1e-3
    assert stats.kstest(np.arctan2(q[:, 1], q[:, 0]), "uniform", (-np.pi, 2 * np.pi)).pvalue > 1e-3


def test_channels_have_their_fractions_and_conserve_charge_and_energy():
    u = (np.arange(1000) + 0.5) / 1000
    for row, pdg_id in enumerate(decays.PDG_ID):
        assert decaying(pdg_id) == row and decaying(-pdg_id) == row
        for sign in (1, -1):
            parent = int(sign * pdg_id)
            seen = [products(row, parent, x) for x in u]
            fractions = np.diff(np.concatenate([[0.0], decays.CHANNELS[row]]))
            for k in range(3):
                share = sum((abs(a), abs(b)) == (abs(decays.FIRST[row, k]), abs(decays.SECOND[row, k]))
                            for a, b in seen) / len(u)
                same = [j for j in range(3) if (decays.FIRST[row, j], decays.SECOND[row, j])
                        == (decays.FIRST[row, k], decays.SECOND[row, k])]
                assert abs(share - fractions[same].sum()) < 0.002
            for a, b in set(seen):
                assert species.charge3(a) + species.charge3(b) == species.charge3(parent)
                assert MASS[abs(a)] + species.mass(b) < MASS[abs(parent)]
                baryons = [np.sign(x) * (1000 < abs(x) < 10_000) for x in (a, b, parent)]
                assert baryons[0] + baryons[1] == baryons[2]


def test_what_lives_long_does_not_decay():
    assert all(decaying(pdg_id) == -1 for pdg_id in (22, 211, -211, 2212, 2112, 130, 13, 11))
