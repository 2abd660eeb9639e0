"""Splitting kernels of the showers, each relative to the simple function that trials are drawn from.

Branchings are ordered in pT^2 = z (1 - z) (m^2 - m_0^2) (final state) and pT^2 = (1 - z) Q^2 (initial state); T.
Sjostrand and P. Skands, hep-ph/0408302. Trials of an emission follow 2 C dz / (1 - z) with C = 4/3 for a quark and 3/2
for each of a gluon's two dipole ends; trials of g -> q qbar follow dz / 4 for each end and flavour. All come with
alpha_s(pT^2) / (2 pi) dpT^2 / pT^2; `evolution` draws the one-loop coupling exactly.
"""

from __future__ import annotations

import math

import numpy as np

from pseudoexp.core.jit import inline
from pseudoexp.engines.builtin.coupling import BOTTOM_MASS, CHARM_MASS, TOP_MASS, Coupling

MASSES = np.array([0.0, 0.33, 0.33, 0.5, CHARM_MASS, BOTTOM_MASS])
"""Of quarks from gluon splitting [GeV], by flavour; light quarks of the hard process are massless."""
FLAVOURS = 5
QUARK_COLOUR, GLUON_COLOUR = 4.0 / 3.0, 1.5
"""Per dipole end."""
_OCTET_OVER_TRIPLET = 2.25
"""C_A / C_F."""
PAIR_RATE = 0.25
"""Trials of g -> q qbar per dipole end and flavour."""


@inline
def running(coupling: Coupling, scale2: float) -> tuple[float, float, float]:
    """Return Lambda^2, the flavour threshold at or below `scale2` [GeV^2] and 33 - 2 n_f just below `scale2`."""
    if scale2 > BOTTOM_MASS * BOTTOM_MASS:
        if scale2 > TOP_MASS * TOP_MASS:
            return coupling.lambda2_6, TOP_MASS * TOP_MASS, 21.0
        return coupling.lambda2_5, BOTTOM_MASS * BOTTOM_MASS, 23.0
    if scale2 > CHARM_MASS * CHARM_MASS:
        return coupling.lambda2_4, CHARM_MASS * CHARM_MASS, 25.0
    return coupling.lambda2_3, 0.0, 27.0


@inline
def quark_emission(z: float) -> float:
    """Return the kernel of q -> q g over 2 / (1 - z): (1 + z^2) / 2, for massive quarks, too.

    The dead cone of a heavy quark comes from pT^2 = z (1 - z) (m^2 - m_Q^2) and the phase space. PYTHIA 8.317's emissions that no
    matrix element corrects have no further term -m_Q^2 / (p_Q p_g).
    """
    return 0.5 * (1.0 + z * z)


@inline
def gluon_emission(z: float) -> float:
    """Return the kernel of g -> g g of one dipole end over 2 / (1 - z)."""
    return 0.5 * (1.0 + z * z * z)


@inline
def quark_pair(z: float, pair2: float, mass: float, momentum: float, velocity: float) -> float:
    """Return the kernel of g -> q qbar over 1 / 2 in z, for weightGluonToQuark = 4 of PYTHIA.

    The pair's mass^2 `pair2` comes as beta (1 + 2 m^2 / pair2) p^3, p = `momentum` of the pair in the dipole's frame over that of
    a massless gluon there: 1 - pair2 / dipole2 if the recoiler is massless. Its angle in the pair's frame comes as 1 + cos^2 +
    (4 m^2 / pair2) sin^2; z maps to cos = (2 z - 1) / `velocity` with the pair's velocity in the dipole's frame.
    """
    ratio = mass * mass / pair2
    cosine = (2.0 * z - 1.0) / velocity
    if ratio >= 0.25 or abs(cosine) >= 1.0:
        return 0.0
    shape = 0.5 * (1.0 + cosine * cosine) + 2.0 * ratio * (1.0 - cosine * cosine)
    return math.sqrt(1.0 - 4.0 * ratio) * shape * momentum * momentum * momentum / velocity


@inline
def decay_element(x1: float, x2: float, ratio: float, vector: bool) -> float:
    """Return the matrix element of (scalar or vector) -> Q Qbar g for emission off Q over the trial's density.

    The full matrix element over alpha_s C_F / (2 pi) and the two-body width, shared among Q and Qbar as (1 - x1) : (1 - x2), over
    the trial's 2 / (x3 (1 - x2)) (E. Norrbin and T. Sjostrand, hep-ph/0010012). Traces for equal masses; x_i = 2 E_i / m of the
    decaying particle, `ratio` = (m_Q / m)^2. In the massless limit (1 + (1 - x3)^2) / 2 and (x1^2 + x2^2) / 2.
    """
    y1, y2 = 1.0 - x1, 1.0 - x2
    velocity2 = 1.0 - 4.0 * ratio
    if velocity2 <= 0.0 or y1 <= 0.0 or y2 <= 0.0:
        return 0.0
    poles = 1.0 / (y1 * y1) + 1.0 / (y2 * y2)
    if vector:
        both = 1.0 / y1 + 1.0 / y2
        element = (x1 * x1 + x2 * x2) / (y1 * y2) - 2.0 * ratio * (2.0 * both + poles + 2.0 * ratio * both * both)
        element /= 1.0 + 2.0 * ratio
    else:
        x3 = 2.0 - x1 - x2
        element = 2.0 * (1.0 - 2.0 * ratio - x3) / (y1 * y2) - 2.0 * ratio * poles + x3 * x3 / (velocity2 * y1 * y2)
    return max(0.5 * element * y1 * y2 / math.sqrt(velocity2), 0.0)


@inline
def octet(first: float, second: float) -> float:
    """Return the matrix element of an octet's pair over that of a singlet's, for (p_1 p_g) and (p_2 p_g).

    In the soft limit, with the emission off the octet itself: -2 sum of T_i T_j times the eikonals of quark, antiquark and octet,
    over the singlet's; T_1 T_2 = C_A / 2 - C_F.
    """
    total = first + second
    return 1.0 - _OCTET_OVER_TRIPLET * first * second / (total * total)
