"""Conversions: found at all radii and energies, also when one track points at the primary vertex; others are not."""

import numpy as np
import pytest
from flavour_toys import BZ, b_jet, direction, perigee_from_momentum, rows_of, tracks_of, vertex_at

from pseudoexp.flavour.conversions import is_conversion
from pseudoexp.flavour.impact_parameters import fill_helices

PRIMARY = (0.01, -0.01, 5.0)
U = direction(0.6, 0.4)


def found(perigees, rng=None, scale=1.0):
    """Whether the first two tracks are taken for a conversion."""
    tracks = tracks_of(perigees, rng, scale)
    helix = np.zeros((len(perigees), 8))
    fill_helices(tracks, rows_of(tracks), len(perigees), BZ, helix)
    return is_conversion(tracks, rows_of(tracks), helix, 0, 1, vertex_at(PRIMARY))


def pair(length, pt, share, charges=(1, -1), offset=0.0):
    """Electron and positron of a photon of momentum `pt` along the axis, `length` mm away, beside the axis."""
    point = np.array(PRIMARY) + length * U + offset * np.array([-np.sin(0.6), np.cos(0.6), 0.0])
    return [perigee_from_momentum(point, pt * s * U, q) for s, q in zip((share, 1.0 - share), charges, strict=True)]


@pytest.mark.parametrize("length, pt, share, scale", [(30.0, 3.0, 0.5, 1.0), (60.0, 5.0, 0.3, 1.6), (130.0, 8.0, 0.8, 4.0),
                                                      (40.0, 6.0, 0.12, 1.6)])
def test_pairs_are_found(length, pt, share, scale):
    rng = np.random.default_rng(1)
    assert np.mean([found(pair(length, pt, share), rng, scale) for _ in range(100)]) > 0.9


def test_like_signs_and_photons_from_elsewhere_are_not():
    assert found(pair(60.0, 5.0, 0.4))
    assert not found(pair(60.0, 5.0, 0.4, charges=(1, 1)))
    assert not found(pair(60.0, 5.0, 0.4, offset=1.5))


def test_decays_of_b_hadrons_are_rarely_taken_for_one():
    rng = np.random.default_rng(4)
    fakes = [found(b_jet(rng, length=20.0)[0][4:6], rng) for _ in range(300)]
    assert np.mean(fakes) < 0.02
