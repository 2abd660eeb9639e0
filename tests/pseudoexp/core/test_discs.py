"""Cells and discs: directions find their cells, and discs are the sums of all cells near enough."""

import numpy as np
import pytest

from pseudoexp.core.discs import CELL, END_ETA, FIRST_ETA, MAX_SLOPE, N_ETA, N_PHI, add_to_cell, cell_of, new_discs, sum_discs


def test_directions_find_their_cells():
    """Equal cells in eta and phi; only within a twentieth of a cell's width of its edge it may be the neighbour."""
    rng = np.random.default_rng(1)
    assert MAX_SLOPE < np.sinh(N_ETA // 2 * CELL) < MAX_SLOPE + 0.01
    wrong, etas, phis = 0, rng.uniform(-3.19, 3.19, 4000), rng.uniform(-np.pi, np.pi, 4000)
    for eta, phi, pt in zip(etas, phis, rng.exponential(10.0, 4000), strict=True):
        px, py = pt * np.cos(phi), pt * np.sin(phi)
        exact = eta / CELL + N_ETA / 2, (phi + np.pi) / (2 * np.pi) * N_PHI
        for found, place in zip(cell_of(px, py, float(np.sinh(eta))), exact, strict=True):
            assert found - 0.06 < place < found + 1.06
            wrong += found != int(place)
    assert wrong < 0.05 * 8000


@pytest.mark.parametrize(("px", "py"), [
    (1.0, 0.0), (-1.0, 1e-9), (-1.0, -1e-9), (0.0, 1.0), (0.0, -2.0), (3.0, 3.0), (-1.0, 0.0)])
def test_edges_stay_inside(px, py):
    """Along the axes, and far forward: the outermost cells."""
    for slope in (0.0, 50.0, -50.0):
        a, b = cell_of(px, py, slope)
        assert a == {0.0: N_ETA // 2, 50.0: N_ETA - 1, -50.0: 0}[slope]
        assert 0 <= b < N_PHI and abs(b + 0.5 - (np.arctan2(py, px) + np.pi) / (2 * np.pi) * N_PHI) <= 0.56


def test_discs_are_the_cells_within_their_radius():
    """Against all pairs of cells, 1.02 apart at most; phi is a circle."""
    rng, discs = np.random.default_rng(2), new_discs()
    momenta = np.where(rng.uniform(size=(2, N_ETA, N_PHI)) < 0.2, rng.normal(size=(2, N_ETA, N_PHI)), 0.0)
    for a in range(N_ETA):
        for b in range(N_PHI):
            add_to_cell(discs, a, b, *(0.5 * momenta[:, a, b]))
            add_to_cell(discs, a, b, *(0.5 * momenta[:, a, b]))
    sum_discs(discs)
    eta, phi = (np.arange(N_ETA) + 0.5) * CELL, (np.arange(N_PHI) + 0.5) * 2 * np.pi / N_PHI
    turn = np.abs(phi[:, None] - phi)
    turn = np.minimum(turn, 2 * np.pi - turn)
    for a in range(FIRST_ETA, END_ETA):
        near = (eta[a] - eta)[:, None, None] ** 2 + turn[None] ** 2 <= 1.02**2  # (eta, phi of a cell, phi of the disc)
        sums = np.einsum("cef,efg->cg", momenta, near)
        np.testing.assert_allclose(discs.pt2[a], (sums**2).sum(0), rtol=1e-9, atol=1e-12)
    assert round((3.2 - 2.2) / CELL) == FIRST_ETA and END_ETA == N_ETA - FIRST_ETA
