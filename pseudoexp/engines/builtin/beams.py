"""What is left of the protons while scatterings take partons from them.

T. Sjostrand, P. Skands, JHEP 03 (2004) 053 (hep-ph/0402078), section 3: densities are those of a proton with the momentum that is
left; a valence quark can be taken only once of each kind there is; a sea quark leaves its companion behind, which can be taken
too; gluons and sea shrink or grow so that the momentum adds up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import log, pow
from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.companions import HIGHEST_COMPANION, companion_density, norm_and_momentum
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.parton_density import EFFECTIVE, GLUON, Densities, Place, all_densities, at_place
from pseudoexp.engines.builtin.partons import SEA, SECOND_VALENCE, VALENCE, Partons, Systems

UP, DOWN = 2, 1
_U_MOMENTUM, _D_MOMENTUM = 0.5650, 0.2403
_U_POWER, _D_POWER = 0.4502, 0.4460
_LAMBDA2 = 0.04
"""Momentum shares of both u and of the d valence quark are a ln(Q^2 / 0.04 GeV^2)^-b, within 0.3 % of the densities' own."""
_LOWEST_Q2 = 1.0
LARGEST_GROWTH = 1.33
"""Bounds what gluons and sea are multiplied by when a valence quark has been taken."""
_LEAST_GROWTH = 0.1
"""What is left of gluons and sea where companions would have all the momentum: a parton in hand needs a density to evolve by."""
_MOST_COMPANIONS = 24
_GROWTH, _UP_LEFT, _DOWN_LEFT, _COMPANIONS, _SCALE2, _UP_MOMENTUM, _DOWN_MOMENTUM, _OWED, _FIRST = range(9)
_SYSTEM, _FLAVOUR, _TAKEN, _NORM, _ENTRIES = 0, 1, 2, 3, 4
REST = _FIRST + _ENTRIES * _MOST_COMPANIONS
"""Length of what `lay_rest` fills: the factor of gluons and sea, the shares of u and d valence quarks that are left, the number
of companions, the scale and the whole proton's momenta of u and d valence quarks there, the scale at which all this is yet to be
found; of each companion the system, the flavour, the fraction of the sea quark that was taken, the norm of its density."""


def whole_proton() -> NDArray[np.float64]:
    """Return (2, REST) what `lay_rest` says of two protons that nothing has been taken from."""
    rest = np.zeros((2, REST))
    rest[:, _GROWTH] = rest[:, _UP_LEFT] = rest[:, _DOWN_LEFT] = 1.0
    return rest


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
    """Return the flavour of the first valence quark that has been taken, 0 if none has."""
    for k in range(systems.filled[0]):
        if systems.origin[k, side] == VALENCE:
            return partons.pdg_id[systems.incoming[k, side]]
    return 0


@inline
def left_alone(system: int, side: int, besides: int, partons: Partons, systems: Systems) -> int:
    """Return the flavour of the companion that a system's sea quark left behind and nobody has taken; 0 if there is none."""
    flavour = partons.pdg_id[systems.incoming[system, side]]
    other = systems.partner[system, side]
    if system == besides or abs(flavour) > 6 or systems.origin[system, side] != SEA or (other >= 0 and other != besides):
        return 0
    return -flavour


@kernel
def lay_rest(side: int, besides: int, q2: float, partons: Partons, systems: Systems, rest: NDArray[np.float64]) -> float:
    """Find what is left of a proton.

    Parameters
    ----------
    side, besides : int
        Which beam; a system that counts as not having taken anything, -1: none.
    q2 : float
        Scale squared [GeV^2] at which valence quarks and sea share the momentum.
    partons, systems : Partons, Systems
        Who has taken what.
    rest : (REST,)
        Filled.

    Returns
    -------
    float
        The momentum that is left.
    """
    left, up, down = momentum_left(systems, side, besides), 2.0, 1.0
    scale2 = max(q2, _LOWEST_Q2)
    if rest[_SCALE2] != scale2:  # all showers pause at the same scale
        logarithm = log(scale2 / _LAMBDA2)
        rest[_SCALE2] = scale2
        rest[_UP_MOMENTUM] = _U_MOMENTUM * pow(logarithm, -_U_POWER)
        rest[_DOWN_MOMENTUM] = _D_MOMENTUM * pow(logarithm, -_D_POWER)
    u_momentum, d_momentum = rest[_UP_MOMENTUM], rest[_DOWN_MOMENTUM]
    for k in range(systems.filled[0]):
        if k != besides and systems.origin[k, side] != SEA:
            flavour = partons.pdg_id[systems.incoming[k, side]]
            up -= 1.0 if flavour == UP else 0.0
            down -= 1.0 if flavour == DOWN else 0.0
    rest[_UP_LEFT], rest[_DOWN_LEFT] = 0.5 * max(up, 0.0), max(down, 0.0)
    others, n = 1.0 - rest[_UP_LEFT] * u_momentum - rest[_DOWN_LEFT] * d_momentum, 0
    for k in range(systems.filled[0]):
        flavour = left_alone(k, side, besides, partons, systems)
        if flavour != 0 and n < _MOST_COMPANIONS:
            taken = systems.x[k, side] / (left + systems.x[k, side])
            norm, mean = norm_and_momentum(taken)
            others -= mean / (1.0 - taken)
            entry = rest[_FIRST + _ENTRIES * n:_FIRST + _ENTRIES * (n + 1)]
            entry[_SYSTEM], entry[_FLAVOUR], entry[_TAKEN], entry[_NORM] = k, flavour, taken, norm
            n += 1
    rest[_COMPANIONS], rest[_OWED] = n, 0.0
    rest[_GROWTH] = max(others / (1.0 - u_momentum - d_momentum), _LEAST_GROWTH)
    return left


@inline
def owe_rest(side: int, besides: int, q2: float, systems: Systems, rest: NDArray[np.float64]) -> float:
    """Return the momentum that is left, and leave the rest of `lay_rest` to `settle_rest`: most showers end without asking."""
    rest[_OWED] = max(q2, _LOWEST_Q2)
    return momentum_left(systems, side, besides)


@inline
def settle_rest(side: int, besides: int, partons: Partons, systems: Systems, rest: NDArray[np.float64]) -> None:
    """Find what is left of a proton if that is owed; no other system may have changed since."""
    if rest[_OWED] > 0.0:
        lay_rest(side, besides, rest[_OWED], partons, systems, rest)


@inline
def _one_companion(rest: NDArray[np.float64], n: int, x: float) -> float:
    """Return x f of a companion at a share x of the momentum that is left."""
    entry = rest[_FIRST + _ENTRIES * n:_FIRST + _ENTRIES * (n + 1)]
    return companion_density(x * (1.0 - entry[_TAKEN]), entry[_TAKEN], entry[_NORM])


@inline
def _flavour_of(rest: NDArray[np.float64], n: int) -> int:
    """Return the flavour of a companion."""
    return int(rest[_FIRST + _ENTRIES * n + _FLAVOUR])


@kernel
def take_away(rest: NDArray[np.float64], x: float, values: NDArray[np.float64]) -> None:
    """Turn `values` (COLUMNS,), x f of a whole proton, into those of what is left of it; the effective one stays.

    x is the share of the momentum that is left.
    """
    u, d = values[GLUON + UP] - values[GLUON - UP], values[GLUON + DOWN] - values[GLUON - DOWN]
    for k in range(EFFECTIVE):
        values[k] *= rest[_GROWTH]
    values[GLUON + UP] = values[GLUON - UP] + rest[_UP_LEFT] * max(u, 0.0)
    values[GLUON + DOWN] = values[GLUON - DOWN] + rest[_DOWN_LEFT] * max(d, 0.0)
    for n in range(int(rest[_COMPANIONS])):
        values[GLUON + _flavour_of(rest, n)] += _one_companion(rest, n, x)


@kernel
def column_left(densities: Densities, place: Place, rest: NDArray[np.float64], x: float, column: int) -> float:
    """Return x f of one column of what is left; `place` belongs to x, a share of the momentum that is left."""
    value = at_place(densities, place, column)
    if column in (GLUON + UP, GLUON + DOWN):
        sea = at_place(densities, place, 2 * GLUON - column)
        value = rest[_GROWTH] * sea + rest[_UP_LEFT if column == GLUON + UP else _DOWN_LEFT] * max(value - sea, 0.0)
    else:
        value *= rest[_GROWTH]
    for n in range(int(rest[_COMPANIONS])):
        if _flavour_of(rest, n) == column - GLUON:
            value += _one_companion(rest, n, x)
    return value


@inline
def most_left(rest: NDArray[np.float64], most: float) -> float:
    """Return a bound of the sum over quarks of x f of what is left, from one of the whole proton's."""
    return max(rest[_GROWTH], 1.0) * most + HIGHEST_COMPANION * rest[_COMPANIONS]


@kernel
def densities_left(densities: Densities, side: int, besides: int, x: float, q2: float, partons: Partons, systems: Systems,
                   rest: NDArray[np.float64], out: NDArray[np.float64]) -> float:
    """Fill `out` (COLUMNS,) with x f of all columns but the effective one, of what is left of a proton; return what that is.

    x is the share of the beam's momentum, below what is left; `rest` (REST,) and the other arguments are as in `lay_rest`.
    """
    left = lay_rest(side, besides, q2, partons, systems, rest)
    all_densities(densities, x / left, q2, out)
    take_away(rest, x / left, out)
    return left


@kernel
def decide_origin(system: int, side: int, partons: Partons, systems: Systems, densities: Densities, dice: Dice,
                  rest: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """Decide whether the quark that enters a scattering is a valence quark, a companion or from the sea, by their densities.

    These are taken at its x and scale; `rest` (REST,) and `values` (COLUMNS,) are scratch.
    """
    before = systems.partner[system, side]
    if before >= 0:
        systems.partner[before, side] = -1
    systems.origin[system, side], systems.partner[system, side] = SEA, -1
    flavour = partons.pdg_id[systems.incoming[system, side]]
    if abs(flavour) > 6:
        return
    x, q2 = systems.x[system, side], systems.scale[system] * systems.scale[system]
    left = densities_left(densities, side, system, x, q2, partons, systems, rest, values)
    goal = throw(dice) * values[GLUON + flavour]
    for n in range(int(rest[_COMPANIONS])):
        if _flavour_of(rest, n) == flavour:
            goal -= _one_companion(rest, n, x / left)
            if goal < 0.0:
                k = int(rest[_FIRST + _ENTRIES * n + _SYSTEM])
                systems.partner[system, side], systems.partner[k, side] = k, system
                return
    if flavour in (UP, DOWN):
        all_densities(densities, x / left, q2, values)
        share = rest[_UP_LEFT] if flavour == UP else rest[_DOWN_LEFT]
        if goal < share * (values[GLUON + flavour] - values[GLUON - flavour]):
            systems.origin[system, side] = SECOND_VALENCE if valence_taken(partons, systems, side) != 0 else VALENCE
