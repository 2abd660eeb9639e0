"""Two-track vertices: K0S peak and veto, conversions, material, seeds, overflow."""

import numpy as np
import pytest
from flavour_toys import (
    BZ,
    SETTINGS,
    axis_p4,
    b_jet,
    direction,
    perigee_from_momentum,
    prompt_tracks,
    prongs,
    rows_of,
    tracks_of,
    two_body,
    vertex_at,
)

from pseudoexp.flavour.two_track import (
    MIN_CHI2_PRIMARY,
    PAIR_KSHORT,
    PAIR_LAMBDA,
    PAIR_MATERIAL,
    PAIR_SEED,
    prepare_jet,
)
from pseudoexp.flavour.workspace import (
    DISPLACED,
    IP_CHI2,
    MATERIAL,
    NOT_DISPLACED,
    VETOED,
    flavour_settings,
    flavour_workspace,
)

PRIMARY = (0.01, -0.01, 5.0)
PION, PROTON, ELECTRON = 0.13957039, 0.93827209, 0.00051099895


def prepared(perigees, rng=None, settings=SETTINGS, capacity=64, phi=0.6, cot=0.4):
    tracks = tracks_of(perigees, rng)
    ws = flavour_workspace(capacity)
    status = prepare_jet(tracks, rows_of(tracks), tracks.pt.size, axis_p4(60.0, phi, cot), vertex_at(PRIMARY),
                         settings, ws)
    return status, ws


def decay_of(mass, m1, m2, rng, pt=6.0, length=20.0, charges=(1, -1)):
    u = direction(0.6, 0.4)
    p = pt * np.sqrt(1.0 + 0.4**2) * u
    point = np.array(PRIMARY) + length * u
    a, b = two_body(p, mass, m1, m2, rng)
    return [perigee_from_momentum(point, a, charges[0]), perigee_from_momentum(point, b, charges[1])]


def test_kshort_peak():
    rng = np.random.default_rng(1)
    masses, vetoed = [], 0
    for _ in range(120):
        status, ws = prepared(decay_of(0.497611, PION, PION, rng), rng)
        assert status == 0
        if ws.pair_count[0] == 1:
            masses.append(ws.pair_mass[0])
            vetoed += ws.pair[0, 2] == PAIR_KSHORT
            assert (ws.status[:2] == (VETOED if ws.pair[0, 2] == PAIR_KSHORT else DISPLACED)).all()
    assert len(masses) > 80
    assert np.median(masses) == pytest.approx(0.4976, abs=0.001)
    assert vetoed > 0.85 * len(masses)


def test_lambda_is_found_by_its_proton():
    rng = np.random.default_rng(2)
    codes = []
    for _ in range(60):
        _, ws = prepared(decay_of(1.115683, PROTON, PION, rng, pt=8.0), rng)
        codes += list(ws.pair[:ws.pair_count[0], 2])
    assert np.mean(np.array(codes) == PAIR_LAMBDA) > 0.75


def test_like_sign_pairs_are_no_kshort():
    _, ws = prepared(decay_of(0.497611, PION, PION, np.random.default_rng(1), charges=(1, 1)))
    assert PAIR_KSHORT not in ws.pair[:ws.pair_count[0], 2]
    assert VETOED not in ws.status[:2]


def test_conversions_are_vetoed():
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(60):
        u = direction(0.6, 0.4)
        point = np.array(PRIMARY) + 70.0 * u
        share = rng.uniform(0.3, 0.7)
        perigees = [perigee_from_momentum(point, 5.0 * s * u, q) for s, q in ((share, 1), (1.0 - share, -1))]
        _, ws = prepared(perigees, rng)
        found += (ws.status[:2] == VETOED).all()
    assert found > 40


def test_vertices_in_material_are_no_seeds():
    angles, pts, charges = [(0.1, 0.05), (-0.1, -0.1)], [5.0, 7.0], [1, 1]
    u = direction(0.6, 0.4)
    point = np.array(PRIMARY) + 10.0 * u
    radius = np.hypot(*point[:2])
    perigees = prongs(point, 0.6, 0.4, angles, pts, charges)
    _, free = prepared(perigees)
    _, layer = prepared(perigees, settings=flavour_settings(BZ, [radius + 0.2, 50.0]))
    assert free.pair[0, 2] == PAIR_SEED
    assert (free.seeds[:2] == 1).all()
    assert layer.pair[0, 2] == PAIR_MATERIAL
    assert (layer.seeds[:2] == 0).all()
    assert (layer.status[:2] == MATERIAL).all()


def test_prompt_jets_have_no_seeds_and_b_jets_do():
    rng = np.random.default_rng(6)
    light = [prepared(prompt_tracks(rng, PRIMARY, 0.6, 0.4, 8), rng)[1] for _ in range(40)]
    assert np.mean([w.seeds[:8].any() for w in light]) < 0.15
    assert np.mean([(w.status[:8] == NOT_DISPLACED).mean() for w in light]) > 0.95
    beauty = [prepared(b_jet(rng)[0], rng)[1] for _ in range(40)]
    assert np.mean([w.seeds[4:9].any() for w in beauty]) > 0.9


def test_negative_tag_takes_the_other_side():
    perigees = b_jet(np.random.default_rng(8))[0]
    _, negative = prepared(perigees, settings=flavour_settings(BZ, (), True))
    assert not negative.seeds[:9].any()
    mirrored = b_jet(np.random.default_rng(8), length=-8.0, charm=-5.0)[0]
    assert not prepared(mirrored)[1].seeds[:9].any()
    assert prepared(mirrored, settings=flavour_settings(BZ, (), True))[1].seeds[:9].any()


def test_too_small_workspaces_are_told():
    perigees = b_jet(np.random.default_rng(8))[0]
    assert prepared(perigees, capacity=8)[0] == -1
    many = [p for k in range(4) for p in b_jet(np.random.default_rng(k))[0][4:]]
    assert prepared(many, capacity=20)[0] == -1
    assert prepared(many, capacity=80)[0] == 0


def test_seeds_stand_near_the_jet_axis():
    """The same decay seen from a jet whose axis is turned away from the flight direction."""
    for turn, seeds in ((0.0, True), (0.2, True), (0.5, False)):
        perigees = prongs(np.array(PRIMARY) + 10.0 * direction(0.6, 0.4), 0.6, 0.4, [(0.1, 0.05), (-0.1, -0.1)],
                          [5.0, 7.0], [1, 1])
        assert prepared(perigees, phi=0.6 + turn)[1].seeds[:2].any() == seeds


def test_tracks_with_hits_inside_a_vertex_are_no_seeds():
    perigees = prongs(np.array(PRIMARY) + 60.0 * direction(0.6, 0.4), 0.6, 0.4, [(0.02, 0.02), (-0.03, 0.01)],
                      [5.0, 7.0], [1, 1])
    layers = np.array([[30.0, 1.6], [80.0, 4.0]])
    for sigma, seeds in ((0.015 / 1.65, True), (0.015, False)):
        grid = np.full((95, 28), sigma)
        _, ws = prepared(perigees, settings=flavour_settings(BZ, sigma_d0=grid, layers=layers))
        assert ws.seeds[:2].any() == seeds


def test_a_conversion_with_one_prompt_looking_track_is_vetoed():
    point = np.array(PRIMARY) + 26.0 * direction(0.6, 0.4)
    perigees = [perigee_from_momentum(point, p * direction(0.6, 0.4), q) for p, q in ((12.0, 1), (0.8, -1))]
    _, ws = prepared(perigees)
    assert ws.impact[0, IP_CHI2] < MIN_CHI2_PRIMARY
    assert (ws.status[:2] == VETOED).all()
