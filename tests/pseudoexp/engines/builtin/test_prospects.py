"""The test of the partons: what it counts, and that it takes away nothing but particles of events without rows."""

import numpy as np
import pytest

from pseudoexp import chain
from pseudoexp.core.discs import new_discs
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.dataset import schema
from pseudoexp.engines.builtin.chunk import generate_chunk, generate_for_rows, generate_varied
from pseudoexp.engines.builtin.partons import FINAL, INCOMING, REMNANT, REPLACED, append_parton, new_partons
from pseudoexp.engines.builtin.prospects import ANY_JET, HIGGS_JET, THRESHOLD, can_give_row
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.production.run_config import RunConfig

EVENTS = 400


def momentum(pt, eta, phi):
    return pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)


def judged(*rows, asked=ANY_JET, higgs=None):
    """Judge partons (pT, eta, phi, status, PDG number, whether of the Higgs boson)."""
    partons = new_partons(20)
    for pt, eta, phi, status, pdg_id, from_higgs in rows:
        k = append_parton(partons, pdg_id, status, -1, 0, *momentum(pt, eta, phi), 0.0, 0, 0)
        partons.from_higgs[k] = from_higgs
    p4 = np.zeros(4) if higgs is None else np.array(momentum(*higgs))
    return can_give_row(partons, p4, asked, THRESHOLD, new_discs())


def gluon(pt, eta=0.3, phi=1.0, status=FINAL):
    return pt, eta, phi, status, 21, False


def bottom(pt, eta, phi):
    return pt, eta, phi, FINAL, 5, True


@pytest.mark.parametrize(("partons", "expected"), [
    ([gluon(1.001 * THRESHOLD)], True), ([gluon(0.999 * THRESHOLD)], False),
    ([gluon(0.6 * THRESHOLD), gluon(0.6 * THRESHOLD, phi=1.5)], True),
    ([gluon(0.6 * THRESHOLD), gluon(0.6 * THRESHOLD, phi=-2.0)], False),
    ([gluon(1000.0, eta=3.4)], False), ([gluon(300.0, status=REMNANT)], True),
    ([gluon(300.0, status=REPLACED)], False), ([gluon(300.0, status=INCOMING)], False), ([], False),
])
def test_largest_disc(partons, expected):
    assert judged(*partons) is expected


def test_the_higgs_boson_and_its_b_quarks_have_to_be_inside():
    pair = bottom(200.0, 0.0, 0.3), bottom(100.0, 0.1, -0.4)
    assert judged(*pair, asked=HIGGS_JET, higgs=(290.0, 0.0, 0.0))
    assert not judged(*pair, asked=HIGGS_JET, higgs=(290.0, 0.0, 1.6))
    assert not judged(pair[0], bottom(100.0, 0.1, -2.5), asked=HIGGS_JET, higgs=(290.0, 0.0, 0.0))
    assert not judged(gluon(400.0), *(bottom(30.0, 0.3, -2.0),) * 2, asked=HIGGS_JET, higgs=(60.0, 0.3, -2.0))
    assert judged(gluon(400.0), *(bottom(30.0, 0.3, -2.0),) * 2, higgs=(60.0, 0.3, -2.0))


def particles(batch, i):
    return slice(batch.offsets[i], batch.offsets[i + 1]), slice(batch.heavy_offsets[i], batch.heavy_offsets[i + 1])


@pytest.mark.parametrize("keep_other", [False, True])
@pytest.mark.parametrize("process", [SIGNAL, QCD], ids=["signal", "qcd"])
def test_events_and_rows_stay_the_same_to_the_bit(process, keep_other):
    settings = EngineSettings()
    whole, bare = (make(process, 1, 0, EVENTS, settings, *more)
                   for make, more in ((generate_chunk, ()), (generate_for_rows, (keep_other,))))
    for name in ("event_number", "weight", "pthat", "higgs", "partons"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(bare, name))
    left = np.diff(bare.offsets) > 0
    assert 0.6 < left.mean() < 0.85
    for i in np.flatnonzero(left):
        (a, heavy_a), (b, heavy_b) = particles(whole, i), particles(bare, i)
        for name in whole._fields[5:9]:
            np.testing.assert_array_equal(getattr(whole, name)[a], getattr(bare, name)[b])
        for name in whole._fields[9:14]:
            np.testing.assert_array_equal(getattr(whole, name)[heavy_a], getattr(bare, name)[heavy_b])
    config = RunConfig.from_options(100, tracks=5, keep_unmatched=keep_other)
    made, remade = (chain.rows_of_batch(config, process, batch) for batch in (whole, bare))
    wanted = np.ones(len(made.jets), bool) if keep_other or process == QCD else made.jets[:, schema.row("flavour_label")] == 0
    np.testing.assert_array_equal(made.jets[wanted], remade.jets)
    np.testing.assert_array_equal(made.tracks[wanted], remade.tracks)
    assert len(remade.jets) > 100 and made.weight_sum == remade.weight_sum


def test_variations_stay_the_same():
    whole, ratios = generate_varied(SIGNAL, 1, 0, 60, EngineSettings())
    bare, its_ratios = generate_varied(SIGNAL, 1, 0, 60, EngineSettings(), False)
    left = np.diff(bare.offsets) > 0
    assert 0 < left.sum() < 60 and (whole.weight == bare.weight).all()
    np.testing.assert_array_equal(ratios[left], its_ratios[left])


@pytest.mark.parametrize(("options", "expected"), [
    ({}, True), ({"keep_unmatched": True}, True), ({"variations": True}, True), ({"pileup": 20.0}, False)])
def test_the_chain_asks_for_rows_alone_without_pileup(options, expected, monkeypatch):
    """`make_chunk` wants events that can give rows; with pile-up, all whole."""
    seen = []

    def rows(config, process, batch):
        seen.append((np.diff(batch.offsets) == 0).any())
        raise InterruptedError

    monkeypatch.setattr(chain, "rows_of_batch", rows)
    monkeypatch.setattr(schema, "EVENTS_PER_CHUNK", 40)
    with pytest.raises(InterruptedError):
        chain.make_chunk(RunConfig.from_options(100, **options), SIGNAL, 0)
    assert seen == [expected]
