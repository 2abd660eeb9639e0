"""JetFitter on toy decay chains."""

import numpy as np
import pytest
from flavour_toys import (
    SETTINGS,
    axis_p4,
    b_jet,
    direction,
    prompt_tracks,
    random_prongs,
    rows_of,
    tracks_of,
    vertex_at,
)

from pseudoexp.flavour.jetfitter import JF_DR, JF_EFRAC, JF_MASS, JF_NSINGLE, JF_NTRK, JF_NVTX, JF_SIG3D, jetfitter
from pseudoexp.flavour.two_track import prepare_jet
from pseudoexp.flavour.workspace import flavour_settings, flavour_workspace

PRIMARY = (0.01, -0.01, 5.0)
U = direction(0.6, 0.4)


def find(perigees, rng=None, settings=SETTINGS, pt=100.0):
    tracks = tracks_of(perigees, rng)
    ws, jet, vertex, out = flavour_workspace(), axis_p4(pt, 0.6, 0.4), vertex_at(PRIMARY), np.full(7, 7.0)
    assert prepare_jet(tracks, rows_of(tracks), tracks.pt.size, jet, vertex, settings, ws) == 0
    jetfitter(tracks, rows_of(tracks), tracks.pt.size, jet, vertex, settings, ws, out)
    assert np.isfinite(out).all()
    return out, ws


def test_chain_of_two_vertices():
    rng = np.random.default_rng(1)
    outs = np.array([find(b_jet(rng, length=8.0, charm=12.0)[0], rng)[0] for _ in range(60)])
    assert np.median(outs[:, JF_NVTX]) == 2
    assert np.median(outs[:, JF_NTRK]) == 5
    assert outs[:, JF_NSINGLE].mean() < 0.5
    assert (outs[:, JF_SIG3D] > 10.0).mean() > 0.95
    assert (outs[:, JF_EFRAC] > 0.0).all()
    assert (outs[:, JF_EFRAC] <= 1.0).all()
    assert (outs[:, JF_MASS] > 0.27).all()
    assert (outs[:, JF_DR] < 0.4).all()


def test_one_vertex_is_merged_to_one():
    rng = np.random.default_rng(2)
    outs = np.array([find(b_jet(rng, charm=0.0)[0], rng)[0] for _ in range(60)])
    assert np.mean(outs[:, JF_NVTX] == 1) > 0.8
    assert np.mean(outs[:, JF_NTRK] >= 4) > 0.8


def test_significance_of_one_vertex_is_that_of_its_length():
    perigees = random_prongs(np.random.default_rng(3), np.array(PRIMARY) + 8.0 * U, 0.6, 0.4, 4)
    out, ws = find(perigees)
    assert out[JF_NVTX] == 1
    assert out[JF_NTRK] == 4
    assert ws.length[0] == pytest.approx(8.0, abs=0.01)


def test_single_tracks_make_vertices():
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(40):
        one = random_prongs(rng, np.array(PRIMARY) + 10.0 * U, 0.6, 0.4, 1)
        out, _ = find(one + prompt_tracks(rng, PRIMARY, 0.6, 0.4, 4), rng)
        assert out[JF_NVTX] == 0
        assert out[JF_NTRK] == 0
        found += out[JF_NSINGLE] == 1
    assert found > 15


def test_nothing_in_prompt_and_empty_jets():
    rng = np.random.default_rng(5)
    outs = np.array([find(prompt_tracks(rng, PRIMARY, 0.6, 0.4, 8), rng)[0] for _ in range(60)])
    assert (outs[:, JF_NVTX] + outs[:, JF_NSINGLE] == 0.0).mean() > 0.85
    nothing = outs[outs[:, JF_NVTX] + outs[:, JF_NSINGLE] == 0.0]
    assert not nothing.any()
    assert not find([])[0].any()


def test_negative_tag_takes_the_other_side():
    negative = flavour_settings(2.0, (), True)
    for seed in range(5):
        forward = b_jet(np.random.default_rng(seed))[0]
        assert find(forward)[0][JF_NVTX] >= 1
        assert not find(forward, settings=negative)[0].any()
        backward = b_jet(np.random.default_rng(seed), length=-8.0, charm=0.0)[0]
        assert find(backward)[0][JF_NVTX] == 0
        assert find(backward, settings=negative)[0][JF_NVTX] >= 1
