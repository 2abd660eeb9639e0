"""The hard cross-section against the textbook's matrix elements times parton densities, integrated over rapidities here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import simpson

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.coupling import BOTTOM_MASS, CHARM_MASS, alpha_s, higgs_strength, running_b_mass, strong_coupling
from pseudoexp.engines.builtin.hard_cross_section import BOTTOM, CHARM, HIGGS_B, LIGHT, masses, point
from pseudoexp.engines.builtin.hard_tables import ALPHA_S, spectrum_at
from pseudoexp.engines.builtin.parton_density import EFFECTIVE, GLUON, all_densities, densities

ROOT_S, PICOBARN = 14000.0, 0.3893793656e9
MASSES = {LIGHT: (0.0, 0.0), CHARM: (CHARM_MASS,) * 2, BOTTOM: (BOTTOM_MASS,) * 2, HIGGS_B: (125.0, BOTTOM_MASS)}
FIGURES = [  # pT-hat above, signal and QCD [fb]: the table of cross-sections
    (250.0, 0.1832, 2.522e7), (450.0, 0.01004, 1.365e6)]


@kernel
def densities_at(tables, x, scale2, out):
    """Fill x f of all partons (x, columns)."""
    for k in range(len(x)):
        all_densities(tables, x[k], scale2, out[k])


@kernel
def couplings(coupling, scale2, energy):
    """Return alpha_s, the Yukawa coupling's strength and the b quark's running mass."""
    return alpha_s(coupling, scale2), higgs_strength(scale2), np.array([running_b_mass(e) for e in energy])


def partons_at(x: np.ndarray, scale2: float) -> np.ndarray:
    """Return x f of the partons -5 ... 5, gluons in the middle; 0 beyond x = 1."""
    inside = x < 1.0
    out, values = np.zeros((len(x), EFFECTIVE + 1)), np.zeros((inside.sum(), EFFECTIVE + 1))
    densities_at(densities(), x[inside], scale2, values)
    out[inside] = values
    return out[:, :EFFECTIVE].T


def light(one: np.ndarray, two: np.ndarray, s: np.ndarray, t: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the sum of x1 f1 x2 f2 |M|^2 / g^4 of massless partons (ESW, table 7.1); equal 3 and 4 count half."""
    total, g1, g2 = np.zeros(len(s)), one[GLUON], two[GLUON]
    exchange = 4 / 9 * (s**2 + u**2) / t**2
    new = 4 / 9 * (t**2 + u**2) / s**2
    compton = (s**2 + u**2) / t**2 - 4 / 9 * (s**2 + u**2) / (s * u)
    turned = (s**2 + t**2) / u**2 - 4 / 9 * (s**2 + t**2) / (s * t)
    for i in [k for k in range(EFFECTIVE) if k != GLUON]:
        total += one[i] * g2 * compton + g1 * two[i] * turned
        for j in [k for k in range(EFFECTIVE) if k != GLUON]:
            if i == j:
                both = exchange + 4 / 9 * (s**2 + t**2) / u**2 - 8 / 27 * s**2 / (t * u)
                total += one[i] * two[j] * both / 2
            elif i + j == 2 * GLUON:
                gluons = 32 / 27 * (t**2 + u**2) / (t * u) - 8 / 3 * (t**2 + u**2) / s**2
                total += one[i] * two[j] * (exchange - 8 / 27 * u**2 / (s * t) + 3 * new + gluons / 2)
            else:
                total += one[i] * two[j] * exchange
    pairs = (t**2 + u**2) * (1 / (6 * t * u) - 3 / (8 * s**2))
    return total + g1 * g2 * (3 * pairs + 9 / 4 * (3 - t * u / s**2 - s * u / t**2 - s * t / u**2))


def heavy(one: np.ndarray, two: np.ndarray, s: np.ndarray, t: np.ndarray, mass: float) -> np.ndarray:
    """Return the same of heavy pairs (ESW, table 10.2)."""
    first, rho = (mass**2 - t) / s, 4 * mass**2 / s
    second = 1 - first
    quarks = sum(one[k] * two[2 * GLUON - k] for k in range(EFFECTIVE) if k != GLUON)
    gluons = (1 / (6 * first * second) - 3 / 8) * (first**2 + second**2 + rho - rho**2 / (4 * first * second))
    return one[GLUON] * two[GLUON] * gluons + quarks * 4 / 9 * (first**2 + second**2 + rho / 2)


def spectrum(channel: int, pt: float, points: int = 160) -> float:
    """Return dsigma / dln pT [pb] by a sum over both rapidities."""
    m3, m4 = MASSES[channel]
    mt3, mt4 = np.hypot(pt, m3), np.hypot(pt, m4)
    reach = np.arccosh(max(ROOT_S / (mt3 + mt4), 1.0)) + 0.7
    y = np.linspace(-reach, reach, points)
    y3, y4 = (v.ravel() for v in np.meshgrid(y, y))
    x1, x2 = (mt3 * np.exp(k * y3) + mt4 * np.exp(k * y4) for k in (1, -1))
    x1, x2 = x1 / ROOT_S, x2 / ROOT_S
    inside = (x1 < 1) & (x2 < 1)
    x1, x2, y3, y4 = x1[inside], x2[inside], y3[inside], y4[inside]
    s = x1 * x2 * ROOT_S**2
    t, u = m3**2 - x1 * ROOT_S * mt3 * np.exp(-y3), m3**2 - x2 * ROOT_S * mt3 * np.exp(y3)
    one, two = partons_at(x1, min(mt3, mt4) ** 2), partons_at(x2, min(mt3, mt4) ** 2)
    alpha, yukawa, b_mass = couplings(strong_coupling(ALPHA_S), mt3 * mt4, np.sqrt(s))
    if channel == HIGGS_B:
        t = m4**2 - x1 * ROOT_S * mt4 * np.exp(-y4)  # of the first incoming parton and the b quark, or of the other one
        u = m4**2 - x2 * ROOT_S * mt4 * np.exp(y4)
        gluon_first = one[GLUON] * (two[0] + two[10]) * (m3**4 + (u - m4**2) ** 2) / (s * (m4**2 - t))
        gluon_second = (one[0] + one[10]) * two[GLUON] * (m3**4 + (t - m4**2) ** 2) / (s * (m4**2 - u))
        weight = 0.577 * alpha * yukawa * b_mass**2 / 24 * (gluon_first + gluon_second)
    else:
        weight = np.pi * alpha**2 * (light(one, two, s, t, u) if channel == LIGHT else heavy(one, two, s, t, m3))
    return float(PICOBARN * 2 * pt**2 * (weight / s**2).sum() * (y[1] - y[0]) ** 2)


@pytest.mark.parametrize("channel", [LIGHT, CHARM, BOTTOM, HIGGS_B])
@pytest.mark.parametrize("pt", [20.0, 300.0])
def test_spectrum(channel: int, pt: float) -> None:
    """Each channel's dsigma / dln pT is that of the textbook."""
    assert spectrum_at(channel, pt, 40) == pytest.approx(spectrum(channel, pt), rel=2e-3)


@pytest.mark.parametrize(("pthat_min", "signal", "qcd"), FIGURES)
def test_figures(pthat_min: float, signal: float, qcd: float) -> None:
    """The cross-sections that all else is measured by, integrated here."""
    logs = np.linspace(np.log(pthat_min), np.log(4500.0), 17)
    for channels, expected in (((HIGGS_B,), signal), ((LIGHT, CHARM, BOTTOM), qcd)):
        rates = [sum(spectrum(k, float(np.exp(x)), 70) for k in channels) for x in logs]
        assert 1000.0 * simpson(rates, x=logs) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("channel", [LIGHT, BOTTOM, HIGGS_B])
@pytest.mark.parametrize("mirrored", [False, True])
def test_kinematics(channel: int, mirrored: bool) -> None:
    """A point of the unit square against momenta: x, s, t, u, the angle, the scale."""
    m3, m4 = masses(channel)
    assert (m3, m4) == MASSES[channel]
    for pt, a, b in ((15.0, 0.3, 0.9), (300.0, 0.05, 0.2), (300.0, 0.8, 0.6), (3000.0, 0.5, 0.5)):
        at = point(channel, pt, a, b, mirrored)
        mt3, mt4 = np.hypot(pt, m3), np.hypot(pt, m4)
        limit = np.arccosh((ROOT_S**2 - mt3**2 - mt4**2) / (2 * mt3 * mt4))
        mid = b * np.log(ROOT_S / np.sqrt(at.s)) * (-1 if mirrored else 1)  # of the pair
        e3, e4 = (at.s + m * m - o * o for m, o in ((m3, m4), (m4, m3)))
        p = np.sqrt(e3**2 / (4 * at.s) - m3**2)
        y3, y4 = np.arctanh(2 * np.sqrt(at.s) * p * at.cos_theta / e3), -np.arctanh(2 * np.sqrt(at.s) * p * at.cos_theta / e4)
        assert y3 - y4 == pytest.approx(a * limit, rel=1e-6)
        assert p * np.sqrt(1 - at.cos_theta**2) == pytest.approx(pt, rel=1e-6)
        y3, y4 = y3 + mid, y4 + mid
        assert at.x1 == pytest.approx((mt3 * np.exp(y3) + mt4 * np.exp(y4)) / ROOT_S, rel=1e-6)
        assert at.x2 == pytest.approx((mt3 * np.exp(-y3) + mt4 * np.exp(-y4)) / ROOT_S, rel=1e-6)
        assert at.s == pytest.approx(at.x1 * at.x2 * ROOT_S**2)
        assert at.t == pytest.approx(m3**2 - at.x1 * ROOT_S * mt3 * np.exp(-y3), rel=1e-6)
        assert at.s + at.t + at.u == pytest.approx(m3**2 + m4**2, abs=1e-9 * at.s)
        assert at.scale2 == pytest.approx(min(mt3, mt4) ** 2)
        assert at.jacobian == pytest.approx(4 * pt**2 * limit * np.log(ROOT_S / np.sqrt(at.s)))
    assert point(channel, 7001.0, 0.5, 0.5, mirrored).jacobian == 0.0
