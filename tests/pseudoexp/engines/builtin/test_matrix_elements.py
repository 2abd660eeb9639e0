"""Matrix elements against the textbook, colour flows and flavours against their weights."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import HARD_PROCESS, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.matrix_elements import (
    DIFFERENT,
    GG_GG,
    GG_QQ,
    NEW_QUARKS,
    OPPOSITE,
    QG_QG,
    QQ_GG,
    SAME,
    Scattering,
    choose_heavy,
    choose_higgs,
    choose_light,
    heavy_weights,
    higgs_weights,
    light_weights,
    new_scattering,
)

GLUON, UP, DOWN, ANTIUP = 5, 7, 6, 3
AT_90_DEGREES = {  # ESW table 7.1, |M|^2 / g^4 at 90 degrees
    (UP, DOWN, DIFFERENT): 2.22, (UP, UP, SAME): 3.26, (UP, ANTIUP, QQ_GG): 1.04, (GLUON, GLUON, GG_QQ): 0.15,
    (UP, GLUON, QG_QG): 6.11, (GLUON, UP, QG_QG): 6.11, (GLUON, GLUON, GG_GG): 30.4, (UP, ANTIUP, NEW_QUARKS): 0.22,
}
FACTORS = {DIFFERENT: 2, SAME: 1, QQ_GG: 1, GG_QQ: 6, QG_QG: 2, GG_GG: 1, NEW_QUARKS: 6}
"""Two orientations, one half for identical particles, three flavours."""


def incoming(one: int, two: int) -> Scattering:
    """Return a scattering of two partons with density 1."""
    scattering = new_scattering()
    scattering.one[one] = scattering.two[two] = 1.0
    return scattering


@kernel
def chosen(scattering: Scattering, kind: int, t: float, n: int, dice: Dice, pdg_id: np.ndarray, colour: np.ndarray,
           backward: np.ndarray) -> None:
    """Choose n times at s = 1."""
    throw_from(dice, event_stream(3, QCD, 5), HARD_PROCESS, 0)
    for i in range(n):
        if kind == 0:
            light_weights(scattering, 1.0, t, -1.0 - t)
            backward[i] = choose_light(scattering, 1.0, t, -1.0 - t, dice)
        elif kind == 1:
            heavy_weights(scattering, 1.0, t, -1.0 - t + 0.02, 0.1)
            backward[i] = choose_heavy(scattering, 5, t, -1.0 - t + 0.02, 0.1, dice)
        else:
            higgs_weights(scattering, 1.0, t, -0.99 - t, 0.01, 0.0)
            backward[i] = choose_higgs(scattering, 1.0, t, -0.99 - t, 0.01, 0.0, dice)
        pdg_id[i] = scattering.pdg_id
        colour[i] = scattering.colour


def choices(scattering: Scattering, t: float, kind: int = 0, n: int = 20_000):
    """Return species, colours and orientation of n choices."""
    out = np.zeros((n, 4), np.int32), np.zeros((n, 4, 2), np.int32), np.zeros(n, np.bool_)
    chosen(scattering, kind, t, n, new_dice(), *out)
    return out


def share(mask, expected):
    """Assert that a share is as expected within 4.5 standard deviations."""
    assert abs(mask.mean() - expected) < 4.5 * np.sqrt(expected * (1 - expected) / len(mask)) + 1e-12


@pytest.mark.parametrize(("one", "two", "subprocess"), AT_90_DEGREES)
def test_textbook_values_at_90_degrees(one, two, subprocess):
    scattering = incoming(one, two)
    total = light_weights(scattering, 2.0, -1.0, -1.0)
    expected = AT_90_DEGREES[one, two, subprocess]
    assert scattering.weights[subprocess] / FACTORS[subprocess] == pytest.approx(expected, abs=0.006 if expected < 20 else 0.06)
    assert total == pytest.approx(scattering.weights.sum())


def test_quark_and_antiquark_of_one_flavour():
    scattering = incoming(UP, ANTIUP)
    light_weights(scattering, 2.0, -1.0, -1.0)
    assert scattering.weights[OPPOSITE] / 2 + scattering.weights[NEW_QUARKS] / 6 == pytest.approx(2.59, abs=0.006)


def test_heavy_quarks_become_light():
    for one, two, subprocess in ((GLUON, GLUON, GG_QQ), (UP, ANTIUP, NEW_QUARKS)):
        scattering = incoming(one, two)
        heavy_weights(scattering, 1.0, -0.3, -0.7, 1e-6)
        heavy = scattering.weights[subprocess]
        light_weights(scattering, 1.0, -0.3, -0.7)
        assert 3 * heavy == pytest.approx(scattering.weights[subprocess], rel=1e-9)


def test_gluons_choose_planar_orders():
    pdg_id, colour, _ = choices(incoming(GLUON, GLUON), -0.2, n=60_000)
    gluons = (pdg_id == 21).all(1)
    colour = colour[gluons]
    squares = np.array([1.0, 0.04, 0.64])
    no_u, no_t, no_s = squares[2] / squares.sum(), squares[1] / squares.sum(), squares[0] / squares.sum()
    joined = (colour[:, 0, 0] == colour[:, 1, 1]) | (colour[:, 0, 1] == colour[:, 1, 0])
    with_3 = (colour[:, 0] == colour[:, 2]).any(1)
    share(~joined, no_s)
    share(joined & with_3, no_u)
    share(joined & ~with_3, no_t)
    share(colour[:, 0, 0] == 1, 0.5)


def test_quark_and_gluon_on_either_side():
    t, u = -0.1, -0.9
    compton = [(1 + b * b) * (1 / (a * a) + 4 / (9 * -b)) for a, b in ((t, u), (u, t))]
    for one, two, side in ((UP, GLUON, 0), (GLUON, UP, 1), (ANTIUP, GLUON, 0)):
        pdg_id, colour, backward = choices(incoming(one, two), t)
        assert (pdg_id[:, side] == pdg_id[:, side + 2]).all()
        assert (abs(pdg_id[:, side]) == 2).all()
        share(backward, compton[1] / sum(compton))
        k = 1 if one == ANTIUP else 0
        annihilates = colour[:, side, k] == colour[:, 1 - side, 1 - k]
        for turned, v in ((False, u), (True, t)):
            share(annihilates[backward == turned], v * v / (1 + v * v))


def test_pairs_from_gluons():
    scattering = incoming(GLUON, GLUON)
    pdg_id, colour, backward = choices(scattering, -0.15, kind=1)
    assert (pdg_id[:, 2:] == [5, -5]).all()
    share(backward, 0.5)
    from_first = colour[:, 2, 0] == colour[:, 0, 0]
    a, b = 0.01 + 0.15, 0.01 + 0.83
    share(from_first[~backward], b * b / (a * a + b * b))
    share(from_first[backward], a * a / (a * a + b * b))


def test_flavours_follow_the_densities():
    scattering, rng = new_scattering(), np.random.default_rng(4)
    scattering.one[:11], scattering.two[:11] = rng.uniform(0.2, 1, (2, 11))
    scattering.one[GLUON] = scattering.two[GLUON] = 0.0
    light_weights(scattering, 1.0, -0.3, -0.7)
    w, total = scattering.weights.copy(), scattering.weights.sum()
    pdg_id, _, _ = choices(scattering, -0.3, n=100_000)
    pairs = np.outer(scattering.one[:11], scattering.two[:11])
    same, opposite = np.trace(pairs), np.trace(pairs[:, ::-1])
    for i, j in ((2, 1), (-3, 5), (4, -1)):
        chance = pairs[i + 5, j + 5] / (pairs.sum() - same - opposite) * w[DIFFERENT] / total
        share((pdg_id[:, 0] == i) & (pdg_id[:, 1] == j), chance)
    for i in (-5, 2):
        share((pdg_id[:, 0] == i) & (pdg_id[:, 1] == i), pairs[i + 5, i + 5] / same * w[SAME] / total)
        share((pdg_id[:, 0] == i) & (pdg_id[:, 1] == -i),
              pairs[i + 5, 5 - i] / opposite * (w[OPPOSITE] + w[NEW_QUARKS] + w[QQ_GG]) / total)
    new = (pdg_id[:, 0] == -pdg_id[:, 1]) & (abs(pdg_id[:, 0]) != abs(pdg_id[:, 2])) & (pdg_id[:, 2] != 21)
    assert set(abs(pdg_id[new, 2])) == {1, 2, 3}


def test_higgs_goes_with_the_b():
    """The b' goes where the gluon came from: u channel of the massless propagator."""
    scattering = incoming(GLUON, 10)
    pdg_id, colour, backward = choices(scattering, -0.1, kind=2)
    assert (pdg_id == [21, 5, 25, 5]).all()
    t, u = -0.1, -0.89
    forward, back = (1e-4 + t * t) / -u, (1e-4 + u * u) / -t
    share(backward, back / (forward + back))
    assert (colour == [(1, 2), (2, 0), (0, 0), (1, 0)]).all() or (colour[:, 0, 1] == colour[:, 1, 0]).all()
    assert (colour[:, 0, 0] == colour[:, 3, 0]).all()
