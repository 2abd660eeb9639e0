"""The jet calibration restores a known, pT- and mass-dependent response."""

import numpy as np
import pytest

from pseudoexp.core.jit import kernel
from pseudoexp.errors import DataError
from pseudoexp.jets import calibration as jc
from pseudoexp.jets import inversion, scale


@kernel
def apply(calibration, reco):
    out = reco.copy()
    for i in range(len(reco)):
        factor = scale.calibrated_pt_factor(calibration, reco[i, 0], abs(reco[i, 1]))
        out[i, 0] *= factor
        out[i, 2] *= factor
        out[i, 2] *= scale.calibrated_mass_factor(calibration, out[i, 0], out[i, 2])
    return out


def toy(n, seed):
    """Return (reco, truth): response 0.85 to 0.97 with pT, lower at high |eta|, mass too wide at low m/pT."""
    rng = np.random.default_rng(seed)
    pt = 200 * rng.uniform(0.05, 1, n) ** -0.5 * rng.uniform(0.8, 3, n)
    eta = rng.uniform(-2, 2, n)
    mass = pt * rng.uniform(0.05, 0.5, n)
    response = (0.97 - 24 / pt - 0.02 * abs(eta)) * (1 + 0.08 * rng.normal(size=n))
    mass_response = (1.2 - 0.4 * mass / pt) * (1 + 0.1 * rng.normal(size=n))
    truth = np.stack([pt, eta, mass], axis=1)
    reco = np.stack([pt * response, eta, mass * response * mass_response], axis=1)
    return reco, truth


def test_closure_on_other_jets():
    calibration = inversion.derive(*toy(150_000, 1))
    reco, truth = toy(60_000, 2)
    corrected = apply(calibration, reco)
    for low, high in ((250, 350), (350, 500), (500, 900)):
        for eta in (0, 1):
            chosen = (truth[:, 0] > low) & (truth[:, 0] < high) & (abs(abs(truth[:, 1]) - eta - 0.5) < 0.5)
            ratio = np.median(corrected[chosen] / truth[chosen], axis=0)
            assert abs(ratio[0] - 1) < 0.01
            assert abs(ratio[2] - 1) < 0.02


def test_identity_changes_no_jet():
    reco, _ = toy(100, 3)
    np.testing.assert_allclose(apply(jc.identity(), reco), reco, rtol=1e-12)


def test_too_few_jets_are_refused():
    with pytest.raises(DataError, match="too few"):
        inversion.derive(*toy(50, 4))
