"""The helix of a charged particle in a homogeneous field along z, and its perigee to the z axis.

A helix is (d0, z0, phi, cot_theta, kappa): the perigee of `core.reconstructed` with phi the azimuth of the
momentum there and kappa = d(phi)/d(arc) the signed curvature in the transverse plane, negative for positive
charges in a field along +z. *Arc* is the transverse path length from the perigee, negative before it. With
c = 2 sin(kappa arc / 2) / kappa (the chord),

    x = -d0 sin(phi) + c cos(phi + kappa arc / 2),   y = d0 cos(phi) + c sin(phi + kappa arc / 2),
    z = z0 + arc cot_theta,   r^2 = d0^2 + (1 + kappa d0) c^2,

all of which have the straight line as their smooth limit kappa = 0, so neutral particles need no other code.
"""

from __future__ import annotations

import math

from pseudoexp.core.elementary import atan2, sincos
from pseudoexp.core.jit import inline

CURVATURE = 2.99792458e-4
"""|kappa| [1/mm] of a unit charge with pT = 1 GeV in 1 T."""
_PI = 3.141592653589793
_TWO_PI = 6.283185307179586
_SMALL = 1e-3


@inline
def curvature(charge: float, pt: float, field: float) -> float:
    """Return kappa [1/mm] for a charge [e], pT [GeV] and a field along z [T]."""
    return -charge * CURVATURE * field / pt


@inline
def perigee(x: float, y: float, z: float, px: float, py: float, pz: float,
            kappa: float) -> tuple[float, float, float, float, float]:
    """Return (d0, z0, phi, cot_theta, arc) of the helix through a point with a momentum; `arc` leads to the point.

    The perigee is the one less than half a turn away. The transverse momentum must not be zero.
    """
    inverse_pt = 1.0 / math.sqrt(px * px + py * py)
    cosine, sine = px * inverse_pt, py * inverse_pt
    cot_theta = pz * inverse_pt
    across = y * cosine - x * sine
    along = x * cosine + y * sine
    phi = atan2(py, px)
    if kappa == 0.0:
        return across, z - along * cot_theta, wrap(phi), cot_theta, along
    bend = 2.0 * across + kappa * (across * across + along * along)
    d0 = bend / (1.0 + math.sqrt(max(1.0 + kappa * bend, 0.0)))
    turn = atan2(kappa * along, 1.0 + kappa * across)  # phi at the point minus phi at the perigee
    arc = turn / kappa
    return d0, z - arc * cot_theta, wrap(phi - turn), cot_theta, arc


@inline
def wrap(phi: float) -> float:
    """Return an azimuth of (-3 pi, 3 pi] in (-pi, pi]."""
    if phi > _PI:
        return phi - _TWO_PI
    return phi + _TWO_PI if phi <= -_PI else phi


@inline
def arc_at_radius(d0: float, kappa: float, radius: float) -> float:
    """Return the arc [mm] at which the outgoing helix crosses a cylinder; -1 if it turns back before (or d0 is out)."""
    chord2 = (radius * radius - d0 * d0) / (1.0 + kappa * d0)
    chord = math.sqrt(max(chord2, 0.0))
    h = 0.5 * abs(kappa) * chord
    turn = 2.0 * atan2(h, math.sqrt(max(1.0 - h * h, 0.0)))
    small = not h >= _SMALL
    arc = chord * (1.0 + h * h * (0.16666666666666666 + 0.075 * h * h)) if small else turn / abs(kappa)
    return -1.0 if h > 1.0 or not chord2 >= 0.0 else arc


@inline
def position(d0: float, z0: float, phi: float, cot_theta: float, kappa: float,
             arc: float) -> tuple[float, float, float]:
    """Return the point (x, y, z) [mm] at an arc."""
    sine, cosine = sincos(phi)
    return advance(-d0 * sine, d0 * cosine, z0, cosine, sine, cot_theta, kappa, arc)


@inline
def advance(x: float, y: float, z: float, cosine: float, sine: float, cot_theta: float, kappa: float,
            step: float) -> tuple[float, float, float]:
    """Return the point [mm] reached from (x, y, z) after a transverse path, starting at azimuth (cosine, sine)."""
    dx, dy = displacement(cosine, sine, kappa, step)
    return x + dx, y + dy, z + step * cot_theta


@inline
def displacement(cosine: float, sine: float, kappa: float, step: float) -> tuple[float, float]:
    """Return how far a transverse path leads in x and y [mm], starting at azimuth (cosine, sine)."""
    if kappa == 0.0:
        return step * cosine, step * sine
    h = 0.5 * kappa * step
    sine_h, cosine_h = sincos(h)
    chord = step * (1.0 - h * h / 6.0) if abs(h) < 1e-4 else 2.0 * sine_h / kappa
    return chord * (cosine * cosine_h - sine * sine_h), chord * (sine * cosine_h + cosine * sine_h)


@inline
def momentum(pt: float, phi: float, cot_theta: float, kappa: float, arc: float) -> tuple[float, float, float]:
    """Return the momentum (px, py, pz) at an arc, in the unit of pt."""
    sine, cosine = sincos(phi + kappa * arc)
    return pt * cosine, pt * sine, pt * cot_theta


@inline
def arc_at_surface(d0: float, z0: float, cot_theta: float, kappa: float, radius: float,
                   half_length: float, arc0: float) -> tuple[float, bool]:
    """Return (arc, reached) at a closed cylinder around the origin, for a particle starting inside at `arc0`.

    A particle that turns back before the barrel goes on to an end plate, however many turns it takes.
    """
    barrel = arc_at_radius(d0, kappa, radius)
    if barrel >= max(arc0, 0.0) and abs(z0 + barrel * cot_theta) <= half_length:
        return barrel, True
    if cot_theta == 0.0:
        return arc0, False
    plate = ((half_length if cot_theta > 0.0 else -half_length) - z0) / cot_theta
    return plate, plate >= arc0
