"""True jets: visible particles without muons, trimmed, in the order of the untrimmed pT."""

import numpy as np
import pytest

from pseudoexp.jets.candidates import jets_workspace
from pseudoexp.jets.truth import truth_jets


def record_of(p4, pdg_id):
    from toy_record import toy_record

    return toy_record(np.array(p4, float), np.array(pdg_id, np.int32))


def found(p4, pdg_id):
    out = np.zeros((8, 4))
    n = truth_jets(record_of(p4, pdg_id), np.zeros((64, 4)), jets_workspace(16, 64), out)
    return out[:n]


def particle(pt, eta, phi):
    return [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)]


def test_two_jets_without_muon_and_neutrino():
    p4 = [particle(300, 0.5, 1.0), particle(400, 0.6, 1.1), particle(250, -0.5, -2.0), particle(500, 0.5, 1.0),
          particle(90, -0.5, -2.0)]
    jets = found(p4, [211, 22, 130, 13, 14])
    assert len(jets) == 2
    assert jets[0, 0] == pytest.approx(np.hypot(*np.sum([p4[0][:2], p4[1][:2]], axis=0)))
    assert jets[1] == pytest.approx([250.0, -0.5, -2.0, 0.0], abs=1e-4)
    total = np.sum(p4[:2], axis=0)
    assert jets[0, 3] == pytest.approx(np.sqrt(total[3]**2 - (total[:3]**2).sum()), rel=1e-9)


def test_soft_far_particles_are_trimmed_away():
    jets = found([particle(300, 0.0, 0.0), particle(5, 0.8, 0.0)], [211, 211])
    assert jets[0, 0] == pytest.approx(300.0)


def test_soft_jets_are_not_listed():
    assert len(found([particle(90, 0.0, 0.0)], [211])) == 0
