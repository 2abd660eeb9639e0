"""IP3D: categories, selection, sums of log ratios; separation that goes away with the resolution."""

import numpy as np
import pytest
from flavour_toys import (
    SETTINGS,
    axis_p4,
    b_jet,
    covariance_of,
    perigee_of,
    prompt_tracks,
    rows_of,
    tracks_of,
    vertex_at,
)

from pseudoexp.core.jit import kernel
from pseudoexp.core.reconstructed import Tracks
from pseudoexp.flavour import ip3d as ip
from pseudoexp.flavour import templates as tp
from pseudoexp.flavour.two_track import prepare_jet
from pseudoexp.flavour.workspace import (
    DISPLACED,
    MATERIAL,
    NOT_DISPLACED,
    VETOED,
    flavour_settings,
    flavour_workspace,
)

PRIMARY = (0.01, -0.01, 5.0)
JET = axis_p4(60.0, 0.6, 0.4)
BLANK = tp.blank_templates(np.full((tp.SIGMA_PT.size + 1, tp.SIGMA_COT.size + 1), 0.015))


@kernel
def category(pt, cot, sigma, status, templates):
    return ip.category(pt, cot, sigma, status, templates)


@kernel
def bin_index(value, edges):
    return ip.bin_index(value, edges)


def run(tracks, templates, settings=SETTINGS, jet=JET):
    ws = flavour_workspace()
    assert prepare_jet(tracks, rows_of(tracks), tracks.pt.size, jet, vertex_at(PRIMARY), settings, ws) == 0
    return ip.ip3d(tracks, rows_of(tracks), tracks.pt.size, templates, ws), ws


def jets_of(rng, flavour, n, scale=1.0):
    """Toy jets: b with 5 and c with 3 displaced tracks among prompt ones."""
    out = []
    for _ in range(n):
        prompt = prompt_tracks(rng, PRIMARY, 0.6, 0.4, 6)
        displaced = [] if flavour == 2 else b_jet(rng, length=rng.exponential((6.0, 2.0)[flavour]), charm=1.0)[0][4:]
        out.append(tracks_of(prompt + displaced[:5 - 2 * flavour], rng, scale))
    return out


def made_templates(rng, n=250):
    h, h2 = tp.empty_histograms(BLANK)
    ws = flavour_workspace()
    for f in range(3):
        for tracks in jets_of(rng, f, n):
            prepare_jet(tracks, rows_of(tracks), tracks.pt.size, JET, vertex_at(PRIMARY), SETTINGS, ws)
            ip.fill_ip3d(tracks, rows_of(tracks), tracks.pt.size, f, 1.0, BLANK, ws, h, h2)
    return tp.make_templates(h, h2, BLANK), h


def auc(signal, background):
    s, b = np.asarray(signal)[:, None], np.asarray(background)[None]
    return float(((s > b) + 0.5 * (s == b)).mean())


@pytest.fixture(scope="module")
def templates():
    return made_templates(np.random.default_rng(1))[0]


def test_bins_are_those_of_searchsorted():
    edges = np.array([-1.0, 0.0, 2.0])
    x = np.array([-5.0, -1.0, -0.5, 0.0, 1.9, 2.0, 99.0])
    np.testing.assert_array_equal([bin_index(v, edges) for v in x], np.searchsorted(edges, x, side="right"))


def test_categories_are_all_used_and_in_range():
    pts = np.array([1.1, 3.0, 5.0, 10.0, 30.0])
    np.testing.assert_array_equal([category(p, -0.3, 0.015, DISPLACED, BLANK) for p in pts], range(5))
    np.testing.assert_array_equal([category(p, 3.0, 0.05, NOT_DISPLACED, BLANK) for p in (1.5, 8.0)], [5, 6])
    np.testing.assert_array_equal([category(9.0, 3.0, 0.05, status, BLANK) for status in (MATERIAL, VETOED)], [7, 8])
    assert BLANK.bc.shape == (9, 35, 20)


def test_smaller_templates_are_read_within_their_bounds():
    older = BLANK._replace(bc=BLANK.bc[:7], cu=BLANK.cu[:7], typical_sigma=np.full((1, 1), 0.015))
    assert [category(9.0, 3.0, 0.01, status, older) for status in (MATERIAL, VETOED)] == [3, 3]


def test_no_usable_track_is_no_information(templates):
    assert run(tracks_of([]), templates)[0] == (0.0, 0.0, 0.0)
    soft = perigee_of(PRIMARY, 0.9, 0.6, 0.4, 1)
    far = perigee_of(np.add(PRIMARY, [-1.0, 1.2, 0.0]), 9.0, 0.6, 0.4, 1)
    high = perigee_of(np.add(PRIMARY, [0.0, 0.0, 1.9]), 9.0, 0.6, 0.4, 1)
    assert run(tracks_of([soft, far, high]), templates)[0] == (0.0, 0.0, 0.0)
    assert run(tracks_of([soft]), BLANK)[0] == (0.0, 0.0, 0.0)


def test_sum_over_tracks_and_rank_two(templates):
    tracks = jets_of(np.random.default_rng(2), 0, 1)[0]
    (bu, bc, cu), _ = run(tracks, templates)
    assert bu == bc + cu
    singles = [run(Tracks(*(a[i:i + 1] for a in tracks)), templates)[0] for i in range(tracks.pt.size)]
    np.testing.assert_allclose(np.sum(singles, axis=0), [bu, bc, cu])
    assert np.abs(singles).max() <= 6.0 + 1e-12


def test_filling_counts_every_selected_track():
    _, h = made_templates(np.random.default_rng(3), 40)
    assert h[2].sum() <= 40 * 6
    assert h[0].sum() > h[2].sum()
    assert (h.sum(axis=(0, 2, 3))[1:4] > 0.0).all()


def test_separation_order_and_negative_tag(templates):
    rng = np.random.default_rng(4)
    scores = {f: [run(t, templates)[0][0] for t in jets_of(rng, f, 120)] for f in range(3)}
    assert auc(scores[0], scores[2]) > 0.95
    assert 0.6 < auc(scores[1], scores[2]) < auc(scores[0], scores[2])
    flipped = flavour_settings(2.0, (), True)
    negative = [run(t, templates, flipped)[0][0] for t in jets_of(rng, 0, 120)]
    assert auc(negative, scores[2]) < 0.6


def test_separation_goes_away_with_the_resolution(templates):
    # thirty times worse d0 and z0, with the covariance to match: significances of all flavours look alike
    rng = np.random.default_rng(5)
    assert covariance_of(1, 30.0)[0, 0, 0] == pytest.approx((30 * 0.015) ** 2)
    b = [run(t, templates)[0][0] for t in jets_of(rng, 0, 150, 30.0)]
    light = [run(t, templates)[0][0] for t in jets_of(rng, 2, 150, 30.0)]
    assert auc(b, light) < 0.72
