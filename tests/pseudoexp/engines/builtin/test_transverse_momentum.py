"""Kicks of string breaks: two Gaussians."""

import numpy as np
from scipy.stats import kstest

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import QCD
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import STRING, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.transverse_momentum import draw_kick


@kernel
def kicks(dice: Dice, n: int) -> np.ndarray:
    """Return n kicks."""
    throw_from(dice, event_stream(3, QCD, 5), STRING, 0)
    values = np.empty((n, 2))
    for i in range(n):
        values[i, 0], values[i, 1] = draw_kick(dice)
    return values


def test_spectrum_and_direction():
    values = kicks(new_dice(), 50_000)
    pt2 = (values**2).sum(1)
    assert kstest(pt2, lambda x: 1 - 0.99 * np.exp(-x / 0.335**2) - 0.01 * np.exp(-x / 0.67**2)).pvalue > 1e-3
    assert kstest(np.arctan2(values[:, 1], values[:, 0]) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3
    assert abs((pt2 > 0.335**2 * 12).mean() - 0.99 * np.exp(-12) - 0.01 * np.exp(-3)) < 4e-4
