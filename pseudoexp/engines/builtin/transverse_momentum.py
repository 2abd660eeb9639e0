"""Transverse momenta of the quark and the antiquark of a string break: equal, opposite, Gaussian.

Width of the Monash tune; one break in a hundred has twice that width.
"""

from __future__ import annotations

import math

from pseudoexp.core.jit import inline
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.exponential import quick_log

SIGMA = 0.335
"""GeV: the root mean square of the transverse momentum."""
WIDE_FRACTION, WIDE_FACTOR = 0.01, 2.0
_INVERSE_NARROW = 1.0 / (1.0 - WIDE_FRACTION)


@inline
def draw_kick(dice: Dice) -> tuple[float, float]:
    """Return px, py [GeV] of the flavour that joins the hadron; its partner at the new end has the opposite.

    From a point in the unit circle: its squared distance from the centre is uniform and does not know its direction (G.
    Marsaglia and T. A. Bray, SIAM Rev. 6 (1964) 260). One hundredth of it makes the wide ones.
    """
    while True:
        x, y = 2.0 * throw(dice) - 1.0, 2.0 * throw(dice) - 1.0
        square = x * x + y * y
        if square < 1.0:
            break
    if square < WIDE_FRACTION:
        scale = WIDE_FACTOR * SIGMA * math.sqrt(-quick_log(square / WIDE_FRACTION) / square)
    else:
        scale = SIGMA * math.sqrt(-quick_log((square - WIDE_FRACTION) * _INVERSE_NARROW) / square)
    return x * scale, y * scale
