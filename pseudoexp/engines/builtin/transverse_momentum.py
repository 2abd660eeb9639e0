"""Transverse momenta of the quark and the antiquark of a string break: equal, opposite, Gaussian.

Width of the Monash tune; one break in a hundred has twice that width.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import log, sincos
from pseudoexp.core.jit import inline
from pseudoexp.engines.builtin.dice import Dice, throw

SIGMA = 0.335
"""GeV: the root mean square of the transverse momentum."""
WIDE_FRACTION, WIDE_FACTOR = 0.01, 2.0
_TWO_PI = 6.283185307179586


@inline
def draw_kick(dice: Dice) -> tuple[float, float]:
    """Return px, py [GeV] of the flavour that joins the hadron; its partner at the new end has the opposite."""
    pt = SIGMA * math.sqrt(-log(throw(dice)))
    if throw(dice) < WIDE_FRACTION:
        pt *= WIDE_FACTOR
    s, c = sincos(_TWO_PI * throw(dice))
    return pt * c, pt * s
