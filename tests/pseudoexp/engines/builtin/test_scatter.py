"""From a chosen scattering to rows of the event: exact kinematics, masses, colour tags."""

import numpy as np
import pytest

from pseudoexp.engines.builtin.colour_flow import B_TO_HIGGS, COMPTON_ST, PAIR_FROM_FIRST, set_flow
from pseudoexp.engines.builtin.matrix_elements import new_scattering
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, FINAL, INCOMING, SEA, new_partons, new_systems
from pseudoexp.engines.builtin.scatter import append_scattering, parton_mass

PROCESSES = {"q g": (COMPTON_ST, (3, 21, 3, 21)), "b b": (PAIR_FROM_FIRST, (21, 21, 5, -5)), "H b": (B_TO_HIGGS, (5, 21, 25, 5))}


def chosen(name: str):
    """Return a scattering with species and colours."""
    scattering, (flow, species) = new_scattering(), PROCESSES[name]
    set_flow(scattering.pdg_id, scattering.colour, flow, False, *species)
    return scattering


@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize(("x1", "x2", "cosine", "phi"), [
    (0.05, 0.05, 0.3, 1.0), (0.2, 0.004, -0.95, 5.0), (0.001, 0.7, 0.999, 2.5)])
def test_kinematics(name: str, x1: float, x2: float, cosine: float, phi: float) -> None:
    """In the rest frame 3 goes in the chosen direction; momentum is conserved, all stand on their mass shells."""
    partons, systems, scattering = new_partons(20), new_systems(2), chosen(name)
    assert append_scattering(partons, systems, scattering, x1, x2, cosine, phi, 37.0) == 0
    p = partons.p4[:4]
    np.testing.assert_allclose(p[0] + p[1], p[2] + p[3], atol=1e-9)
    np.testing.assert_allclose(p[:2], BEAM_ENERGY * np.array([[0, 0, x1, x1], [0, 0, -x2, x2]]))
    masses = [0.0, 0.0, *(parton_mass(k) for k in PROCESSES[name][1][2:])]
    np.testing.assert_allclose(partons.mass[:4], masses)
    np.testing.assert_allclose(p[:, 3] ** 2 - (p[:, :3] ** 2).sum(1), np.square(masses), atol=1e-9 * p[0:2, 3].max() ** 2)
    velocity = (x1 - x2) / (x1 + x2)
    pz = (p[2, 2] - velocity * p[2, 3]) / np.sqrt(1 - velocity**2)
    size = np.sqrt(p[2, 0] ** 2 + p[2, 1] ** 2 + pz**2)
    assert pz / size == pytest.approx(cosine, abs=1e-9)
    assert np.arctan2(p[2, 1], p[2, 0]) % (2 * np.pi) == pytest.approx(phi)
    s = 4 * BEAM_ENERGY**2 * x1 * x2
    assert size == pytest.approx(np.sqrt((s - (masses[2] + masses[3]) ** 2) * (s - (masses[2] - masses[3]) ** 2) / (4 * s)))
    assert partons.status[:4].tolist() == [INCOMING, INCOMING, FINAL, FINAL] and (partons.mother[:4] == -1).all()
    assert systems.x[0].tolist() == [x1, x2] and systems.scale[0] == 37.0 and systems.incoming[0].tolist() == [0, 1]
    assert (systems.origin[0] == SEA).all() and (systems.partner[0] == -1).all()


def test_every_scattering_has_colours_of_its_own() -> None:
    """The same flow twice: the same tags, moved behind those in use."""
    partons, systems = new_partons(20), new_systems(2)
    for k in range(2):
        assert append_scattering(partons, systems, chosen("q g"), 0.01, 0.02, 0.0, 0.0, 5.0) == k
    first, second = partons.colour[:4], partons.colour[4:8]
    assert np.array_equal(second, np.where(first > 0, first + 4, 0)) and partons.filled.tolist() == [8, 8]
    assert partons.system[:8].tolist() == [0] * 4 + [1] * 4
    assert append_scattering(partons, systems, chosen("q g"), 0.01, 0.02, 0.0, 0.0, 5.0) == -1


def test_no_energy_for_the_masses() -> None:
    """Below 129.8 GeV there is no H b; nothing is appended."""
    for energy, expected in ((129.7, -1), (129.9, 0)):
        partons, systems = new_partons(20), new_systems(2)
        x = energy / (2 * BEAM_ENERGY)
        assert append_scattering(partons, systems, chosen("H b"), x, x, 0.0, 0.0, 5.0) == expected
        assert partons.filled[0] == (4 if expected == 0 else 0)


def test_masses() -> None:
    """Constituent masses of light quarks; of antiquarks the same."""
    assert [parton_mass(k) for k in (1, -2, 3, -4, 5, 21, 25)] == [0.33, 0.33, 0.5, 1.5, 4.8, 0.0, 125.0]
