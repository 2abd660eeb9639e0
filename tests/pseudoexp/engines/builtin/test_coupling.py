"""The strong coupling and the b quark's running mass against PYTHIA 8.317."""

import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.coupling import Coupling, alpha_s, higgs_strength, running_b_mass, strong_coupling

COUPLINGS = {  # AlphaStrong.init(alpha_s(M_Z), 1)
    0.130: [(0.1, 10.318439941), (0.5, 1.016904422), (1.49, 0.392550721), (1.51, 0.389736618), (4.79, 0.244084999),
            (4.81, 0.243769325), (30.0, 0.157833435), (170.9, 0.118220426), (171.1, 0.11820135), (2000.0, 0.089291382)],
    0.1365: [(0.1, 10.318439941), (0.5, 1.62054535), (1.49, 0.458475604), (1.51, 0.454641548), (4.79, 0.268051018),
             (4.81, 0.267670359), (30.0, 0.16751842), (170.9, 0.123571593), (171.1, 0.123550751), (2000.0, 0.092310628)],
}
B_MASSES = [(5.0, 4.09418552), (125.0, 2.9443233), (250.0, 2.80033754), (400.0, 2.71364214), (600.0, 2.64482785),
            (1000.0, 2.56497336), (5000.0, 2.35297519)]  # particleData.mRun(5, q)


@kernel
def value(coupling: Coupling, q2: float) -> float:
    """Return alpha_s(Q^2)."""
    return alpha_s(coupling, q2)


@pytest.mark.parametrize("at_z", COUPLINGS)
def test_coupling(at_z):
    coupling = strong_coupling(at_z)
    for q, expected in COUPLINGS[at_z]:
        assert value(coupling, q * q) == pytest.approx(expected, rel=1e-8)
    assert value(coupling, 91.188**2) == pytest.approx(at_z, rel=1e-12)


def test_continuous_at_the_thresholds():
    coupling = strong_coupling(0.13)
    for threshold in (1.5, 4.8, 171.0):
        assert value(coupling, threshold**2 * (1 - 1e-10)) == pytest.approx(value(coupling, threshold**2 * (1 + 1e-10)), rel=1e-8)


def test_running_b_mass():
    for q, expected in B_MASSES:
        assert running_b_mass(q) == pytest.approx(expected, rel=1e-8)


def test_higgs_strength():
    for q, inverse_alpha in ((91.188, 127.918), (250.0, 126.45559), (1000.0, 124.44546)):  # AlphaEM.init(1, settings)
        assert 1 / higgs_strength(q * q) == pytest.approx(0.2312 * 80.385**2 / 3.14159265 * inverse_alpha, rel=1e-6)
    assert higgs_strength(91.188**2) ** -0.5 == pytest.approx(246.6, abs=0.1)
