"""Rows of real events: what must hold in each, independence of neighbours and CPU."""

import ast
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import libm
import numpy as np
import pytest
from real_events import DATA, PROCESSES, events, some

from pseudoexp import chain
from pseudoexp.calibration import calibration_of
from pseudoexp.config import load_card
from pseudoexp.dataset import schema
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.errors import GenerationError
from pseudoexp.rows import MAX_ETA, MAX_PT, MIN_PT

SEED = 1


@pytest.fixture(scope="module")
def tables():
    return chain.chain_tables(load_card("atlas-itk"), calibration_of("atlas-itk"), no_pileup())


@pytest.fixture(scope="module")
def rows(tables):
    return {name: chain.rows_of(events(name), PROCESSES[name], SEED, tables, 8) for name in PROCESSES}


def column(matrix, name):
    return matrix[:, schema.row(name)]


def test_selection_and_order(rows):
    for name, (jets, _) in rows.items():
        assert len(jets) > 50
        assert (column(jets, "pt") >= MIN_PT).all() and (column(jets, "pt") < MAX_PT).all()
        assert (abs(column(jets, "eta")) < MAX_ETA).all()
        assert (column(jets, "vr1_pt") >= column(jets, "vr2_pt")).all() and (column(jets, "vr2_pt") > 10).all()
        assert (np.diff(column(jets, "eventNumber")) >= 0).all()
        weight = dict(zip(events(name).event_number, events(name).weight, strict=True))
        assert all(weight[e] == w for e, w in zip(column(jets, "eventNumber"), column(jets, "mcEventWeight"), strict=True))


def test_every_value_is_finite_and_ip3d_has_rank_two(rows):
    for jets, _ in rows.values():
        assert np.isfinite(jets).all()
        for i in (1, 2):
            bu, bc, cu = (column(jets, f"vr{i}_ip3d_{r}") for r in ("bu", "bc", "cu"))
            np.testing.assert_allclose(bu, bc + cu, atol=1e-12)
            has = column(jets, f"vr{i}_has_sv") == 1
            assert (column(jets, f"vr{i}_sv1_ntrk")[has] >= 2).all()
            assert not column(jets, f"vr{i}_sv1_mass")[~has].any()
            for share in ("sv1_efrac", "jf_efrac"):
                assert (column(jets, f"vr{i}_{share}") <= 1).all()


def test_labels(rows):
    signal, qcd = rows["signal"][0], rows["qcd"][0]
    assert set(column(qcd, "flavour_label")) == {1} and set(column(qcd, "R10TruthLabel_R22v1")) == {10}
    assert set(column(signal, "flavour_label")) == {0, 2}
    hbb = column(signal, "flavour_label") == 0
    assert (column(signal, "R10TruthLabel_R22v1") == np.where(hbb, 11, 0)).all()
    assert (column(signal, "GhostHBosonsCount")[hbb] == 1).all()
    assert abs(column(signal, "truthHiggsMass") - 125).max() < 1.0
    both_b = (column(signal, "vr1_truth_label") == 5) & (column(signal, "vr2_truth_label") == 5)
    assert both_b[hbb].mean() > 0.7 > 0.3 > both_b[~hbb].mean()
    assert 100 < np.median(column(signal, "mass")[hbb]) < 130


def test_an_event_alone_gives_the_same_rows(rows, tables):
    for name, (jets, tracks) in rows.items():
        for first, end in ((0, 1), (17, 18), (40, 60)):
            alone, its_tracks = chain.rows_of(some(events(name), first, end), PROCESSES[name], SEED, tables, 8)
            chosen = (column(jets, "eventNumber") >= first) & (column(jets, "eventNumber") < end)
            np.testing.assert_array_equal(alone, jets[chosen])
            np.testing.assert_array_equal(its_tracks, tracks[chosen])


def test_a_full_workspace_is_enlarged_not_cut(rows, tables, monkeypatch):
    monkeypatch.setattr(chain, "_CAPACITY", 256)
    jets, _ = chain.rows_of(some(events("qcd"), 0, 30), 1, SEED, tables)
    np.testing.assert_array_equal(jets, rows["qcd"][0][column(rows["qcd"][0], "eventNumber") < 30])


def test_tracks_are_the_most_displaced(rows, tables):
    jets, tracks = rows["signal"]
    fields = [f.name for f in schema.TRACK_FIELDS]
    significance = abs(tracks[:, :, fields.index("lifetimeSignedD0Significance")])
    valid = tracks[:, :, fields.index("valid")] == 1
    assert valid.any(axis=1).all()
    assert (np.diff(significance, axis=1)[valid[:, 1:]] <= 0).all()
    fewer = chain.rows_of(events("signal"), 0, SEED, tables, 3)[1]
    np.testing.assert_array_equal(fewer, tracks[:, :3])
    hbb = column(jets, "flavour_label") == 0
    origins = tracks[hbb][:, 0, fields.index("ftagTruthOriginLabel")]
    assert np.isin(origins, (3, 4)).mean() > 0.6


def test_nan_stops_with_the_event(tables):
    batch = some(events("qcd"), 3, 5)
    p4 = batch.p4.copy()
    p4[batch.offsets[1] + 2, 0] = np.nan
    with pytest.raises(GenerationError, match="event 4, seed 1"):
        chain.rows_of(batch._replace(p4=p4), 1, SEED, tables)


DIGEST = """
import sys, hashlib
sys.path.insert(0, {tests!r})
import libm
from real_events import events, some
from pseudoexp import chain
from pseudoexp.calibration import calibration_of
from pseudoexp.config import load_card
from pseudoexp.detector.pileup import no_pileup
tables = chain.chain_tables(load_card("atlas-itk"), calibration_of("atlas-itk"), no_pileup())
jets, tracks = chain.rows_of(some(events({name!r}), {first}, {end}), {process}, 1, tables, 8)
print(hashlib.sha256(jets.tobytes() + tracks.tobytes()).hexdigest(), libm.digest())
"""


def digest(rows, name, first, end):
    jets, tracks = rows[name]
    chosen = (column(jets, "eventNumber") >= first) & (column(jets, "eventNumber") < end)
    return hashlib.sha256(jets[chosen].tobytes() + tracks[chosen].tobytes()).hexdigest()


def digests_elsewhere(name, first, end, **environment):
    """Return the digests of rows and of the C library's functions in a process of its own."""
    code = DIGEST.format(tests=str(DATA.parent), name=name, first=first, end=end, process=PROCESSES[name])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=os.environ | environment)
    return done.stdout.split()


def test_same_bits_without_fused_multiply_add(rows):
    if reason := libm.why_not():
        pytest.skip(reason)
    without, functions = digests_elsewhere("qcd", 0, 90, GLIBC_TUNABLES=libm.WITHOUT)
    assert functions != libm.digest(), "the child process computes with fused multiply-add"
    assert without == digest(rows, "qcd", 0, 90)


def test_same_bits_without_compilation(rows):
    event = int(column(rows["signal"][0], "eventNumber")[0])
    plain, _ = digests_elsewhere("signal", event, event + 1, NUMBA_DISABLE_JIT="1")
    assert plain == digest(rows, "signal", event, event + 1)


def test_flavour_algorithms_cannot_see_truth():
    folder = Path(chain.__file__).parent / "flavour"
    for path in folder.glob("*.py"):
        names = {alias.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
                 for alias in node.names}
        if path.stem != "labels":
            assert not names & {"EventRecord", "EventBatch", "TrackTruth"}, path
