"""Labels from truth, and that nothing else in the package takes truth."""

import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
from flavour_toys import axis_p4

import pseudoexp.flavour as flavour
from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.reconstructed import (
    ORIGIN_FAKE,
    ORIGIN_FROM_B,
    ORIGIN_FROM_BC,
    ORIGIN_PILEUP,
    ORIGIN_PRIMARY,
    ORIGIN_SECONDARY,
    TrackTruth,
)
from pseudoexp.core.record import EventRecord
from pseudoexp.flavour import labels as lb

B, C, TAU = 511, 421, 15


@kernel
def vertex_index(record, truth, track):
    return lb.truth_vertex_index(record, truth, track)


def record_of(heavies, higgs=None, particle_heavy=()):
    """A record with heavy particles (pdg id, pt, phi, cot, from Higgs)."""
    n, k = len(heavies), len(particle_heavy)
    p4 = np.array([axis_p4(pt, phi, cot) for _, pt, phi, cot, _ in heavies]).reshape(-1, 4)
    return EventRecord(
        np.zeros((k, 4)), np.zeros((k, 4)), np.zeros(k, np.int32), np.array(particle_heavy, np.int32), p4,
        np.array([h[0] for h in heavies], np.int32), np.zeros((n, 4)), np.full(n, -1, np.int32),
        np.array([h[4] for h in heavies], bool), np.zeros(4) if higgs is None else np.asarray(higgs), np.zeros((2, 5)))


def vr_labels(heavies, jets):
    labels, pt = np.full((len(jets), 4), 9, np.int32), np.full(len(jets), 9.0)
    lb.label_vr_jets(record_of(heavies), np.array(jets).reshape(-1, 4), len(jets), labels, pt)
    return labels, pt


def test_hierarchy_and_multiplicities():
    jets = [axis_p4(50.0, phi, 0.0) for phi in (0.0, 1.0, 2.0, 3.0)]
    heavies = [(TAU, 40.0, 0.1, 0.0, False), (C, 30.0, 0.1, 0.0, False), (B, 20.0, 0.1, 0.0, False),
               (-B, 25.0, 0.0, 0.1, False), (B, 15.0, 0.0, 0.0, False), (-C, 9.0, 1.1, 0.0, False), (TAU, 7.0, 1.1, 0.0, False),
               (-TAU, 8.0, 2.0, 0.1, False)]
    labels, pt = vr_labels(heavies, jets)
    np.testing.assert_array_equal(labels, [[5, 3, 1, 1], [4, 0, 1, 1], [15, 0, 0, 1], [0, 0, 0, 0]])
    np.testing.assert_allclose(pt, [25.0, 9.0, 8.0, 0.0])
    backwards = vr_labels(heavies[::-1], jets)
    np.testing.assert_array_equal(backwards[0], labels)
    np.testing.assert_array_equal(backwards[1], pt)


def test_a_hadron_belongs_to_its_nearest_jet_only():
    jets = [axis_p4(50.0, 0.0, 0.0), axis_p4(50.0, 0.25, 0.0)]
    labels, _ = vr_labels([(B, 30.0, 0.14, 0.0, False)], jets)
    np.testing.assert_array_equal(labels[:, 0], [0, 5])


@pytest.mark.parametrize(("heavy", "label"), [
    ((B, 5.1, 0.29, 0.0, False), 5), ((B, 4.9, 0.0, 0.0, False), 0), ((B, 50.0, 0.31, 0.0, False), 0),
    ((553, 50.0, 0.0, 0.0, False), 0), ((5122, 50.0, 0.0, 0.0, False), 5), ((4122, 50.0, 0.0, 0.0, False), 4)])
def test_edges_of_the_label(heavy, label):
    assert vr_labels([heavy], [axis_p4(50.0, 0.0, 0.0)])[0][0, 0] == label


def test_azimuth_wraps():
    assert vr_labels([(B, 50.0, -3.1, 0.0, False)], [axis_p4(50.0, 3.1, 0.0)])[0][0, 0] == 5


HIGGS_PAIR = [(B, 60.0, 0.3, 0.0, True), (-B, 60.0, -0.3, 0.0, True)]


@pytest.mark.parametrize(("heavies", "higgs_phi", "process", "expected"), [
    (HIGGS_PAIR, 0.0, SIGNAL, [11, 1, 2, 0]),
    (HIGGS_PAIR, 0.8, SIGNAL, [0, 0, 2, 0]),
    ([HIGGS_PAIR[0], (-B, 60.0, -1.1, 0.0, True)], 0.0, SIGNAL, [0, 1, 1, 0]),
    ([HIGGS_PAIR[0], (-B, 60.0, -0.3, 0.0, False)], 0.0, SIGNAL, [0, 1, 2, 0]),
    ([*HIGGS_PAIR, (C, 60.0, 0.0, 0.2, True), (C, 3.0, 0.0, 0.2, True), (TAU, 30.0, 0.0, 0.0, False)], 0.0, SIGNAL,
     [11, 1, 2, 1])])
def test_large_jets_of_signal_events(heavies, higgs_phi, process, expected):
    labels = np.full(4, 9, np.int32)
    lb.label_large_jet(record_of(heavies, axis_p4(300.0, higgs_phi, 0.0)), axis_p4(300.0, 0.0, 0.0), process, labels)
    np.testing.assert_array_equal(labels, expected)


def test_large_jets_of_qcd_events():
    labels = np.full(4, 9, np.int32)
    lb.label_large_jet(record_of([(B, 60.0, 0.3, 0.0, False)]), axis_p4(300.0, 0.0, 0.0), QCD, labels)
    np.testing.assert_array_equal(labels, [10, 0, 1, 0])


def test_vertex_index():
    record = record_of([(B, 50.0, 0.0, 0.0, True), (C, 30.0, 0.0, 0.0, True)], particle_heavy=[-1, 0, 1, 1, -1])
    truth = TrackTruth(np.array([0, 1, 2, 3, 4, -1, 4], np.int32),
                       np.array([ORIGIN_PRIMARY, ORIGIN_FROM_B, ORIGIN_FROM_BC, ORIGIN_FROM_BC, ORIGIN_SECONDARY,
                                 ORIGIN_FAKE, ORIGIN_PILEUP], np.int32))
    assert [vertex_index(record, truth, i) for i in range(7)] == [0, 1, 2, 2, 7, -1, -1]


def test_no_other_flavour_module_sees_truth():
    folder = Path(flavour.__file__).parent
    for path in folder.glob("*.py"):
        if path.stem in ("labels", "__init__"):
            continue
        __import__(f"pseudoexp.flavour.{path.stem}")
        module = sys.modules[f"pseudoexp.flavour.{path.stem}"]
        source = inspect.getsource(module)
        for word in ("EventRecord", "TrackTruth", "core.record", "ORIGIN_", "heavy", "flavour.labels"):
            assert word not in source, (path.name, word)
