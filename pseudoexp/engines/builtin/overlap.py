"""How much two protons overlap: the impact parameter of a collision and its mean number of scatterings.

T. Sjostrand, P. Skands, JHEP 03 (2004) 053 (hep-ph/0402078), section 2.3, with the overlap exp(-b**p) of Pythia8's Monash
tune (p = 1.85). At impact parameter b the number of scatterings is Poissonian with mean K exp(-b**p); K follows from the ratio
of the cross-section for scatterings to the non-diffractive one. A hard scattering is one of them, so that its own b follows
b exp(-b**p) db: with u = b**p a gamma distribution of shape 2/p.
"""

from __future__ import annotations

import numpy as np

from pseudoexp.core.elementary import exp, log
from pseudoexp.core.jit import inline
from pseudoexp.engines.builtin.dice import Dice, throw

POWER = 1.85
_SHAPE = 2.0 / POWER


def mean_at_centre(scatterings_per_collision: float) -> float:
    """Return K, the mean number of scatterings at b = 0.

    Parameters
    ----------
    scatterings_per_collision : float
        Cross-section for scatterings over the cross-section for non-diffractive collisions; above 1.
    """
    from scipy.integrate import quad  # a quarter of a second that events need not wait for
    from scipy.optimize import brentq

    total = 1.0 / POWER * float(quad(lambda u: u ** (_SHAPE - 1.0) * np.exp(-u), 0.0, np.inf)[0])

    def collisions(k: float) -> float:
        return float(quad(lambda b: b * -np.expm1(-k * np.exp(-(b**POWER))), 0.0, 12.0, limit=200)[0])

    return float(brentq(lambda k: k * total - scatterings_per_collision * collisions(k), 1e-6, 1e4))


@inline
def overlap_of_hard_collision(dice: Dice) -> float:
    """Return exp(-b**p) of a collision with a hard scattering: by acceptance under an exponential, 98 % pass."""
    while True:
        u = -_SHAPE * log(throw(dice))
        if log(throw(dice)) < (_SHAPE - 1.0) * (log(u / _SHAPE) + 1.0 - u / _SHAPE):
            return exp(-u)
