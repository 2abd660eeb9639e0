"""The early test: discs against a plain sum, what counts, and that real events lose nothing by it."""

import numpy as np
import pytest
from real_events import PROCESSES, events

from pseudoexp import chain
from pseudoexp.calibration import calibration_of
from pseudoexp.config import load_card
from pseudoexp.core.jit import kernel
from pseudoexp.core.record import EventRecord, event
from pseudoexp.core.rng import event_stream
from pseudoexp.dataset import schema
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.early_test import THRESHOLD, count_track_jets, early_workspace, fill_discs, fill_region, may_pass
from pseudoexp.reconstruction import reconstruct
from pseudoexp.rows import chain_workspace, leading_track_jets, selected_jet

MUON_PT = 3.0
CENTRES = 0.2 * (np.arange(32) - 15.5), 2.0 * np.pi / 32 * (np.arange(32) - 15.5)


def momenta(pt, eta, phi):
    pt, eta, phi = np.broadcast_arrays(np.asarray(pt, float), eta, phi)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], -1)


def record(p4, pdg_id=211, higgs=None, hadrons=None):
    p4, hadrons = np.atleast_2d(p4), np.zeros((0, 4)) if hadrons is None else hadrons
    n, m = len(p4), len(hadrons)
    return EventRecord(p4, np.zeros((n, 4)), np.full(n, pdg_id, np.int32), np.full(n, -1, np.int32), hadrons,
                       np.full(m, 511, np.int32), np.zeros((m, 4)), np.full(m, -1, np.int32), np.ones(m, np.bool_),
                       np.zeros(4) if higgs is None else higgs, np.zeros((2, 5)))


def filled(r, track_jets=None):
    ws = early_workspace()
    fill_discs(r, MUON_PT, ws)
    if track_jets is not None:
        count_track_jets(track_jets, len(track_jets), ws)
    return ws


def test_threshold_and_acceptance():
    for eta in (-1.9, 0.0, 0.7, 1.9):
        for phi in (-3.1, 0.0, 1.6, 3.1):
            assert may_pass(False, filled(record(momenta(1.001 * THRESHOLD, eta, phi))))
            assert not may_pass(False, filled(record(momenta(0.999 * THRESHOLD, eta, phi))))
    assert not may_pass(False, filled(record(momenta(1000.0, 3.25, 0.0))))


def test_two_prongs_add_as_vectors_when_they_fit_into_a_disc():
    def both(distance):
        return may_pass(False, filled(record(momenta([125.0, 125.0], [0.0, 0.0], [0.0, distance]))))

    assert both(0.5) and not both(2.5)
    assert not may_pass(False, filled(record(momenta([120.0, 120.0], 0.0, [-0.8, 0.8]))))


def test_neutrinos_do_not_count_and_muons_little():
    p4 = momenta([234.0, 500.0], 0.0, 0.0)
    for pdg_id, expected in ((12, False), (-14, False), (16, False), (-13, True), (22, True)):
        r = record(p4)
        r.pdg_id[1] = pdg_id
        assert may_pass(False, filled(r)) is expected
    assert not may_pass(False, filled(record(momenta(5000.0, 0.0, 0.0), 13)))


def test_discs_are_plain_sums():
    eta, phi = CENTRES
    batch = events("qcd")
    for i in range(20):
        r = event(batch, i)
        ws = filled(r)
        seen = ~np.isin(abs(r.pdg_id), [12, 13, 14, 16])
        if (abs(r.pdg_id) == 13).any():
            continue
        p4 = r.p4[seen]
        y, f = np.arcsinh(p4[:, 2] / np.hypot(p4[:, 0], p4[:, 1])), np.arctan2(p4[:, 1], p4[:, 0])
        a, b = np.floor(y / 0.2 + 16), np.floor((f + np.pi) / (2 * np.pi) * 32)
        for row, column in ((8, 0), (15, 31), (22, 12)):
            turned = (b - column + 16) % 32 - 16
            inside = ((a - row)**2 + turned**2 <= 26) & (abs(y) < 3.2)
            pt = np.hypot(*p4[inside, :2].sum(axis=0))
            assert np.sqrt(ws.discs.pt2[row, column]) == pytest.approx(pt, abs=0.02 * pt + 5.0)  # at the edges of cells
    assert len(eta) == len(phi) == 32


def test_the_higgs_boson_and_its_b_hadrons_have_to_be_inside():
    higgs = momenta(300.0, 0.0, 0.0)
    b = momenta([150.0, 150.0], [0.2, -0.2], [0.3, -0.3])
    far = momenta([150.0, 150.0], [0.2, -0.2], [2.8, -0.3])
    assert may_pass(True, filled(record(higgs, higgs=higgs, hadrons=b)))
    assert not may_pass(True, filled(record(higgs, higgs=higgs, hadrons=far)))
    assert not may_pass(True, filled(record(momenta(300.0, 0.0, 3.0), higgs=higgs, hadrons=b)))
    assert not may_pass(True, filled(record(higgs)))


def test_two_track_jets_are_needed_and_the_region_surrounds_them():
    r = record(momenta(300.0, 0.0, 0.0))
    one, two = momenta([50.0], 0.1, 0.1), momenta([50.0, 30.0], [0.1, -0.3], [0.1, -0.2])
    apart = momenta([50.0, 50.0], 0.0, [0.0, 3.0])
    assert may_pass(False, filled(r, two))
    assert not may_pass(False, filled(r, one)) and not may_pass(False, filled(r, apart))
    region = np.zeros(32, np.int64)
    ws = filled(r, two)
    fill_region(ws, region)
    inside = np.array([[mask >> k & 1 for k in range(32)] for mask in region], bool)
    hot = np.argwhere((ws.discs.pt2 >= THRESHOLD**2) & (ws.track_jets >= 2))
    a, k = np.indices((32, 32))
    turned = (k[..., None] - hot[:, 1] + 16) % 32 - 16
    expected = (((a[..., None] - hot[:, 0])**2 + turned**2) <= 81).any(axis=-1)
    np.testing.assert_array_equal(inside, expected)


@kernel
def _selected(batch, process, seed, tables, ws, columns, out):
    """List (event, pT) of all jets with two track jets that pass, without any early test."""
    n = 0
    for i in range(len(batch.event_number)):
        counts = reconstruct(event(batch, i), event_stream(seed, process, batch.event_number[i]), tables.detector,
                             tables.pileup, ws.reconstruction)
        for jet in range(counts.large_jets):
            _, second = leading_track_jets(jet, counts.track_jets, ws)
            if second >= 0 and selected_jet(jet, counts.towers, tables, ws, columns) >= 0:
                out[n, 0], out[n, 1] = batch.event_number[i], columns[0]
                n += 1
    return n


@pytest.mark.slow
@pytest.mark.parametrize("card", ["atlas-itk", "perfect"])
def test_real_events_lose_nothing(card):
    tables = chain.chain_tables(load_card(card), calibration_of(card), no_pileup())
    ws, columns = chain_workspace(4096, tables.detector), np.zeros(100)
    for name, process in PROCESSES.items():
        batch, out = events(name), np.zeros((1000, 2))
        n = _selected(batch, process, 1, tables, ws, columns, out)
        jets, _ = chain.rows_of(batch, process, 1, tables)
        assert n > 50
        np.testing.assert_array_equal(jets[:, [schema.row("eventNumber"), schema.row("pt")]], out[:n])


def test_rows_do_not_depend_on_keeping_others():
    tables = chain.chain_tables(load_card("atlas-itk"), calibration_of("atlas-itk"), no_pileup())
    for name, process in PROCESSES.items():
        everything, _ = chain.rows_of(events(name), process, 1, tables)
        counted, _ = chain.rows_of(events(name), process, 1, tables, keep_other=False)
        label = everything[:, schema.row("flavour_label")]
        np.testing.assert_array_equal(counted, everything[label == process])
