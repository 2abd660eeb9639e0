"""The calorimeter: response, resolution, sharing among neighbours, impact points, towers from the vertex."""

import numpy as np
import pytest
from detector_toys import MASS, busy_record, changed, momenta, record, simulated, tables

QUIET = {"material": {"radiation_lengths": [0.0] * 6, "interaction_lengths": [0.0] * 6}, "decays_in_flight": False}
POINT = {"em_shower_width": 0.0, "hadron_em_width": 0.0, "hadron_width": 0.0}
SPOT = {"beam_spot": {"sigma_x": 1e-6, "sigma_y": 1e-6, "sigma_z": 1e-6}}


def energies(pdg_id, e, eta, events=250, **calorimeter):
    """Return the summed tower energy of single particles and the towers of the last."""
    t = changed("atlas-itk", **QUIET, calorimeter={"threshold": 0.0, **calorimeter})
    pt = np.sqrt(e**2 - MASS[abs(pdg_id)] ** 2) / np.cosh(eta)
    sums = []
    for event in range(events):
        phi = -3.0 + 6.0 * event / events
        ws, _, n = simulated(record(momenta(np.array([pt]), eta, phi, pdg_id), pdg_id), t, event=event)
        sums.append(ws.towers.p4[:n, 3].sum())
    return np.array(sums), ws.towers.p4[:n].copy()


@pytest.mark.parametrize(("pdg_id", "e", "eta", "stochastic", "constant"), [
    (22, 50.0, 0.4, 0.10, 0.007), (11, 20.0, -1.2, 0.10, 0.007), (211, 50.0, 0.4, 0.50, 0.03),
    (130, 20.0, 1.1, 0.50, 0.03), (211, 200.0, 3.2, 1.0, 0.10), (22, 200.0, -4.0, 1.0, 0.10)])
def test_response_is_one_with_the_resolution_of_the_card(pdg_id, e, eta, stochastic, constant):
    sums, _ = energies(pdg_id, e, eta)
    sigma = np.hypot(stochastic / np.sqrt(e), constant)
    assert sums.mean() / e == pytest.approx(1.0, abs=4 * sigma / np.sqrt(len(sums)))
    assert sums.std() / e == pytest.approx(sigma, rel=0.2)


def test_low_energies_keep_their_mean_and_stay_positive():
    sums, _ = energies(211, 1.5, 0.2, 800)
    assert sums.min() > 0.0 and sums.mean() == pytest.approx(1.5, rel=0.06)


def test_muons_leave_two_to_three_gev_and_neutrinos_nothing():
    sums, _ = energies(13, 50.0, 0.5)
    assert sums.min() >= 2.0 and sums.max() <= 3.0 and sums.std() == pytest.approx(1 / np.sqrt(12), rel=0.15)
    sums, _ = energies(13, 1.2, 0.1, 20)
    assert np.allclose(sums, 1.2)
    assert energies(12, 50.0, 0.5, 5)[0].sum() == 0.0


def test_nucleons_leave_their_kinetic_energy_and_antinucleons_annihilate():
    exact = {"hadronic_stochastic": 0.0, "hadronic_constant": 0.0}
    assert np.allclose(energies(2112, 5.0, 0.5, 5, **exact)[0], 5.0 - MASS[2112])
    assert np.allclose(energies(-2112, 5.0, 0.5, 5, **exact)[0], 5.0 + MASS[2112])
    assert np.allclose(energies(-2112, 5.0, 0.5, 5, nucleon_masses=False, **exact)[0], 5.0)


def test_towers_point_at_the_impact():
    t = changed("perfect", **SPOT)
    rng = np.random.default_rng(1)
    for pdg_id, half in ((22, 0.0125), (130, 0.0125)):
        for event in range(40):
            eta, phi = rng.uniform(-2.4, 2.4), rng.uniform(-np.pi, np.pi)
            ws, _, n = simulated(record(momenta(np.array([20.0]), eta, phi, pdg_id), pdg_id), t, event=event)
            p = ws.towers.p4[:n].sum(0)
            assert np.arcsinh(p[2] / np.hypot(p[0], p[1])) == pytest.approx(eta, abs=half + 1e-9)
            d_phi = (np.arctan2(p[1], p[0]) - phi + np.pi) % (2 * np.pi) - np.pi
            assert abs(d_phi) <= half + 1e-9


def test_magnetic_field_moves_the_impact():
    t = changed("perfect", **SPOT)
    shifts = []
    for pdg_id in (211, -211):
        ws, _, n = simulated(record(momenta(np.array([2.0]), 0.01, 0.0, pdg_id), pdg_id), t)
        shifts.append(np.arctan2(*ws.towers.p4[:n].sum(0)[[1, 0]]))
    expected = np.arcsin(1150.0 * 0.299792458e-3 * 2.0 / 2.0 / 2.0)
    assert shifts[0] == pytest.approx(-expected, abs=0.0126) and shifts[1] == pytest.approx(expected, abs=0.0126)


def test_showers_near_an_edge_are_shared_and_others_are_not():
    t = changed("atlas-itk", **QUIET, **SPOT, calorimeter={"threshold": 0.0, "em_stochastic": 0.0, "em_constant": 0.0})
    cell = 2 * np.pi / 252
    for offset, towers, largest in ((0.5, 1, 1.0), (0.001, 2, 0.5), (0.2, 2, 1 - 0.5 * (1 - 0.2 * cell / 0.010) ** 2)):
        phi = -np.pi + (100 + offset) * cell
        ws, _, n = simulated(record(momenta(np.array([30.0]), 0.0125, phi, 22), 22), t)
        assert n == towers
        assert ws.towers.p4[:n, 3].max() / ws.towers.p4[:n, 3].sum() == pytest.approx(largest, abs=0.01)


def test_azimuth_wraps_around():
    t = changed("atlas-itk", **QUIET, **SPOT, calorimeter={"threshold": 0.0, "em_stochastic": 0.0, "em_constant": 0.0})
    for sign in (1, -1):
        ws, _, n = simulated(record(momenta(np.array([30.0]), 0.0125, sign * (np.pi - 1e-4), 22), 22), t)
        phi = np.sort(np.arctan2(ws.towers.p4[:n, 1], ws.towers.p4[:n, 0]))
        assert n == 2 and np.allclose(phi, [-np.pi + np.pi / 252, np.pi - np.pi / 252], atol=1e-3)
        assert ws.towers.p4[:n, 3].sum() == pytest.approx(30.0 * np.cosh(0.0125))


def test_energy_is_neither_lost_nor_made_by_sharing():
    exact = dict.fromkeys(("em_stochastic", "em_constant", "hadronic_stochastic", "hadronic_constant",
                           "forward_stochastic", "forward_constant", "threshold"), 0.0)
    t = changed("atlas-itk", **QUIET, **SPOT, calorimeter={**exact, "nucleon_masses": False})
    r = busy_record(2)
    seen = (abs(r.p4[:, 2]) < np.hypot(r.p4[:, 0], r.p4[:, 1]) * np.sinh(4.7)) & (r.pdg_id != 13)
    seen &= (np.hypot(r.p4[:, 0], r.p4[:, 1]) > 0.4) | (r.pdg_id == 22)
    ws, _, n = simulated(record(r.p4[seen], r.pdg_id[seen]), t)
    assert ws.towers.p4[:n, 3].sum() == pytest.approx(r.p4[seen, 3].sum(), rel=1e-9)
    assert (ws.calorimeter.energy == 0.0).all()  # cleared for the next event
    assert np.allclose(ws.towers.p4[:n, 3], np.linalg.norm(ws.towers.p4[:n, :3], axis=1))


def test_threshold_is_on_transverse_energy():
    t = tables()
    ws, _, n = simulated(busy_record(3), t)
    assert n > 50 and np.hypot(ws.towers.p4[:n, 0], ws.towers.p4[:n, 1]).min() >= 0.5 * (1 - 1e-12)


def test_directions_come_from_the_vertex():
    """A collision 150 mm along the beam: the towers' directions are those of the particles, not of the cells."""
    t = changed("perfect", beam_spot={"sigma_z": 150.0})
    for event in range(5):
        ws, _, n = simulated(record(momenta(np.full(8, 20.0), np.linspace(-2, 2, 8), np.arange(8) * 0.7, 13), 13), t,
                             event=event)
        assert abs(ws.primary_vertex.position[2] - ws.collision[2]) < 0.01
        eta = np.arcsinh(ws.towers.p4[:n, 2] / np.hypot(ws.towers.p4[:n, 0], ws.towers.p4[:n, 1]))
        assert max(np.min(abs(eta - x)) for x in np.linspace(-2, 2, 8)) < 0.08


def test_towers_say_their_layer():
    """Photons stay in the first layer, hadrons reach the second but for late showers' starts; forward there is one layer."""
    for pdg_id, eta, low, high in ((22, 0.4, 0.0, 0.0), (211, 0.4, 0.4, 0.95), (211, 3.2, 0.0, 0.0), (211, -3.2, 0.0, 0.0)):
        t = changed("atlas-itk", **QUIET, calorimeter={"threshold": 0.0})
        share = []
        for event in range(100):
            p4 = momenta(np.array([50.0]), eta, -3.0 + 0.06 * event, pdg_id)
            ws, _, n = simulated(record(p4, pdg_id), t, event=event)
            share.append(ws.towers.p4[:n, 3][ws.towers.hadronic[:n]].sum() / ws.towers.p4[:n, 3].sum())
        assert low <= np.mean(share) <= high, (pdg_id, eta)
