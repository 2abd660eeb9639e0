"""Cards hold together, and the flattened tables say what the card says."""

import numpy as np
import pytest
from detector_toys import changed, tables

from pseudoexp.config import load_card
from pseudoexp.core.elementary import log
from pseudoexp.core.jit import kernel
from pseudoexp.detector.calorimeter import EM, HADRONIC
from pseudoexp.detector.tracking import impact_resolution
from pseudoexp.errors import ConfigError

resolution = kernel(lambda sigma, pt, eta: impact_resolution(sigma, log(pt), eta))


@pytest.mark.parametrize(("section", "values", "message"), [
    ("material", {"radius": [3.0, 2.0]}, "radius"),
    ("material", {"radiation_lengths": [0.1]}, "radiation_lengths has 1"),
    ("tracking", {"efficiency_muon": [1.0]}, "efficiency_muon"),
    ("tracking", {"resolution_pt": [1.0, 1.0, 2.0, 3.0, 4.0, 5.0]}, "resolution_pt"),
    ("tracking", {"d0_phi_correlation": 1.0}, "d0_phi_correlation"),
    ("calorimeter", {"max_eta": 2.4}, "max_eta"),
    ("calorimeter", {"muon_deposit_max": 1.0}, "muon_deposit_max"),
])
def test_impossible_cards_are_refused(section, values, message):
    with pytest.raises(ConfigError, match=message):
        changed("atlas-itk", **{section: values})


def test_resolutions_are_those_of_the_card_at_its_nodes():
    card = load_card("atlas-itk").tracking
    sigma = tables().tracking.sigma
    for i, pt in enumerate(card.resolution_pt):
        for j, eta in enumerate(card.resolution_eta):
            d0, z0 = resolution(sigma, pt, eta)
            assert d0 == pytest.approx(card.d0_um[i][j] * 1e-3, rel=0.02)
            assert z0 == pytest.approx(card.z0_um[i][j] * 1e-3, rel=0.02)


def test_resolutions_go_on_beyond_the_table():
    sigma = tables().tracking.sigma
    d0, _ = resolution(sigma, 0.6, 0.0)
    assert d0 == pytest.approx(2 * 0.061, rel=0.01)  # as 1/pT
    assert resolution(sigma, 500.0, 0.0)[0] == pytest.approx(0.006, rel=0.01)
    assert 0.126 < resolution(sigma, 1.2, 2.4)[0] < 0.126 * (126 / 76)
    assert np.all(np.diff(sigma[:, :, 0], axis=0) <= 1e-12)


def test_cells_stand_on_the_face_at_their_coordinates():
    calorimeter = tables().calorimeter
    r = np.hypot(calorimeter.position[:, 0], calorimeter.position[:, 1])
    z = calorimeter.position[:, 2]
    assert np.all(np.isclose(r, 1150.0) & (abs(z) <= 3510.0) | np.isclose(abs(z), 3510.0) & (r <= 1150.0 + 1e-9))
    for row in (EM, HADRONIC):
        first, low, _, n_eta, n_phi, _ = calorimeter.grid[row]
        cells = calorimeter.position[int(first):int(first + n_eta * n_phi)].reshape(int(n_eta), int(n_phi), 3)
        eta = np.arcsinh(cells[:, 0, 2] / np.hypot(cells[:, 0, 0], cells[:, 0, 1]))
        assert np.allclose(eta, low + (np.arange(n_eta) + 0.5) * 5.0 / n_eta)
        phi = np.arctan2(cells[0, :, 1], cells[0, :, 0])
        assert np.allclose(phi, -np.pi + (np.arange(n_phi) + 0.5) * 2 * np.pi / n_phi)
    assert tuple(calorimeter.grid[EM, 3:5]) == (200, 252) and tuple(calorimeter.grid[HADRONIC, 3:5]) == (50, 64)
