"""What is left of the protons while scatterings take partons from them.

T. Sjostrand, P. Skands, JHEP 03 (2004) 053 (hep-ph/0402078), section 3: densities are those of a proton with the momentum that is
left; a valence quark can be taken only once of each kind there is, and gluons and sea grow so that the momentum adds up. At
most one quark per proton counts as a valence quark, so that the rest always holds a diquark.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.parton_density import EFFECTIVE, GLUON, Densities, all_densities, density, valence
from pseudoexp.engines.builtin.partons import SEA, VALENCE, Partons, Systems

UP, DOWN = 2, 1
_U_MOMENTUM, _D_MOMENTUM = 0.262, 0.112
"""Momentum shares of the valence quarks at Q^2 = 10 GeV^2."""
_VALENCE = _U_MOMENTUM + _D_MOMENTUM
GROWTH_WITHOUT_U = (1.0 - _VALENCE + 0.5 * _U_MOMENTUM) / (1.0 - _VALENCE)
GROWTH_WITHOUT_D = (1.0 - _VALENCE + _D_MOMENTUM) / (1.0 - _VALENCE)
"""What gluons and sea are multiplied by when a valence quark has been taken."""
LARGEST_GROWTH = max(GROWTH_WITHOUT_U, GROWTH_WITHOUT_D)


@inline
def momentum_left(systems: Systems, side: int, besides: int) -> float:
    """Return the share of a beam's momentum that no scattering but `besides` (-1: none) has taken, at least 1e-9."""
    left = 1.0
    for k in range(systems.filled[0]):
        if k != besides:
            left -= systems.x[k, side]
    return max(left, 1e-9)


@inline
def valence_taken(partons: Partons, systems: Systems, side: int) -> int:
    """Return the flavour of the valence quark that has been taken, 0 if none has."""
    for k in range(systems.filled[0]):
        if systems.origin[k, side] == VALENCE:
            return partons.pdg_id[systems.incoming[k, side]]
    return 0


@kernel
def decide_origin(system: int, side: int, partons: Partons, systems: Systems, densities: Densities, dice: Dice) -> None:
    """Decide whether the quark that enters a scattering is a valence quark, by the densities at its x and scale."""
    systems.origin[system, side] = SEA
    flavour = partons.pdg_id[systems.incoming[system, side]]
    if (flavour != UP and flavour != DOWN) or valence_taken(partons, systems, side) != 0:
        return
    x, q2 = systems.x[system, side], systems.scale[system] * systems.scale[system]
    if throw(dice) * density(densities, flavour, x, q2) < valence(densities, flavour, x, q2):
        systems.origin[system, side] = VALENCE


@kernel
def densities_left(densities: Densities, left: float, taken: int, x: float, q2: float, out: NDArray[np.float64]) -> None:
    """Fill `out` (COLUMNS,) with x f of all columns but the effective one, of what is left of a proton.

    Parameters
    ----------
    densities : Densities
        Of a whole proton.
    left : float
        The share of the beam's momentum that is left, above x.
    taken : int
        Flavour of the valence quark that has been taken, or 0.
    x, q2 : float
        Share of the beam's momentum, and the scale squared [GeV^2].
    out : (COLUMNS,)
        Filled.
    """
    all_densities(densities, x / left, q2, out)
    if taken == 0:
        return
    growth = GROWTH_WITHOUT_U if taken == UP else GROWTH_WITHOUT_D
    u, d = out[GLUON + UP] - out[GLUON - UP], out[GLUON + DOWN] - out[GLUON - DOWN]
    for k in range(EFFECTIVE):
        out[k] *= growth
    u_left, d_left = (0.5, 1.0) if taken == UP else (1.0, 0.0)
    out[GLUON + UP] = max(out[GLUON - UP] + u_left * u, 0.0)
    out[GLUON + DOWN] = max(out[GLUON - DOWN] + d_left * d, 0.0)
