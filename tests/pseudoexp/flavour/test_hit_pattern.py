"""What the reported error of a track says about where it began."""

import math

import numpy as np
import pytest
from flavour_toys import BZ, perigee_of, rows_of, tracks_of

from pseudoexp.detector.tables import RESOLUTION_ETA_STEP, RESOLUTION_LN_PT_MIN, RESOLUTION_LN_PT_STEP
from pseudoexp.flavour.hit_pattern import expected_sigma_d0, fill_origins, may_begin_at
from pseudoexp.flavour.workspace import DISPLACED, NOT_DISPLACED, flavour_settings, flavour_workspace

LAYERS = np.array([[30.0, 1.6], [50.0, 2.5], [90.0, 4.0]])
LN_PT = RESOLUTION_LN_PT_MIN + RESOLUTION_LN_PT_STEP * np.arange(95)
GRID = np.outer(0.015 * np.ones(95), np.ones(28))
SETTINGS = flavour_settings(BZ, sigma_d0=GRID, layers=LAYERS, crowded_radius=0.02, crowded_widening=0.1)


def origins(scale, settings=SETTINGS, neighbours=0, status=DISPLACED):
    """Allowed radii of a track whose sigma(d0) is `scale` times 0.015 mm, beside `neighbours` others."""
    points = [perigee_of((0.0, 0.0, 0.0), 5.0, 0.6 + 0.001 * k, 0.4, 1) for k in range(1 + neighbours)]
    tracks, ws = tracks_of(points, scale=scale), flavour_workspace()
    ws.status[:] = status
    fill_origins(tracks, rows_of(tracks), 1 + neighbours, settings, ws)
    return ws


@pytest.mark.parametrize("scale, low, high", [(1.0, 0.0, 30.0), (1.6, 30.0, 50.0), (2.6, 50.0, 90.0),
                                              (6.0, 90.0, math.inf)])
def test_radii_follow_the_error(scale, low, high):
    ws = origins(scale)
    assert ws.origin[0].tolist() == [low, high]
    inside = 0.5 * (low + min(high, low + 20.0))
    assert may_begin_at(inside, 0.1, 0, ws)
    if math.isfinite(high):
        assert not may_begin_at(high + 10.0, 0.1, 0, ws)
        assert may_begin_at(high + 10.0, 10.0, 0, ws)
    if low > 0.0:
        assert not may_begin_at(low - 10.0, 0.1, 0, ws)


def test_crowded_tracks_may_begin_inside():
    assert origins(1.6).origin[0, 0] == 30.0
    assert origins(1.6, neighbours=4).origin[0, 0] == 0.0


def test_nothing_is_concluded_without_knowledge_or_need():
    for ws in (origins(6.0, flavour_settings(BZ)), origins(6.0, status=NOT_DISPLACED)):
        assert ws.origin[0].tolist() == [0.0, math.inf]


def test_expected_resolution_is_bilinear():
    grid = np.outer(LN_PT, 1.0 + RESOLUTION_ETA_STEP * np.arange(28))
    settings = flavour_settings(BZ, sigma_d0=grid)
    assert expected_sigma_d0(3.0, 1.234, settings) == pytest.approx(math.log(3.0) * 2.234, rel=1e-9)
